import HealthWorkerModel
import HealthWorkerStorage
import Synchronization

/// Reads what happens for those who listen: a thousand listeners cost no more reads than one, and
/// none costs none.
///
/// Whoever listens asks for news; the first that asks after a while reads, and what was read is there
/// for the others. An event can become visible after a later one (``EventStore``): so the last
/// seconds are looked through once more, now and then, for what was not there yet.
final class EventWatch: Sendable {
    /// A place in the row of what this process has read; not the same in another process.
    struct Place: Hashable, Comparable, Sendable {
        fileprivate var number: Int

        static func < (left: Self, right: Self) -> Bool { left.number < right.number }
    }

    enum News: Sendable {
        case events([ToldEvent], upTo: Place)
        /// What came after the place is not remembered any more: it is to be read from storage.
        case forgotten
    }

    /// How long after its moment an event may become visible: the longest transactions that make
    /// some are those of large documents.
    static let latest = Duration.seconds(15)

    private struct State {
        /// What was read, in the order in which it was found.
        var told: [ToldEvent] = []
        /// How many came before the first of these.
        var dropped = 0
        var frontier: EventPosition?
        /// Every event that was read and lies less than `latest` before the frontier.
        var known: Set<EventPosition> = []
        var readAt: ContinuousClock.Instant?
        var lookedBackAt: ContinuousClock.Instant?
        var isReading = false

        var end: Place { Place(number: dropped + told.count) }
    }

    private let interval: Duration
    private let limit: Int
    private let storage: any Storage
    private let state = Mutex(State())

    /// - Parameters:
    ///   - interval: how often storage is read while somebody listens.
    ///   - limit: how many events are remembered.
    init(storage: any Storage, interval: Duration, limit: Int = 10_000) {
        self.storage = storage
        self.interval = interval
        self.limit = limit
    }

    /// Where one who begins to listen now begins: what is visible already is behind it.
    func join() async throws(StorageError) -> Place {
        try await refresh(atOnce: true)
        return state.withLock { $0.end }
    }

    /// The place after an event that this process has read; nil: it does not remember it.
    func place(after position: EventPosition) -> Place? {
        state.withLock { state in
            state.told.lastIndex { $0.position == position }
                .map { Place(number: state.dropped + $0 + 1) }
        }
    }

    /// What came after a place, in the order in which it was found.
    func news(after place: Place) async throws(StorageError) -> News {
        try await refresh(atOnce: false)
        return state.withLock { state in
            let skipped = place.number - state.dropped
            guard skipped >= 0 else { return .forgotten }
            return .events(Array(state.told.dropFirst(skipped)), upTo: state.end)
        }
    }

    // MARK: - Reading

    private enum Task {
        case nothing
        case begin
        case goOn(from: EventPosition, looksBack: Bool)
    }

    private func refresh(atOnce: Bool) async throws(StorageError) {
        switch take(atOnce: atOnce, at: .now) {
        case .nothing: return
        case .begin: try await reading { () throws(StorageError) in try await begin() }
        case .goOn(let frontier, let looksBack):
            try await reading { () throws(StorageError) in
                try await goOn(from: frontier, looksBack: looksBack)
            }
        }
    }

    private func take(atOnce: Bool, at instant: ContinuousClock.Instant) -> Task {
        state.withLock { state in
            if state.isReading { return .nothing }
            let age = state.readAt.map { instant - $0 }
            if let age, age < interval, !atOnce { return .nothing }
            state.isReading = true
            state.readAt = instant
            // Nobody listened for long: what happened since then is nobody's news.
            guard let frontier = state.frontier, let age, age < .seconds(60) else {
                return .begin
            }
            let looksBack = state.lookedBackAt.map { instant - $0 > Self.latest / 5 } ?? true
            if looksBack { state.lookedBackAt = instant }
            return .goOn(from: frontier, looksBack: looksBack)
        }
    }

    private func reading(
        _ body: () async throws(StorageError) -> Void
    ) async throws(StorageError) {
        defer { state.withLock { $0.isReading = false } }
        try await body()
    }

    /// Remembers what is visible already, so that it is not told as news.
    private func begin() async throws(StorageError) {
        let now = try await storage.now()
        let recent = try await all(from: now - Self.latest, beyond: nil)
        let known = Set(recent.map(\.position))
        let frontier =
            known.max() ?? EventPosition(at: now - Self.latest, source: .turn, first: 0, second: 0)
        state.withLock { state in
            state.dropped += state.told.count
            state.told = []
            state.known = known
            state.frontier = frontier
            state.lookedBackAt = .now
        }
    }

    private func goOn(
        from frontier: EventPosition, looksBack: Bool
    ) async throws(StorageError) {
        let found =
            looksBack
            ? try await all(from: frontier.at - Self.latest, beyond: nil)
            : try await all(from: nil, beyond: frontier)
        let known = state.withLock { $0.known }
        let news = found.filter { !known.contains($0.position) }
        let told = try await ToldEvent.telling(of: news, from: storage)
        guard !told.isEmpty else { return }
        state.withLock { state in
            state.told += told
            if state.told.count > limit {
                state.dropped += state.told.count - limit
                state.told.removeFirst(state.told.count - limit)
            }
            state.known.formUnion(told.map(\.position))
            let frontier = max(frontier, told.map(\.position).max() ?? frontier)
            state.frontier = frontier
            let oldest = frontier.at - Self.latest - .seconds(1)
            state.known = state.known.filter { $0.at >= oldest }
        }
    }

    private func all(
        from: Timestamp?, beyond: EventPosition?
    ) async throws(StorageError) -> [Event] {
        var all: [Event] = []
        while true {
            let page = try await storage.events(
                EventQuery(
                    applies: .both, from: from, beyond: all.last?.position ?? beyond,
                    order: .oldestFirst,
                    limit: 1000))
            all += page
            // More than are remembered at once are told with the next look.
            if page.count < 1000 || all.count >= limit { return all }
        }
    }
}
