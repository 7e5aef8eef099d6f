import HTTPTypes
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// One listener's stream of server-sent events (WHATWG HTML, §9.2).
struct EventStream: Sendable {
    let backend: Backend
    let filter: EventFilter

    func response(to call: Call, after last: EventPosition?) async throws -> Response {
        guard let seat = backend.listeners.enter() else {
            throw ProblemDetails(
                .unavailable, "\(backend.listeners.limit) listen already; ask again later.",
                headers: [.retryAfter: "5"])
        }
        // Read before anything is answered, so that a storage that is away is a proper error.
        let start = try await backend.events.join()
        let caller = StandingCaller(of: call, backend)
        let headers: HTTPFields = [
            .contentType: "text/event-stream", .cacheControl: "no-store",
            // What stands in between must not wait for more.
            .xAccelBuffering: "no",
        ]
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { [self] writer in
                try await write(to: &writer, from: start, after: last, for: caller)
                try await writer.finish(nil)
                // Until here, or until nobody wants the answer any more.
                withExtendedLifetime(seat) {}
            })
    }

    private func write(
        to writer: inout any ResponseBodyWriter, from start: EventWatch.Place,
        after last: EventPosition?, for caller: StandingCaller
    ) async throws {
        var caller = caller
        var place = start
        var reached = last
        var sent: Set<EventPosition> = []
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        if let last, let known = backend.events.place(after: last) {
            place = known
        } else if last != nil || filter.query.from != nil {
            guard let past = try await writePast(to: &writer, after: last, for: &caller) else {
                return
            }
            (reached, sent) = past
        }

        let pause = max(backend.settings.longPollInterval, .milliseconds(100))
        var heardAt = ContinuousClock.now
        // A process that ends does not keep its listeners: they go on at another one.
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            guard try await caller.isStillLetIn() else { return }
            switch try await news(after: place) {
            case .events(let told, let end)?:
                let wanted = told.filter { filter.admits($0) && !sent.contains($0.position) }
                if !wanted.isEmpty {
                    try await writer.write(
                        ByteBuffer(string: wanted.map(\.lines).joined()))
                    heardAt = .now
                }
                reached = told.last?.position ?? reached
                place = end
            case .forgotten?:
                // It read so slowly that the others are thousands of events ahead.
                place = try await backend.events.join()
                guard let past = try await writePast(to: &writer, after: reached, for: &caller)
                else { return }
                (reached, sent) = past
            case nil: break
            }
            if ContinuousClock.now - heardAt >= backend.settings.heartbeat {
                try await writer.write(ByteBuffer(string: ": still here\n\n"))
                heardAt = .now
            }
            try await Task.sleep(for: pause)
        }
    }

    /// Nil while the storage is away: who listens already waits until it is back.
    private func news(after place: EventWatch.Place) async throws -> EventWatch.News? {
        do {
            return try await backend.events.news(after: place)
        } catch {
            guard case .unavailable = error else { throw error }
            return nil
        }
    }

    /// From storage: what came after `last`, or since the moment that is asked for; nil where the
    /// caller is let in no more.
    private func writePast(
        to writer: inout any ResponseBodyWriter, after last: EventPosition?,
        for caller: inout StandingCaller
    ) async throws -> (reached: EventPosition?, sent: Set<EventPosition>)? {
        var query = filter.query
        (query.order, query.limit) = (.oldestFirst, 500)
        if let last { query.from = max(query.from ?? last.at, last.at - EventWatch.latest) }
        var sent: Set<EventPosition> = []
        var reached = last
        while true {
            guard try await caller.isStillLetIn() else { return nil }
            let events = try await backend.storage.events(query)
            let told = try await ToldEvent.telling(of: events, from: backend.storage).filter {
                $0.position != last && filter.admits($0)
            }
            if !told.isEmpty {
                try await writer.write(ByteBuffer(string: told.map(\.lines).joined()))
            }
            reached = events.last?.position ?? reached
            query.beyond = events.last?.position
            // Only what is recent can come as news, too.
            if let end = query.beyond {
                sent = sent.filter { $0.at >= end.at - EventWatch.latest * 2 }
            }
            sent.formUnion(events.map(\.position))
            if events.count < query.limit { return (reached, sent) }
        }
    }
}

/// How many listen to this process.
final class Listeners: Sendable {
    /// One listener's; the last one to let go of it makes room for another.
    final class Seat: Sendable {
        private let listeners: Listeners

        fileprivate init(_ listeners: Listeners) {
            self.listeners = listeners
        }

        deinit {
            listeners.count.withLock { $0 -= 1 }
        }
    }

    let limit: Int
    private let count = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Nil where as many listen as may.
    func enter() -> Seat? {
        let isFree = count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        return isFree ? Seat(self) : nil
    }
}

extension HTTPField.Name {
    static let xAccelBuffering = Self("X-Accel-Buffering")!  // a token (RFC 9110 §5.1)
}
