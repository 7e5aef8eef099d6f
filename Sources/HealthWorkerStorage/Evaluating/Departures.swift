import HealthWorkerModel
import Synchronization

/// Who leaves at all policies at this time, and how many stay.
struct Departures: Sendable {
    /// Those of the guard's window.
    var all: [Departure] = []
    var published = 0
    var budgets: [Spending] = []

    /// What a safety budget has to pay for.
    struct Spending: Sendable {
        var budget: SafetyBudget
        var departures: [Departure]
        /// Nil where it is not asked.
        var published: Int?
    }

    /// A few rows, unless so much turns that something may be held: only then all routes are counted.
    static func read(from storage: any Storage) async throws(StorageError) -> Departures {
        let budgets = try await storage.budgets()
        let windows = budgets.map(\.window.duration) + [Guard.window]
        let falls = try await storage.falls(within: windows.max() ?? Guard.window)
        // Their moments are the storage's.
        let now = budgets.isEmpty ? nil : try await storage.now()
        func turned(within window: Duration) -> [Fall] {
            guard let now else { return falls }
            return falls.filter { $0.at > now - window }
        }
        let recent = turned(within: Guard.window)
        let isNoticed = !Guard.isBelowNotice(recent.count { !$0.isConfirmedElsewhere })
        guard isNoticed || !budgets.isEmpty else { return Departures() }

        let wanted = budgets.isEmpty ? recent : falls
        let routes = try await storage.routes(of: Array(Set(wanted.map(\.policy))))
        let routeOfPolicy = Dictionary(routes.map { ($0.policy, $0) }, uniquingKeysWith: { $1 })
        func departures(_ falls: [Fall]) -> [Departure] {
            falls.compactMap { fall in routeOfPolicy[fall.policy].flatMap { Departure(fall, $0) } }
        }
        var read = Departures()
        read.all = isNoticed ? departures(recent) : []
        if Guard.isBelowNotice(read.all.count { !$0.isConfirmed }) {
            read.all = []
        } else {
            read.published = try await storage.publishedMembers()
        }
        if budgets.isEmpty { return read }

        let policies = Dictionary(
            try await storage.policies(ids: Array(routeOfPolicy.keys)).map { ($0.id, $0.spec) },
            uniquingKeysWith: { $1 })
        for budget in budgets {
            let paid = turned(within: budget.window.duration).filter { fall in
                policies[fall.policy]?.admits(fall.member, budget.selector) ?? false
            }
            read.budgets.append(Spending(budget: budget, departures: departures(paid)))
        }
        try await count(&read.budgets, in: storage)
        return read
    }

    /// A percentage is one of all that is published: a walk through all policies, once for all budgets.
    private static func count(
        _ spendings: inout [Spending], in storage: any Storage
    ) async throws(StorageError) {
        // Without a departure nothing is spent, whatever is published.
        let asked = spendings.indices.filter { index in
            guard case .percent = spendings[index].budget.limit else { return false }
            return !spendings[index].departures.isEmpty
        }
        if asked.isEmpty { return }
        for index in asked { spendings[index].published = 0 }
        var after: String?
        while true {
            let policies = try await storage.policies(
                matching: ObjectFilter(), after: after, limit: 1000)
            guard let last = policies.last else { return }
            after = last.spec.name
            let routes = Dictionary(
                try await storage.routes(of: policies.map(\.id)).map { ($0.policy, $0) },
                uniquingKeysWith: { $1 })
            for policy in policies where policy.spec.type != .simple {
                let published = (routes[policy.id]?.members ?? []).filter(\.isPublished)
                for index in asked {
                    let selector = spendings[index].budget.selector
                    spendings[index].published? += published.count {
                        policy.spec.admits($0.name, selector)
                    }
                }
            }
        }
    }
}

extension PolicySpec {
    /// Whether a member's labels are meant.
    func admits(_ member: String, _ selector: LabelSelector) -> Bool {
        members.first { $0.name == member }.map { selector.admits(labels(of: $0)) } ?? false
    }
}

extension Departure {
    /// Nil for a member that does not leave: it was not in, or is in for another reason.
    fileprivate init?(_ fall: Fall, _ stored: StoredRoute) {
        let hasLeft = stored.route?.memory.removedAt?[fall.member] != nil
        let line = stored.members.first { $0.name == fall.member }
        let isHeld = stored.route?.memory.holds?[fall.member] != nil
        guard hasLeft || isHeld || line?.leavesWithItsHealth == true else { return nil }
        self.init(
            policy: fall.policy, member: fall.member, change: fall.change,
            isConfirmed: fall.isConfirmedElsewhere, hasLeft: hasLeft,
            // A tier that gave way.
            isReplaced: hasLeft && stored.type == .failover)
    }
}

/// One reading for all who ask before it begins; whoever asks later gets the next one, so that nobody
/// is told what was so before the question. When much turns at once hundreds ask at once.
final class CommonReading<Value: Sendable>: Sendable {
    private typealias Reading = Task<Result<Value, StorageError>, Never>

    private struct State {
        var last: Reading?
        /// The last one, while it has not begun.
        var waiting: Reading?
    }

    private let read: @Sendable () async throws(StorageError) -> Value
    private let state = Mutex(State())

    init(_ read: @escaping @Sendable () async throws(StorageError) -> Value) {
        self.read = read
    }

    func value() async throws(StorageError) -> Value {
        let reading = state.withLock { state in
            if let waiting = state.waiting { return waiting }
            // A task of its own: the first who asked may be cancelled, and the others still wait.
            let reading = Reading { [self, before = state.last] in
                _ = await before?.value
                self.state.withLock { $0.waiting = nil }
                do throws(StorageError) {
                    return .success(try await read())
                } catch {
                    return .failure(error)
                }
            }
            state.last = reading
            state.waiting = reading
            return reading
        }
        return try await reading.value.get()
    }
}
