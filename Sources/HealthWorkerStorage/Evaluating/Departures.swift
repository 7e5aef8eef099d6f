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

    /// A few rows, unless so much turns that something may be held: only then all routes are counted, and
    /// those of what turned are read.
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
        let doubtful = recent.count { !$0.isConfirmedElsewhere }
        var isNoticed = !Guard.isBelowNotice(doubtful)
        if isNoticed {
            // A number instead of thousands of routes, which every evaluation would read.
            let published = try await storage.publishedMembers()
            isNoticed = !Guard.isBelowNotice(doubtful, of: published)
        }
        guard isNoticed || !budgets.isEmpty else { return Departures() }

        let wanted = Array(Set((budgets.isEmpty ? recent : falls).map(\.policy)))
        let routes = Dictionary(
            try await storage.routes(of: wanted).map { ($0.policy, $0) },
            uniquingKeysWith: { $1 })
        let policies = Dictionary(
            try await storage.policies(ids: wanted).map { ($0.id, $0.spec) },
            uniquingKeysWith: { $1 })
        var read = Departures()
        read.all = isNoticed ? departures(recent, routes, policies) : []
        if Guard.isBelowNotice(read.all.count { !$0.isConfirmed }) {
            read.all = []
        } else {
            // Anew: what has left since it was counted is no longer published, and among the departures.
            read.published = try await storage.publishedMembers()
        }
        if budgets.isEmpty { return read }

        for budget in budgets {
            let paid = turned(within: budget.window.duration).filter { fall in
                policies[fall.policy]?.admits(fall.member, budget.selector) ?? false
            }
            read.budgets.append(
                Spending(budget: budget, departures: departures(paid, routes, policies)))
        }
        try await count(&read.budgets, in: storage)
        return read
    }

    /// Of members that left with their tier as many are replaced as another tier publishes.
    private static func departures(
        _ falls: [Fall], _ routes: [PolicyID: StoredRoute], _ policies: [PolicyID: PolicySpec]
    ) -> [Departure] {
        var replaced: [PolicyID: [RecordFamily: Int]] = [:]
        var departures: [Departure] = []
        for fall in falls {
            guard let stored = routes[fall.policy], var departure = Departure(fall, stored) else {
                continue
            }
            if departure.hasLeft, let spec = policies[fall.policy], spec.type == .failover,
                let member = spec.members.first(where: { $0.name == fall.member })
            {
                let before = replaced[fall.policy]?[member.family] ?? 0
                departure.isReplaced = before < stored.standbys(for: member, of: spec)
                if departure.isReplaced {
                    replaced[fall.policy, default: [:]][member.family] = before + 1
                }
            }
            departures.append(departure)
        }
        return departures
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
            isConfirmed: fall.isConfirmedElsewhere, hasLeft: hasLeft)
    }
}

extension StoredRoute {
    /// How many members of other tiers are published beside a member: none while its own tier is.
    fileprivate func standbys(for member: Member, of spec: PolicySpec) -> Int {
        let others = Set(
            spec.members.filter { $0.priority != member.priority }.map(\.name))
        return members.count {
            $0.isPublished && $0.family == member.family && others.contains($0.name)
        }
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
