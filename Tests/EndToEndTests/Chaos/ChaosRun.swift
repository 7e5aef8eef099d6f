import Foundation
import Synchronization

/// A fleet, its targets, and what is done to them from beginning to end.
struct ChaosRun {
    let engine: Engine
    let seed: UInt64
    let length: Duration

    private static let targetCount = 30
    /// Every role claims no more than this at once, so that what a killed one held is bounded.
    private static let concurrency = 20

    struct Result {
        var ledger: Ledger
        var plan: ChaosPlan
        /// Exit codes of the roles that were told to end.
        var codes: [String: Int32?]
        var figures: [String]
        /// Deadlocks that MySQL told a role of, and that stayed one however often it tried.
        var surfacedDeadlocks = 0
    }

    func run(in scratch: Scratch) async throws -> Result {
        let targets = try await ChaosTargets(Self.targetCount, in: scratch)
        let (document, targetOfCheck) = Self.document(port: targets.port)
        let fleet = try await Fleet.start(in: scratch, fleetPlan(document)) { fleet in
            for statement in engine.recording(now: fleet.database.now) {
                _ = try fleet.database.rows(statement)
            }
        }
        do {
            let done = Done()
            let roles = self.roles
            let plan = ChaosPlan(
                seed: seed, lasting: length, roles: roles, targets: Self.targetCount,
                engine: engine)
            try await disturb(fleet, targets, by: plan, done)
            try await settle(fleet)
            let codes = await fleet.drain()
            let redis = engine == .sqlite ? [] : try Self.counts(fleet)
            var ledger = try Ledger(
                from: fleet.database, targets: targets, targetOfCheck: targetOfCheck,
                redis: redis)
            ledger.faults = done.faults
            ledger.roles = roles
            ledger.updates = try updates(fleet)
            let result = Result(
                ledger: ledger, plan: plan, codes: codes,
                figures: figures(of: ledger, plan) + (try ofTheServer(fleet)),
                surfacedDeadlocks: deadlocks(in: fleet))
            await fleet.stop()
            await targets.stop()
            return result
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await targets.stop()
            throw error
        }
    }

    private var roles: [String] {
        engine == .sqlite
            ? ["standalone", "register-1", "worker-1", "worker-2"]
            : ["register-1", "register-2", "worker-1", "worker-2", "worker-3", "worker-4", "api"]
    }

    private func fleetPlan(_ document: String) -> Fleet.Plan {
        var plan = Fleet.Plan(engine: engine, document: document)
        plan.isStandalone = engine == .sqlite
        plan.registers = engine == .sqlite ? 1 : 2
        plan.workers =
            engine == .sqlite ? ["default", "default"] : ["fra1", "fra1", "ams1", "ams1"]
        // On SQLite the clock of the database is the machine's.
        if engine != .sqlite {
            plan.wrongClocks = ["worker-1": 3600, "worker-3": -3600, "register-2": -3600]
        }
        plan.settings = [
            "HEALTH_WORKER_WORKER_LEASE_MARGIN": "2s",
            "HEALTH_WORKER_WORKER_CONCURRENCY": "\(Self.concurrency)",
        ]
        return plan
    }

    /// Checks of all targets: four policies of two tiers, two of three members, and checks alone. No
    /// delay stands between a health and its route, so that the last one can be foretold.
    private static func document(port: Int) -> (text: String, targetOfCheck: [String: Int]) {
        let times = "interval: 1s, fast_interval: 1s, timeout: 1s, fall: 2, rise: 2"
        var targetOfCheck: [String: Int] = [:]
        var next = 0
        func target(of check: String) -> String {
            next += 1
            targetOfCheck[check] = next
            return ChaosTargets.address(next)
        }
        var lines = ["format: 1", "policies:"]
        for number in 1...4 {
            let name = "failover-\(number)"
            lines += [
                "- name: \(name)",
                "  type: failover",
                "  failback_delay: 0s",
                "  member_check: {type: http, target: {port: \(port)}, \(times)}",
                "  members:",
                "  - {name: first, value: \(target(of: "\(name).first")), priority: 1}",
                "  - {name: second, value: \(target(of: "\(name).second")), priority: 2}",
            ]
        }
        for number in 1...2 {
            let name = "detach-\(number)"
            lines += [
                "- name: \(name)",
                "  type: detach",
                "  reattach_delay: 0s",
                "  member_check: {type: http, target: {port: \(port)}, \(times)}",
                "  members:",
            ]
            for member in ["a", "b", "c"] {
                lines.append(
                    "  - {name: \(member), value: \(target(of: "\(name).\(member)"))}")
            }
        }
        lines.append("checks:")
        while next < targetCount {
            let name = "web-\(next + 1)"
            let address = target(of: name)
            lines.append(
                "- {name: \(name), type: http, target: {host: \(address), port: \(port)}, \(times)}"
            )
        }
        return (lines.joined(separator: "\n") + "\n", targetOfCheck)
    }

    // MARK: - Disturbing

    /// What was done and when it really was.
    private final class Done: Sendable {
        private let state = Mutex<[Ledger.Faulted]>([])

        var faults: [Ledger.Faulted] { state.withLock { $0 } }

        func note(_ fault: Fault, since: Date) {
            func microseconds(_ date: Date) -> Int64 {
                Int64(date.timeIntervalSince1970 * 1_000_000)
            }
            let window = microseconds(since)...microseconds(max(since, Date()))
            state.withLock { $0.append(.init(fault: fault, window: window)) }
        }
    }

    private func disturb(
        _ fleet: Fleet, _ targets: ChaosTargets, by plan: ChaosPlan, _ done: Done
    ) async throws {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            // What overruns delays what is next for the same, and nothing else.
            for all in Dictionary(grouping: plan.disturbances, by: \.fault.subject).values {
                group.addTask {
                    for disturbance in all {
                        try await Task.sleep(until: start + disturbance.at)
                        let since = Date()
                        try await carryOut(disturbance, on: fleet, targets)
                        done.note(disturbance.fault, since: since)
                    }
                }
            }
            try await group.waitForAll()
        }
        let left = start + length - .now
        if left > .zero { try await Task.sleep(for: left) }
    }

    private func carryOut(
        _ disturbance: ChaosPlan.Disturbance, on fleet: Fleet, _ targets: ChaosTargets
    ) async throws {
        let log = fleet.scratch.file("\(UUID().uuidString).log")
        let pause = disturbance.lasts
        switch disturbance.fault {
        case .kill(let role):
            await fleet.kill(role)
            try await Task.sleep(for: pause)
            try fleet.startAgain(role)
        case .stop(let role):
            fleet.send(SIGSTOP, to: role)
            try await Task.sleep(for: pause)
            fleet.send(SIGCONT, to: role)
        case .terminateSessions:
            let end = ContinuousClock.now + pause
            while ContinuousClock.now < end {
                // While the server is away, there are none.
                try? fleet.server.terminateSessions()
                try await Task.sleep(for: .milliseconds(200))
            }
        case .killSession:
            // There may be none at the moment.
            try? fleet.server.killSession()
        case .restartServer: try fleet.server.restart(crashes: false)
        case .crashServer: try fleet.server.restart(crashes: true)
        case .killRedis:
            await fleet.kill("redis")
            try await Task.sleep(for: pause)
            try await fleet.startRedis()
        case .flushRedis:
            // It may be away at the moment.
            try? fleet.flushRedis()
        case .pinSnapshot:
            let session = try fleet.server.pinSnapshot(log: log)
            try await Task.sleep(for: pause)
            await session.destroy()
        case .lockFile:
            guard let file = fleet.database as? SQLiteFile else { return }
            let lock = try file.lock(log: log)
            try await Task.sleep(for: pause)
            await lock.destroy()
        case .target(let number, let manner):
            try targets.misbehave(number, manner)
            try await Task.sleep(for: pause)
            try targets.behave(number)
        }
    }

    // MARK: - Afterwards

    /// Until everything is as if nothing had been: each check was probed anew and is healthy, and no
    /// evaluation waits.
    private func settle(_ fleet: Fleet) async throws {
        let moment = Int64(Date().timeIntervalSince1970 * 1_000_000)
        try await fleet.until("everything is probed again and healthy", within: .seconds(90)) {
            try fleet.database.number(
                """
                SELECT count(*)
                FROM check_health AS h
                WHERE h.health <> 'healthy'
                   OR NOT EXISTS (
                       SELECT 1
                       FROM outcomes AS o
                       WHERE o.check_id = h.check_id AND o.started_at > \(moment)
                   )
                """) == 0
        }
        // One that waits for its database between two tries is not yet there.
        try await fleet.until("every role says that it is alive") {
            try fleet.database.number(
                "SELECT count(*) FROM processes WHERE seen_at > \(moment)") >= roles.count
        }
        try await fleet.until("every evaluation is answered") {
            try fleet.database.number("SELECT count(*) FROM evaluations") == 0
        }
    }

    private static func counts(_ fleet: Fleet) throws -> [String] {
        try fleet.redis(
            "EVAL",
            """
            local lines = {}
            for _, key in ipairs(redis.call('KEYS', 'hw:*')) do
                local held = redis.call('HMGET', key, 'j', 'r')
                lines[#lines + 1] = key .. ' ' .. (held[1] or '') .. ' ' .. (held[2] or '')
            end
            return lines
            """, "0"
        ).split(separator: "\n").map(String.init)
    }

    private func figures(of ledger: Ledger, _ plan: ChaosPlan) -> [String] {
        let tally = ledger.tally
        return [
            "enqueued \(tally.enqueued) = \(tally.completed) completed + \(ledger.live.count) live "
                + "+ \(tally.lost) lost + \(tally.void) void",
            "\(plan.disturbances.count) disturbances, \(ledger.changes.count) health changes, "
                + "\(ledger.routeChanges.count) route changes",
            "\(ledger.claimed.count) claims, \(ledger.repeatedClaims) of them again "
                + "(\(tally.rescued) rescues); \(ledger.repeatedProbes) probes made twice; "
                + "\(tally.stale) late completions dropped",
            "\(ledger.outcomes.count) outcomes; a check went unprobed for "
                + "\(Self.tenths(ledger.longestSilence)) s at most, "
                + "\(Self.tenths(ledger.longestUnexplainedSilence)) s of them unexplained",
        ]
            + ledger.updates.map {
                "\($0.table): \($0.all) updates since the last crash, \($0.inPlace) of them without "
                    + "an index"
            }
    }

    /// What MySQL itself tells: how many transactions stood in each other's way.
    private func ofTheServer(_ fleet: Fleet) throws -> [String] {
        guard engine == .mysql else { return [] }
        let counts = try fleet.database.rows(
            """
            SELECT variable_value
            FROM information_schema.global_status
            WHERE variable_name IN ('COM_COMMIT', 'INNODB_DEADLOCKS')
            ORDER BY variable_name
            """
        ).map { $0[0] }
        return [
            "\(counts.joined(separator: " commits and ")) deadlocks since the last start; "
                + "\(deadlocks(in: fleet)) surfaced"
        ]
    }

    private static func tenths(_ seconds: Double) -> Double { (seconds * 10).rounded() / 10 }

    /// How many of the updates of the two busy tables touched no index (HOT), where the engine tells.
    private func updates(_ fleet: Fleet) throws -> [Ledger.Updates] {
        guard engine == .postgresql || engine == .pgbouncer else { return [] }
        return try fleet.database.rows(
            """
            SELECT relname, n_tup_upd, n_tup_hot_upd
            FROM pg_stat_user_tables
            WHERE relname IN ('probe_jobs', 'check_health')
            ORDER BY 1
            """
        ).map { .init(table: $0[0], all: Int($0[1]) ?? 0, inPlace: Int($0[2]) ?? 0) }
    }

    private func deadlocks(in fleet: Fleet) -> Int {
        roles.reduce(0) { $0 + fleet.log(of: $1).ranges(of: "(1213)").count }
    }
}
