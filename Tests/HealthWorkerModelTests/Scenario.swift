import HealthWorkerModel

/// A policy and what happens to it, decided anew after each event as the program would.
struct Scenario {
    var policy: Policy
    var health: [String: PolicyEvaluation.MemberHealth] = [:]
    var overrides: [Override] = []
    var maintenances: [Maintenance] = []
    var freeze: Freeze?
    var route: Route?
    var now = Timestamp.noon
    private var lastID: Int64 = 0

    /// Each member has a check and is healthy for an hour, unless told otherwise.
    init(_ type: PolicyType, _ members: [Member], health: Health = .healthy) {
        policy = Policy(
            id: 1, revision: 1, spec: PolicySpec(name: "www", type: type, members: members),
            createdAt: .noon - .hours(1), updatedAt: .noon - .hours(1))
        for member in members { watch(member.name, health, since: .noon - .hours(1)) }
    }

    mutating func watch(_ name: String, _ health: Health, since: Timestamp? = nil) {
        lastID += 1
        self.health[name] = PolicyEvaluation.MemberHealth(
            check: CheckID(lastID), health: health, since: since ?? now, epoch: 1,
            change: HealthChangeID(lastID), isEnabled: true)
    }

    /// The measured health turns now.
    mutating func turn(_ name: String, _ health: Health) {
        lastID += 1
        self.health[name]?.health = health
        self.health[name]?.since = now
        self.health[name]?.change = HealthChangeID(lastID)
    }

    /// Target or request of the member's check is edited, and its value with it where one is given.
    mutating func edit(_ name: String, value: String? = nil) {
        let index = index(of: name)
        if let value { change { $0.members[index].value = value } }
        turn(name, .unknown)
        health[name]?.epoch += 1
    }

    mutating func change(_ edit: (inout PolicySpec) -> Void) {
        edit(&policy.spec)
        policy.revision += 1
        policy.updatedAt = now
    }

    func index(of name: String) -> Int {
        policy.spec.members.firstIndex { $0.name == name } ?? policy.spec.members.endIndex
    }

    func word(
        _ word: OverrideWord, _ name: String, for duration: Duration? = nil,
        breakGlass: Bool = false
    ) -> Override {
        Override(
            id: OverrideID(lastID + 1), policy: policy.id, member: name, word: word,
            reason: "maintenance", actor: "ada", createdAt: now,
            until: duration.map { now + $0 }, breakGlass: breakGlass)
    }

    mutating func override(
        _ name: String, _ word: OverrideWord, for duration: Duration? = nil,
        breakGlass: Bool = false
    ) {
        overrides.removeAll { $0.member == name }
        overrides.append(self.word(word, name, for: duration, breakGlass: breakGlass))
        lastID += 1
    }

    /// A maintenance of members with this label, from `delay` on.
    @discardableResult
    mutating func maintain(
        _ selector: String, after delay: Duration = .zero, for duration: Duration,
        sets: [String]? = nil, breakGlass: Bool = false
    ) -> Maintenance {
        lastID += 1
        let maintenance = Maintenance(
            id: MaintenanceID(lastID), selector: LabelSelector(from: selector), sets: sets,
            startsAt: now + delay, endsAt: now + delay + duration, reason: "switches",
            actor: "ada", createdAt: now, breakGlass: breakGlass)
        maintenances.append(maintenance)
        return maintenance
    }

    /// Those that are not over, as a storage reads them.
    private var standing: [Maintenance] { maintenances.filter { $0.endsAt > now } }

    mutating func freeze(for duration: Duration? = nil) {
        freeze = Freeze(
            reason: "launch", actor: "ada", since: now, until: duration.map { now + $0 })
    }

    mutating func pass(_ duration: Duration) {
        now = now + duration
    }

    func inputs(
        order: PolicyEvaluation.Order? = nil, holding holds: [String: Hold] = [:]
    ) -> PolicyEvaluation.Inputs {
        PolicyEvaluation.Inputs(
            policy: policy, health: health, overrides: overrides, maintenances: standing,
            freeze: freeze, previous: route, now: now, order: order, holds: holds)
    }

    /// Decides and keeps the route, as the storage would.
    @discardableResult
    mutating func decide(
        order: PolicyEvaluation.Order? = nil, holding holds: [String: Hold] = [:]
    ) -> PolicyEvaluation.Verdict {
        let verdict = PolicyEvaluation.evaluate(inputs(order: order, holding: holds))
        route = Route.next(after: route, verdict: verdict, at: now) ?? route?.keeping(verdict)
        return verdict
    }
}

extension PolicyEvaluation.Verdict {
    /// The names in the answer.
    var names: [String] { (answer?.records ?? []).map(\.name) }

    /// The values in the answer.
    var values: [String] { (answer?.records ?? []).map(\.value) }

    func reason(of name: String) -> VerdictReason? {
        members.first { $0.name == name }?.reason
    }

    func flags(of name: String) -> [VerdictFlag] {
        members.first { $0.name == name }?.flags ?? []
    }
}

extension LabelSelector {
    /// `site=fra1`, and nothing else that a selector may say.
    init(from text: String) {
        let parts = text.split(separator: "=").map(String.init)
        self.init([parts[0]: parts[1]])
    }
}

extension Member {
    /// A member of the A family, of the tier `priority`.
    static func a(_ name: String, _ priority: Int? = nil, last: Int, isEnabled: Bool = true) -> Self
    {
        Member(
            name: name, value: "192.0.2.\(last)", priority: priority, isEnabled: isEnabled)
    }
}

extension Member {
    /// The same with a label that tells where it is.
    func at(_ site: String) -> Self {
        var member = self
        member.labels["site"] = site
        return member
    }
}
