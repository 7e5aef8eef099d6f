import HealthWorkerModel
import HealthWorkerStorage

extension CheckSpec {
    static func sample(
        _ name: String, isEnabled: Bool = true, host: String = "192.0.2.1",
        locations: [String] = [], interval: TimeSpan = .seconds(10),
        timeout: TimeSpan = .seconds(5), confirm: Confirmation = .none, fall: Int = 3,
        rise: Int = 2, labels: [String: String] = [:], dependsOn: [String] = []
    ) -> CheckSpec {
        CheckSpec(
            name: name, labels: labels, dependsOn: dependsOn, isEnabled: isEnabled, type: .tcp,
            target: Target(host: host, port: 80), locations: locations, interval: interval,
            timeout: timeout, confirm: confirm, fall: fall, rise: rise)
    }
}

extension PolicySpec {
    /// A detach policy whose members are watched by checks of these names.
    static func detach(
        _ name: String, checks: [String] = [], mode: PolicyMode = .live, ttl: Int = 30,
        publish: [String] = [], at sink: String = "dns"
    ) -> PolicySpec {
        PolicySpec(
            name: name, type: .detach, mode: mode,
            members: checks.enumerated().map { index, check in
                Member(name: "m\(index)", value: "192.0.2.\(index + 1)", check: check)
            }, ttl: ttl, publish: publish.map { Publication(sink: sink, name: $0) })
    }

    /// A policy that makes the checks of its members.
    static func making(_ name: String, members: [String], publish: [String] = []) -> PolicySpec {
        PolicySpec(
            name: name, type: .detach, memberCheck: .object(["type": .string("tcp")]),
            members: members.enumerated().map { index, member in
                Member(name: member, value: "192.0.2.\(index + 1)")
            }, publish: publish.map { Publication(sink: "dns", name: $0) })
    }

    var made: [CheckSpec] {
        members.map { .sample("\(name).\($0.name)", host: $0.value) }
    }
}

extension Storage {
    @discardableResult
    func put(_ checks: CheckSpec..., set: String? = nil) async throws -> [WriteResult] {
        try await write(WriteBatch(checks.map { .putCheck($0, set: set) }, actor: "ann"))
    }

    @discardableResult
    func put(_ policies: PolicySpec..., set: String? = nil) async throws -> [WriteResult] {
        try await write(
            WriteBatch(policies.map { .putPolicy($0, makes: [], set: set) }, actor: "ann"))
    }

    @discardableResult
    func make(_ policies: PolicySpec...) async throws -> [WriteResult] {
        try await write(
            WriteBatch(policies.map { .putPolicy($0, makes: $0.made, set: nil) }, actor: "ann"))
    }

    @discardableResult
    func change(_ changes: ObjectChange...) async throws -> [WriteResult] {
        try await write(WriteBatch(changes, actor: "ann"))
    }

    func check(_ name: String) async throws -> Check {
        try unwrap(try await checks(named: [name]).first, "check \(name)")
    }

    func policy(_ name: String) async throws -> Policy {
        try unwrap(try await policies(named: [name]).first, "policy \(name)")
    }

    func observation(of name: String) async throws -> Observation {
        let id = try await check(name).id
        return try unwrap(try await observations(of: [id])[id], "observation of \(name)")
    }

    func state(of name: String) async throws -> HealthState {
        try await observation(of: name).state
    }

    func claimAll(
        location: String = "default", leaseMargin: Duration = .seconds(60)
    ) async throws -> [Claim] {
        try await claim(
            ClaimRequest(limit: 10_000, location: location, leaseMargin: leaseMargin))
    }

    /// Claims the job of one check; other jobs that are visible are given back.
    func claim(
        _ name: String, location: String = "default", file: String = #fileID, line: Int = #line
    ) async throws -> Claim {
        let id = try await check(name).id
        let claims = try await claimAll(location: location)
        _ = try await release(claims.filter { $0.check != id }.map(\.reference))
        return try unwrap(
            claims.first { $0.check == id }, "visible job of \(name)", file: file, line: line)
    }

    /// A completion as a worker makes it, by the rules of the health tracker.
    func completion(
        of claim: Claim, _ outcome: Outcome, othersAlive: Bool = false, age: Duration = .zero,
        epoch: Int64? = nil, keepsOutcome: Bool = true
    ) async throws -> Completion {
        let check = try unwrap(try await checks(ids: [claim.check]).first, "check \(claim.check)")
        let request = CountRequest(
            check: claim.check, job: claim.job, attempt: claim.attempt, base: claim.base,
            isSuccess: outcome == .success, interval: check.spec.interval.duration)
        let decision = HealthTracker.next(
            base: claim.base,
            observation: HealthTracker.Observation(
                outcome: outcome, run: request.runFromBase, worker: process,
                othersAlive: othersAlive, at: try await now()),
            check: check.spec)
        return Completion(
            claim: claim, epoch: epoch ?? claim.base.epoch, report: ProbeReport(outcome: outcome),
            decision: decision, age: age, keepsOutcome: keepsOutcome)
    }

    @discardableResult
    func complete(
        _ claim: Claim, _ outcome: Outcome, othersAlive: Bool = false, age: Duration = .zero,
        epoch: Int64? = nil
    ) async throws -> CompletionReport {
        try await complete([
            completion(of: claim, outcome, othersAlive: othersAlive, age: age, epoch: epoch)
        ])
    }

    /// Probes a check once, now.
    @discardableResult
    func probe(_ name: String, _ outcome: Outcome) async throws -> CompletionReport {
        try await enqueueNow(check(name).id)
        return try await complete(claim(name), outcome)
    }

    /// Makes sure of a check's health; it must be unknown.
    func settle(_ name: String, _ health: Health) async throws {
        let fall = try await check(name).spec.fall
        for _ in 0..<(health == .healthy ? 1 : fall) {
            try await probe(name, health == .healthy ? .success : .failure(.connectRefused))
        }
        try expectEqual(try await state(of: name).health, health, "health of \(name)")
    }

    func tally() async throws -> Tally {
        try await queueStatus().tally
    }

    /// Whatever happened: enqueued = completed + live + lost + void.
    func expectConservation(
        _ when: @autoclosure () -> String, file: String = #fileID, line: Int = #line
    ) async throws {
        let status = try await queueStatus()
        let tally = status.tally
        try expectEqual(
            tally.enqueued,
            tally.completed + Int64(status.live) + tally.lost + tally.void,
            "enqueued against completed + live + lost + void \(when())", file: file, line: line)
    }

    /// Commits a verdict that publishes these values.
    @discardableResult
    func decide(
        _ policy: PolicyID, _ values: [String]?, lookAgainAfter delay: Duration? = nil,
        writes: [OperatorWrite] = []
    ) async throws -> CommitOutcome {
        let read = try unwrap(try await evaluationInputs(of: policy), "inputs of \(policy)")
        return try await commit(
            EvaluationCommit(
                read: read,
                verdict: .sample(values, lookAgainAt: delay.map { read.inputs.now + $0 }),
                writes: writes, actor: writes.isEmpty ? nil : "ann"))
    }
}

extension PolicyEvaluation.Verdict {
    static func sample(_ values: [String]?, lookAgainAt: Timestamp? = nil) -> Self {
        Self(
            answer: values.map { values in
                Answer(
                    records: values.map {
                        PublishedMember(
                            name: $0, value: $0, weight: 1, family: RecordFamily(of: $0))
                    }, ttl: 30)
            }, cause: .first,
            members: [
                MemberVerdict(
                    name: "m0", value: "192.0.2.1", family: .a, isPublished: values != nil,
                    reason: .healthy, measured: .healthy, effective: .healthy, since: nil)
            ], memory: RouteMemory(leftAt: ["m9": Timestamp(seconds: 7)]),
            lookAgainAt: lookAgainAt, unprotected: [])
    }
}

/// A row of numbers that is the same for the same seed (SplitMix64, Steele et al. 2014).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
