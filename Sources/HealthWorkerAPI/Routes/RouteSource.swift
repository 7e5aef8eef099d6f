import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// Where the questions about routes are answered from: for callers of the API out of the storage, for
/// consumers out of what is held.
struct RouteSource: Sendable {
    struct Seen: Sendable {
        /// Nil: there is no policy of this name.
        var known: RouteSnapshot.Known?
        var staleness: Staleness
        /// Of what is held.
        var version = 0
    }

    /// How old an answer is, where nobody knows whether it still holds.
    struct Staleness: Hashable, Sendable {
        /// Nil: it is fresh.
        var age: Duration?
    }

    let look: @Sendable (_ policy: String) async throws -> Seen
    /// What says whether a caller who listens for days still may; nil: everybody may who is here.
    let standing: @Sendable (Call) -> StandingCaller?
    let listeners: Listeners
    /// Waits until it is worth another look, so long at most.
    let pause: @Sendable (_ seen: Seen?, _ limit: Duration) async throws -> Void
    /// How often one who listens and is told nothing hears that the connection lives.
    let heartbeat: Duration

    static func storage(_ backend: Backend) -> RouteSource {
        let pause = max(backend.settings.longPollInterval, .milliseconds(100))
        return RouteSource(
            look: { policy in
                Seen(
                    known: try await backend.watch.route(ofPolicy: policy),
                    staleness: Staleness())
            }, standing: { StandingCaller(of: $0, backend) },
            listeners: backend.listeners,
            pause: { try await Task.sleep(for: min($1, pause)) },
            heartbeat: backend.settings.heartbeat)
    }

    static func held(_ watch: RouteWatch, _ settings: ConsumerSettings) -> RouteSource {
        RouteSource(
            look: { policy in
                let held = try watch.told()
                return Seen(
                    known: held.snapshot[policy], staleness: held.staleness, version: held.version)
            }, standing: { _ in nil }, listeners: Listeners(limit: settings.listenerLimit),
            // Once a second also to see that it has become stale, or that the process ends.
            pause: { seen, limit in
                try Task.checkCancellation()
                await watch.change(after: seen?.version ?? 0, within: min(limit, .seconds(1)))
            }, heartbeat: settings.heartbeat)
    }
}

extension RouteWatch {
    /// What is held, or that nothing is known.
    func told() throws -> Held {
        guard let held = held() else {
            throw ProblemDetails(
                .unavailable, "Nothing has been read from the storage yet.",
                headers: [.retryAfter: "1"])
        }
        return held
    }
}

extension RouteWatch.Held {
    var staleness: RouteSource.Staleness {
        RouteSource.Staleness(age: isStale ? age : nil)
    }
}

extension RouteSource.Staleness {
    private var seconds: Int64? { age.map { max(0, $0.components.seconds) } }

    /// Added to what is answered, so that it is seen by who reads bodies alone.
    var entries: [Node.Entry?] {
        guard let seconds else { return [] }
        return [.init("stale", .flag(true)), .init("age_seconds", .number(seconds))]
    }

    /// Added to the head, so that it is seen by who reads no bodies.
    var headers: HTTPFields {
        guard let seconds else { return [:] }
        return [.staleSeconds: String(seconds)]
    }
}

extension Response {
    func marked(_ staleness: RouteSource.Staleness) -> Response {
        var response = self
        response.headers.append(contentsOf: staleness.headers)
        return response
    }
}

extension HTTPField.Name {
    static let staleSeconds = Self("X-Stale-Seconds")!  // a token (RFC 9110 §5.1)
}
