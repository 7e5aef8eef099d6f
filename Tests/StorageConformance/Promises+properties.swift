import HealthWorkerModel
import HealthWorkerStorage

// What holds whatever happens: hundreds of steps drawn by chance, the same for the same seed.
extension StoragePromise {
    static let properties = (1...3).map { (seed: UInt64) in whateverHappens(seed: seed) }

    /// A run of its own for each seed; a driver that is fast may ask for more than are in ``all``.
    package static func whateverHappens(seed: UInt64) -> StoragePromise {
        StoragePromise("whatever happens no job is lost and every count is right (seed \(seed))") {
            var world = try await RandomWorld(fixture: $0, seed: seed)
            for _ in 0..<300 { try await world.step() }
            try await world.expectHistoryToExplainHealth()
        }
    }
}

/// Two workers and two registers that do as chance will have it, and what must hold after each step.
private struct RandomWorld {
    private let fixture: any StorageFixture
    private let storages: [any Storage]
    private var chance: SeededGenerator
    private var held: [(storage: Int, claim: Claim)] = []
    private var sent: [Completion] = []
    private var handedOut = Set<JobReference>()
    private var accepted = Set<JobID>()
    private var names: [String] = []
    private var enabled: [String: Bool] = [:]
    private var hosts: [String: Int] = [:]

    init(fixture: any StorageFixture, seed: UInt64) async throws {
        self.fixture = fixture
        storages = [
            try await fixture.storage(process: 1), try await fixture.storage(process: 2),
        ]
        chance = SeededGenerator(seed: seed)
        for index in 0..<6 { try await put("web\(index)") }
        try await storages[0].put(.detach("www", checks: ["web0", "web1"]))
    }

    private func spec(of name: String) -> CheckSpec {
        .sample(
            name, isEnabled: enabled[name] ?? true, host: "192.0.2.\(hosts[name] ?? 1)",
            confirm: .otherWorker)
    }

    private mutating func put(_ name: String) async throws {
        if !names.contains(name) { names.append(name) }
        try await storages[0].put(spec(of: name))
    }

    mutating func step() async throws {
        let index = Int.random(in: 0...1, using: &chance)
        let storage = storages[index]
        let name = names.randomElement(using: &chance) ?? "web0"
        switch Int.random(in: 0..<100, using: &chance) {
        case 0..<25:
            try await fixture.age(
                by: .milliseconds(Int64.random(in: 100...8000, using: &chance)))
            _ = try await storage.enqueueDue(maxSlots: Int.random(in: 1...300, using: &chance))
        case 25..<55:
            let claims = try await storage.claim(
                ClaimRequest(
                    limit: Int.random(in: 1...5, using: &chance), leaseMargin: .seconds(5)))
            for claim in claims {
                try expect(
                    handedOut.insert(claim.reference).inserted,
                    "Job \(claim.job) was handed out twice as attempt \(claim.attempt)")
                try expect(!accepted.contains(claim.job), "Job \(claim.job) came back")
                let state = try await storage.observations(of: [claim.check])[claim.check]?.state
                try expectEqual(claim.base, try unwrap(state, "state"), "base of a claim")
            }
            held += claims.map { (index, $0) }
        case 55..<80:
            try await completeSome()
        case 80..<84:
            // A worker is killed: it forgets what it held, and its leases run out.
            held.removeAll { $0.storage == index }
        case 84..<86:
            try await fixture.age(by: .seconds(11))
        case 86..<88:
            _ = try await storage.expireLost(limit: 5)
        case 88..<91:
            if let given = held.popLast() {
                _ = try await storage.release([given.claim.reference])
            }
        case 91..<93:
            try await storage.enqueueNow(storage.check(name).id)
        case 93..<95:
            enabled[name] = !(enabled[name] ?? true)
            try await put(name)
        case 95..<97:
            hosts[name] = Int.random(in: 1...99, using: &chance)
            try await put(name)
        case 97..<98:
            guard name != "web0", name != "web1" else { return }
            try await storage.change(.deleteCheck(name))
            try await put(name)
        default:
            // The answer was lost: the batch is sent again.
            if let again = sent.last {
                let report = try await storage.complete([again])
                try expectEqual(report.accepted, [], "accepted of what was sent before")
            }
        }
        try await storage.expectConservation("after a step")
    }

    private mutating func completeSome() async throws {
        var left: [(storage: Int, claim: Claim)] = []
        for (index, claim) in held {
            guard Bool.random(using: &chance) else {
                left.append((index, claim))
                continue
            }
            let storage = storages[index]
            // Mostly up for long, then down for long, so that health really turns.
            let outcomes: [Outcome] =
                (claim.job.rawValue / 40).isMultiple(of: 2)
                ? [.success, .success, .success, .failure(.connectRefused)]
                : [
                    .failure(.connectRefused), .failure(.connectRefused),
                    .failure(.firstByteTimeout), .inconclusive(.noSocket), .success,
                ]
            let outcome = outcomes.randomElement(using: &chance) ?? .success
            guard !(try await storage.checks(ids: [claim.check]).isEmpty) else { continue }
            let completion = try await storage.completion(
                of: claim, outcome, othersAlive: Bool.random(using: &chance),
                age: .milliseconds(Int64.random(in: 0...5000, using: &chance)))
            let report = try await storage.complete([completion])
            for job in report.accepted {
                try expect(accepted.insert(job).inserted, "Job \(job) was completed twice")
            }
            sent.append(completion)
        }
        held = left
    }

    /// Recomputes health and count of every check from its recorded outcomes.
    func expectHistoryToExplainHealth() async throws {
        let storage = storages[0]
        let checks = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 100)
        var turns = 0
        for check in checks {
            let outcomes = try await storage.outcomes(of: check.id, before: nil, limit: 10_000)
            let state = try unwrap(
                try await storage.observations(of: [check.id])[check.id], "observation"
            ).state
            try expectEqual(
                Set(outcomes.map(\.job)).count, outcomes.count, "jobs with an outcome")
            try expectEqual(
                outcomes.map(\.job), outcomes.map(\.job).sorted(by: >), "order of outcomes")

            let changes = try await storage.healthChanges(
                of: check.id, before: nil, limit: 10_000)
            turns += changes.count
            let last = changes.first
            try expectEqual(last?.turn.to ?? .unknown, state.health, "health of the last turn")
            for (later, earlier) in zip(changes, changes.dropFirst()) {
                try expectEqual(later.turn.from, earlier.turn.to, "health before a turn")
            }

            // The trailing row: conclusive outcomes of this epoch since the last turn.
            let counted = outcomes.prefix { outcome in
                outcome.epoch == state.epoch && (last?.job.map { outcome.job > $0 } ?? true)
            }
            let conclusive = counted.map(\.report.outcome).filter(\.isConclusive)
            let row = conclusive.prefix { outcome in
                state.health == .unhealthy ? outcome == .success : outcome != .success
            }
            try expectEqual(state.inARow, row.count, "in a row of \(check.spec.name)")
        }
        try expect(turns > 0, "Nothing ever turned: this run shows nothing")
    }
}
