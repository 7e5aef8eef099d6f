import HTTPTypes
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import NIOCore
import ServiceLifecycle

/// One listener's stream of a policy's routes, as server-sent events (WHATWG HTML, §9.2).
struct RouteStream: Sendable {
    let source: RouteSource
    let policy: String

    func response(to call: Call) async throws -> Response {
        guard let seat = source.listeners.enter() else {
            throw ProblemDetails(
                .unavailable, "\(source.listeners.limit) listen already; ask again later.",
                headers: [.retryAfter: "5"])
        }
        // Looked at before anything is answered, so that a policy that is not there is a proper error.
        let first = try await source.look(policy)
        guard let route = first.known else {
            throw ProblemDetails.missing(.policy, policy)
        }
        let caller = source.standing(call)
        let last = call.request.headers[.lastEventID].map { "\"\($0)\"" }
        let headers: HTTPFields = [
            .contentType: "text/event-stream", .cacheControl: "no-store",
            .eTag: route.answer?.tag ?? Preconditions.tag(0),
            // What stands in between must not wait for more.
            .xAccelBuffering: "no",
        ]
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { [self] writer in
                try await write(to: &writer, first, after: last, for: caller)
                try await writer.finish(nil)
                // Until here, or until nobody wants the answer any more.
                withExtendedLifetime(seat) {}
            })
    }

    private func write(
        to writer: inout any ResponseBodyWriter, _ first: RouteSource.Seen, after last: String?,
        for caller: StandingCaller?
    ) async throws {
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        var caller = caller
        var told = last
        var isStale = false
        var seen: RouteSource.Seen? = first
        var heardAt = ContinuousClock.now
        // A process that ends does not keep its listeners: they go on at another one.
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            guard try await caller?.isStillLetIn() ?? true else { return }
            if let seen {
                guard let known = seen.known else {
                    return try await writer.write(ByteBuffer(string: "event: gone\ndata: {}\n\n"))
                }
                // Told once more when it has become stale, and when it is fresh again.
                let turns = (seen.staleness.age != nil) != isStale
                if let answer = known.answer, answer.tag != told || turns {
                    try await writer.write(
                        Self.event(answer, marked: seen.staleness, of: known.route))
                    (told, heardAt) = (answer.tag, .now)
                }
                isStale = seen.staleness.age != nil
            }
            if ContinuousClock.now - heardAt >= source.heartbeat {
                try await writer.write(ByteBuffer(string: ": still here\n\n"))
                heardAt = .now
            }
            try await source.pause(seen, source.heartbeat)
            seen = try await look()
        }
    }

    /// Nil while the storage is away: who listens already waits until it is back.
    private func look() async throws -> RouteSource.Seen? {
        do {
            return try await source.look(policy)
        } catch let error as StorageError {
            guard case .unavailable = error else { throw error }
            return nil
        }
    }

    private static func event(
        _ answer: RouteSnapshot.Answer, marked staleness: RouteSource.Staleness,
        of route: StoredRoute
    ) -> ByteBuffer {
        var text = ByteBuffer(
            string: "id: \(answer.tag.filter { $0 != "\"" })\nevent: route\ndata: ")
        // JSON as it is written here has no line breaks.
        var body = answer.body(marked: staleness, of: route)
        text.writeBuffer(&body)
        text.writeString("\n\n")
        return text
    }
}
