import HealthWorkerModel
import Synchronization
import Testing

/// What must hold after every event of any history. Histories are made by seeded chance, and every
/// decision is fed back as the next one's previous route, as the program does.
@Suite struct PolicyPropertyTests {
    static let histories = 300
    static let events = 25

    /// Runs `check` after every event of many histories; it says what is wrong, or nil.
    private func always(
        seeds: Range<Int> = 0..<histories, isGuarded: Bool = false,
        _ check: (World, inout Generator) -> String?
    ) {
        for seed in seeds {
            var generator = Generator(seed: seed)
            var world = World(&generator)
            world.isGuarded = isGuarded
            for event in 0..<Self.events {
                world.happen(&generator)
                if let wrong = check(world, &generator) {
                    Issue.record(
                        """
                        seed \(seed), event \(event) (\(world.lastEvent)): \(wrong)
                        \(world.inputs.dump)
                        → \(world.verdict.dump)
                        """)
                    return
                }
            }
        }
    }

    @Test func `a family that has members is never published empty unless that is asked`() {
        always { world, _ in
            let spec = world.inputs.policy.spec
            guard let answer = world.verdict.answer else {
                return world.inputs.previous == nil ? nil : "a route was taken back"
            }
            if spec.onAllUnhealthy == .empty { return nil }
            for family in RecordFamily.allCases {
                let open = spec.members.filter { $0.family == family && !world.isBarred($0) }
                // One that is edited into this family is still published in its old one.
                let asked = open.filter { member in
                    world.verdict.reason(of: member.name) != .waiting
                        && !answer.records.contains {
                            $0.name == member.name && $0.family != family
                        }
                }
                if !asked.isEmpty, answer.records(of: family).isEmpty {
                    return "\(family) is empty"
                }
            }
            return nil
        }
    }

    @Test func `what is held is unhealthy, published, and held no longer than it may`() {
        let held = Mutex(0)
        always(isGuarded: true) { world, _ in
            let verdict = world.verdict
            for (name, hold) in verdict.memory.holds ?? [:] {
                held.withLock { $0 += 1 }
                guard
                    let member = world.inputs.policy.spec.members.first(where: { $0.name == name })
                else { return "\(name) is held and gone" }
                if world.inputs.health[name]?.health != .unhealthy || world.word(of: member) != nil
                {
                    return "\(name) is held for nothing"
                }
                if !hold.holds(at: world.inputs.now) { return "the hold on \(name) is over" }
                if let end = hold.until, end > hold.since + Guard.longestHold {
                    return "the hold on \(name) is too long"
                }
                let before = world.inputs.previous?.memory.holds?[name]
                if let before, before != hold { return "the hold on \(name) began anew" }
                if verdict.leaving.contains(name) { return "\(name) is held and leaves" }
            }
            return nil
        }
        #expect(held.withLock { $0 } > 100)
    }

    @Test func `nothing that turns unhealthy leaves while all of it is held`() {
        always(isGuarded: true) { world, _ in
            guard world.inputs.order != .failback, !world.isFrozen else { return nil }
            // A better tier takes over from a held one as from any that is unhealthy.
            guard world.inputs.policy.spec.type == .detach else { return nil }
            // Fewer than these, held ones included: `on_all_unhealthy` decides.
            guard world.inputs.policy.spec.minHealthy == 1 else { return nil }
            for name in world.verdict.leaving {
                let known = world.inputs.previous?.memory.holds?[name]
                if known?.holds(at: world.inputs.now) ?? true { return "\(name) leaves" }
            }
            return nil
        }
    }

    @Test func `what was published never vanishes as a whole, unless it is asked`() {
        always { world, _ in
            let spec = world.inputs.policy.spec
            let isAsked =
                spec.onAllUnhealthy == .empty
                || world.inputs.overrides.contains(where: \.breakGlass)
            guard let before = world.inputs.previous?.answer, !before.records.isEmpty, !isAsked,
                // An edit may leave only barred members of a family that was never published.
                spec.members.contains(where: { !world.isBarred($0) })
            else { return nil }
            return world.verdict.answer?.records.isEmpty ?? true ? "nothing is left" : nil
        }
    }

    @Test func `equal inputs give equal verdicts and routes`() {
        always { world, generator in
            var inputs = world.inputs
            inputs.overrides.shuffle(using: &generator)
            let again = PolicyEvaluation.evaluate(inputs)
            let route = Route.next(
                after: inputs.previous, verdict: again, at: inputs.now)
            let same = Route.next(
                after: inputs.previous, verdict: world.verdict, at: inputs.now)
            return again == world.verdict && route == same ? nil : "\(again.dump)"
        }
    }

    @Test func `a member overridden down or disabled is never published while another may be`() {
        always { world, _ in
            let members = world.inputs.policy.spec.members
            for member in members where world.isBarred(member) {
                // An edited one may still be published in the family of its old value.
                let records = world.verdict.answer?.records ?? []
                guard let record = records.first(where: { $0.name == member.name }) else {
                    continue
                }
                let elsewhere = Set(
                    records.filter { $0.family != record.family }.map(\.name))
                let family = members.filter {
                    ($0.family == record.family || $0.name == member.name)
                        && !elsewhere.contains($0.name)
                }
                if family.contains(where: { !world.isBarred($0) }) {
                    return "\(member.name) is published beside others"
                }
                if family.contains(where: world.breaksGlass) { return "the glass is broken" }
                let before = world.inputs.previous?.answer.records ?? []
                if !before.contains(where: { $0.name == member.name }) {
                    return "\(member.name) comes anew"
                }
                let others = before.filter { old in
                    guard old.family == record.family else { return false }
                    if let other = family.first(where: { $0.name == old.name }) {
                        return world.word(of: other) ?? .up == .up
                    }
                    return !members.contains { $0.name == old.name }
                }
                if !others.isEmpty, world.word(of: member) ?? .up != .up {
                    return "\(member.name) stays before others"
                }
            }
            return nil
        }
    }

    @Test func `until it looks again, the answer stays, decided anew or not`() {
        always { world, generator in
            // With the route as it was, and with the route as it is now.
            var before = world.inputs
            var after = world.inputs
            after.previous = world.route
            after.order = nil
            if world.verdict.answer == nil { after = before }
            let next = PolicyEvaluation.evaluate(after)
            if next.answer != world.verdict.answer { return "again: \(next.dump)" }

            for (inputs, verdict) in [(before, world.verdict), (after, next)] {
                let end = verdict.lookAgainAt ?? (inputs.now + .hours(100))
                if end <= inputs.now { return "looks again in the past" }
                let span = (end - inputs.now).microseconds
                for offset in [
                    1, span / 2, Int64.random(in: 0..<span, using: &generator), span - 1,
                ] {
                    before = inputs
                    before.now = inputs.now + .microseconds(min(offset, span - 1))
                    let later = PolicyEvaluation.evaluate(before)
                    if later.answer != verdict.answer {
                        return "after \(offset) µs of \(span): \(later.dump)"
                    }
                }
            }
            return nil
        }
    }

    @Test func `no worse tier is published while a better one qualifies and its hold is over`() {
        always { world, _ in
            let inputs = world.inputs
            let spec = inputs.policy.spec
            guard spec.type == .failover, !world.isFrozen, let answer = world.verdict.answer else {
                return nil
            }
            for family in RecordFamily.allCases {
                let names = Set(answer.records(of: family).map(\.name))
                let published = spec.members.filter { names.contains($0.name) }
                guard let best = published.compactMap(\.priority).min() else { continue }
                for priority in Set(spec.members.compactMap(\.priority)) where priority < best {
                    let since = spec.members
                        .filter {
                            $0.priority == priority && $0.family == family && !world.isBarred($0)
                        }
                        .compactMap(world.healthySince)
                        .sorted()
                    guard since.count >= spec.minHealthy else { continue }
                    let key = "tier:\(family.rawValue):\(priority)"
                    let returns = inputs.previous?.memory.returns[key] ?? []
                    var delay = spec.failbackDelay.duration
                    for _ in returns where delay < .hours(1) { delay = delay * 2 }
                    let isOver =
                        since[spec.minHealthy - 1] + min(delay, .hours(1)) <= inputs.now
                    // Decided at another time of the same route, it waits at most for the hold.
                    if inputs.order == .failback || (spec.failback == .auto && isOver) {
                        return "tier \(priority) of \(family) should be in"
                    }
                }
            }
            return nil
        }
    }

    @Test func `a member in use is never replaced by an edited one that nobody has probed`() {
        always { world, _ in
            let inputs = world.inputs
            guard inputs.policy.spec.type != .simple, let previous = inputs.previous,
                let answer = world.verdict.answer
            else { return nil }
            for member in inputs.policy.spec.members where world.isUnknown(member) {
                let before = previous.answer.records.first { $0.name == member.name }
                let now = answer.records.first { $0.name == member.name }
                // Out of its old family, it may be all that its new one has.
                let isMoved =
                    before?.family != now?.family && world.verdict.isForWantOfBetter(member)
                if let before, let now, before.value != now.value, !isMoved {
                    return "\(member.name) went live unprobed"
                }
                if before == nil, now != nil, !world.verdict.isForWantOfBetter(member),
                    !previous.answer.records.contains(where: { $0.value == member.value })
                {
                    return "\(member.name) is in on its old health"
                }
            }
            return nil
        }
    }

    @Test func `an unhealthy member is published only for want of healthy ones, or frozen`() {
        always { world, _ in
            let spec = world.inputs.policy.spec
            guard spec.type != .simple, !world.isFrozen, let answer = world.verdict.answer else {
                return nil
            }
            for verdict in world.verdict.members
            where verdict.measured == .unhealthy && verdict.isPublished {
                guard let member = spec.members.first(where: { $0.name == verdict.name }),
                    world.word(of: member) != .up
                else { continue }
                let healthy = spec.members.filter {
                    answer.records.map(\.name).contains($0.name) && $0.family == member.family
                        && world.healthySince($0) != nil && !world.isBarred($0)
                }
                let tiers = Dictionary(grouping: healthy) {
                    spec.type == .failover ? $0.priority : nil
                }
                if tiers.values.contains(where: { $0.count >= spec.minHealthy }) {
                    return "\(member.name) is in"
                }
            }
            return nil
        }
    }

    @Test func `the verdict says of each member what the answer does`() {
        always { world, _ in
            let spec = world.inputs.policy.spec
            let verdict = world.verdict
            if verdict.members.map(\.name) != spec.members.map(\.name) { return "other members" }
            guard let answer = verdict.answer else { return nil }
            let names = Set(verdict.names)
            for member in verdict.members where member.isPublished != names.contains(member.name) {
                return "\(member.name)"
            }
            if ![spec.ttl, spec.ttlDegraded].contains(answer.ttl) { return "ttl \(answer.ttl)" }
            if Set(answer.records.map(\.value)).count != answer.records.count { return "twice" }
            if answer.records.contains(where: { $0.family != RecordFamily(of: $0.value) }) {
                return "a value in another family"
            }
            if answer.records.map(\.family) != answer.records.map(\.family).sorted() {
                return "not sorted"
            }
            let healthy = spec.members.filter {
                names.contains($0.name) && !world.isBarred($0) && world.healthySince($0) != nil
            }
            if let wrong = healthy.first(where: { verdict.unprotected.contains($0.family) }) {
                return "\(wrong.family) is protected"
            }
            return nil
        }
    }

    @Test func `generations rise, and only with the answer`() {
        always { world, _ in
            guard let before = world.inputs.previous, let after = world.route else { return nil }
            let isSame = before.answer == after.answer
            return (after.generation > before.generation) == !isSame ? nil : "\(after.generation)"
        }
    }

    @Test func `left alone, everything that is healthy comes back`() {
        for seed in 0..<Self.histories {
            var generator = Generator(seed: seed)
            var world = World(&generator)
            for _ in 0..<Self.events { world.happen(&generator) }

            world.calmDown()
            var looks = 0
            while let next = world.verdict.lookAgainAt, looks < 50 {
                world.now = max(world.now, next)
                world.decide()
                looks += 1
            }

            let spec = world.inputs.policy.spec
            let best = Dictionary(grouping: spec.members, by: \.family).mapValues { members in
                spec.type == .failover
                    ? members.filter { $0.priority == members.compactMap(\.priority).min() }
                    : members
            }
            let expected = Set(best.values.joined().map(\.value))
            let published = Set(world.verdict.values)
            #expect(looks < 50 && published == expected, "seed \(seed): \(world.verdict.dump)")
        }
    }

    @Test func `a word that is not refused leaves a healthy member in its family`() {
        always { world, generator in
            guard world.verdict.answer != nil else { return nil }
            let member = generator.one(of: world.inputs.policy.spec.members)
            let word = Override(
                id: 999_999, policy: 1, member: member.name, word: .down, reason: "r", actor: "a",
                createdAt: world.inputs.now + .seconds(1), until: nil)
            var inputs = world.inputs
            inputs.previous = world.route
            inputs.order = nil
            let refusal = PolicyEvaluation.refusal(of: [word], in: inputs)
            inputs.overrides.removeAll { $0.member == member.name }
            inputs.overrides.append(word)
            let after = PolicyEvaluation.evaluate(inputs)
            let names = after.answer?.records(of: member.family).map(\.name) ?? []
            let isLeft = after.members.contains {
                names.contains($0.name) && $0.isPublished && $0.effective == .healthy
            }
            return refusal.contains(member.family) || isLeft || !member.isEnabled
                ? nil : "\(member.name): \(after.dump)"
        }
    }
}

/// A policy, and what happens to it by chance.
private struct World {
    var inputs: PolicyEvaluation.Inputs
    var verdict: PolicyEvaluation.Verdict
    var route: Route?
    var now = Timestamp.noon
    var lastEvent = "made"
    /// Whether whatever leaves is held.
    var isGuarded = false
    private var lastValue = 0
    private var lastID: Int64 = 0

    init(_ generator: inout Generator) {
        let type = generator.one(of: [PolicyType.failover, .failover, .detach, .detach, .simple])
        let spec = PolicySpec(
            name: "www", type: type, members: [],
            minHealthy: generator.one(of: [1, 1, 1, 2]),
            failback: generator.one(of: [.auto, .auto, .manual]),
            failbackDelay: generator.one(of: [.seconds(0), .seconds(60), .minutes(5)]),
            reattach: generator.one(of: [.auto, .auto, .manual]),
            reattachDelay: generator.one(of: [.seconds(0), .seconds(30), .minutes(10)]),
            onAllUnhealthy: generator.one(of: [nil, nil, .all, .last, .fallback, .empty]),
            fallback: generator.one(of: [[], ["203.0.113.9"], ["203.0.113.9", "2001:db8:f::9"]]),
            ttlDegraded: generator.one(of: [nil, 10]))
        inputs = PolicyEvaluation.Inputs(
            policy: Policy(
                id: 1, revision: 1, spec: spec, createdAt: .noon, updatedAt: .noon),
            health: [:], now: .noon)
        verdict = PolicyEvaluation.evaluate(inputs)
        for _ in 0..<generator.number(1...5) { add(&generator) }
        decide()
    }

    // MARK: What is so

    func word(of member: Member) -> OverrideWord? {
        inputs.overrides.first { $0.member == member.name && $0.holds(at: inputs.now) }?.word
    }

    func breaksGlass(_ member: Member) -> Bool {
        inputs.overrides.contains {
            $0.member == member.name && $0.holds(at: inputs.now) && $0.breakGlass
        }
    }

    func isBarred(_ member: Member) -> Bool {
        let word = word(of: member)
        return !member.isEnabled || word == .down || word == .drain
    }

    func isUnknown(_ member: Member) -> Bool {
        guard let health = inputs.health[member.name], word(of: member) == nil else { return false }
        return health.health == .unknown && health.isEnabled
    }

    /// Since when what is known of it says that it is healthy; nil when it is not.
    func healthySince(_ member: Member) -> Timestamp? {
        if word(of: member) == .up { return .noon - .hours(99) }
        guard let health = inputs.health[member.name] else { return .noon - .hours(99) }
        switch health.health {
        case .healthy: return health.since
        case .unhealthy: return nil
        case .unknown: return health.isEnabled ? nil : .noon - .hours(99)
        }
    }

    var isFrozen: Bool { inputs.freeze?.holds(at: inputs.now) ?? false }

    // MARK: What happens

    mutating func decide(order: PolicyEvaluation.Order? = nil) {
        inputs.now = now
        inputs.previous = route
        inputs.order = order
        let hold = Hold(since: now, until: now + Guard.longestHold)
        inputs.holds =
            isGuarded
            ? Dictionary(
                inputs.policy.spec.members.map { ($0.name, hold) }, uniquingKeysWith: { $1 }) : [:]
        verdict = PolicyEvaluation.evaluate(inputs)
        route = Route.next(after: route, verdict: verdict, at: now) ?? route?.keeping(verdict)
    }

    mutating func happen(_ generator: inout Generator) {
        var order: PolicyEvaluation.Order?
        // Time passes, often to the very moment of which the last verdict spoke.
        if let next = verdict.lookAgainAt, generator.chance(1, in: 3) {
            now = max(now, next)
        } else {
            let most = generator.one(of: [0, 5, 60, 400, 5000])
            now = now + .milliseconds(generator.number(0...(most * 1000)))
        }
        let member = generator.one(of: inputs.policy.spec.members)
        switch generator.number(0...29) {
        case 0...11: turn(member, generator.one(of: [.healthy, .healthy, .unhealthy]))
        case 12: edit(member, value: nil)
        case 13: edit(member, value: value(of: member.family))
        case 14: edit(member, value: value(of: generator.one(of: [.a, .aaaa])))
        case 15: change("enabled", member) { $0.isEnabled.toggle() }
        case 16...18: override(member, &generator)
        case 19...20:
            lastEvent = "overrides cleared"
            inputs.overrides = []
        case 21:
            lastEvent = "frozen"
            inputs.freeze = Freeze(
                reason: "r", actor: "a", since: now,
                until: generator.chance(1, in: 2)
                    ? now + .seconds(generator.number(1...900)) : nil)
        case 22:
            lastEvent = "thawed"
            inputs.freeze = nil
        case 23:
            order = .failback
            lastEvent = "failback"
        case 24:
            order = .reattach(members: generator.one(of: [nil, [member.name]]))
            lastEvent = "reattach"
        case 25 where inputs.policy.spec.members.count < 6: add(&generator)
        case 26 where inputs.policy.spec.members.count > 1:
            remove(member)
        case 27: pause(member)
        case 28:
            let priority = generator.number(1...3)
            change("priority", member) { $0.priority = priority }
        default: lastEvent = "time"
        }
        decide(order: order)
    }

    /// Everything is healthy, enabled, and nobody says otherwise.
    mutating func calmDown() {
        now = now + .seconds(1)
        inputs.overrides = []
        inputs.freeze = nil
        inputs.policy.spec.failback = .auto
        inputs.policy.spec.reattach = .auto
        // Few enough to be had.
        inputs.policy.spec.minHealthy = 1
        for index in inputs.policy.spec.members.indices {
            let name = inputs.policy.spec.members[index].name
            inputs.policy.spec.members[index].isEnabled = true
            if inputs.health[name]?.health != .healthy {
                inputs.health[name]?.health = .healthy
                inputs.health[name]?.since = now
            }
        }
        decide()
    }

    private mutating func value(of family: RecordFamily) -> String {
        lastValue += 1
        return switch family {
        case .a: "192.0.2.\(lastValue)"
        case .aaaa: "2001:db8::\(lastValue)"
        case .cname: "n\(lastValue).example.com"
        case .txt: "\"n\(lastValue)\""
        }
    }

    private mutating func add(_ generator: inout Generator) {
        let family = generator.one(of: [RecordFamily.a, .a, .a, .aaaa, .cname])
        lastID += 1
        let name = "m\(lastID)"
        lastEvent = "\(name) added"
        inputs.policy.spec.members.append(
            Member(
                name: name, value: value(of: family), priority: generator.number(1...3),
                isEnabled: !generator.chance(1, in: 12)))
        inputs.policy.revision += 1
        inputs.policy.updatedAt = now
        guard !generator.chance(1, in: 8) else { return }
        inputs.health[name] = PolicyEvaluation.MemberHealth(
            check: CheckID(lastID),
            health: generator.one(of: [.healthy, .unknown, .unknown, .unhealthy]), since: now,
            epoch: 1, change: nil, isEnabled: true)
    }

    private mutating func remove(_ member: Member) {
        lastEvent = "\(member.name) removed"
        inputs.policy.spec.members.removeAll { $0.name == member.name }
        inputs.health[member.name] = nil
        inputs.overrides.removeAll { $0.member == member.name }
        inputs.policy.updatedAt = now
    }

    private mutating func turn(_ member: Member, _ health: Health) {
        lastEvent = "\(member.name) \(health)"
        guard inputs.health[member.name]?.health != health else { return }
        inputs.health[member.name]?.health = health
        inputs.health[member.name]?.since = now
    }

    private mutating func edit(_ member: Member, value: String?) {
        change("edited", member) { $0.value = value ?? $0.value }
        inputs.health[member.name]?.health = .unknown
        inputs.health[member.name]?.since = now
        inputs.health[member.name]?.epoch += 1
    }

    private mutating func pause(_ member: Member) {
        lastEvent = "\(member.name) paused or resumed"
        guard let health = inputs.health[member.name] else { return }
        if health.isEnabled {
            inputs.health[member.name]?.isEnabled = false
        } else {
            inputs.health[member.name]?.isEnabled = true
            inputs.health[member.name]?.health = .unknown
            inputs.health[member.name]?.since = now
            inputs.health[member.name]?.epoch += 1
        }
    }

    private mutating func change(
        _ event: String, _ member: Member, _ change: (inout Member) -> Void
    ) {
        lastEvent = "\(member.name) \(event)"
        guard let index = inputs.policy.spec.members.firstIndex(of: member) else { return }
        change(&inputs.policy.spec.members[index])
        inputs.policy.revision += 1
        inputs.policy.updatedAt = now
    }

    private mutating func override(_ member: Member, _ generator: inout Generator) {
        lastID += 1
        let word = generator.one(of: [OverrideWord.up, .down, .down, .drain])
        lastEvent = "\(member.name) overridden \(word)"
        inputs.overrides.removeAll { $0.member == member.name }
        inputs.overrides.append(
            Override(
                id: OverrideID(lastID), policy: 1, member: member.name, word: word, reason: "r",
                actor: "a", createdAt: now,
                until: generator.chance(1, in: 2)
                    ? now + .seconds(generator.number(1...900)) : nil,
                breakGlass: generator.chance(1, in: 5)))
    }
}

extension PolicyEvaluation.Verdict {
    fileprivate func isForWantOfBetter(_ member: Member) -> Bool {
        let reason = reason(of: member.name)
        return reason == .coldStart || reason == .allUnhealthy
    }

    fileprivate var dump: String {
        let lines = members.map {
            "  \($0.name) \($0.value) \($0.isPublished ? "in" : "out") \($0.reason) "
                + "\($0.measured.map { "\($0)" } ?? "-")/\($0.effective) \($0.flags)"
        }
        let records = answer?.records.map { "\($0.name)=\($0.value)" }
        return """
            \(records ?? ["nothing"]) ttl \(answer?.ttl ?? 0) \(cause) again \
            \(lookAgainAt?.description ?? "never")
            \(lines.joined(separator: "\n"))
              left \(memory.leftAt.mapValues(\.description)) returns \(memory.returns.count)
            """
    }
}

extension PolicyEvaluation.Inputs {
    fileprivate var dump: String {
        let spec = policy.spec
        let lines = spec.members.map { member in
            let health = health[member.name]
            let word = overrides.first { $0.member == member.name && $0.holds(at: now) }
            return "  \(member.name) \(member.value) p\(member.priority ?? 0) "
                + "\(member.isEnabled ? "" : "disabled ")\(health.map { "\($0.health)" } ?? "-")"
                + " since \(health?.since.description ?? "-") \(health?.isEnabled ?? true ? "" : "paused ")"
                + "\(word.map { "\($0.word)" } ?? "")"
        }
        let before = previous?.answer.records.map { "\($0.name)=\($0.value)" }
        return """
            \(spec.type) min \(spec.minHealthy) all \(spec.effectiveOnAllUnhealthy) \
            failback \(spec.failback) \(spec.failbackDelay) reattach \(spec.reattach) \
            \(spec.reattachDelay) now \(now) \(freeze == nil ? "" : "freeze") before \(before ?? [])
            \(lines.joined(separator: "\n"))
            """
    }
}
