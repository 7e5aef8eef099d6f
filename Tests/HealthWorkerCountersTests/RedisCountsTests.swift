import CountsConformance
import Foundation
import HealthWorkerCounters
import HealthWorkerModel
import Testing

/// Each test stops, freezes or locks a server of its own.
@Suite(.serialized) struct RedisCountsTests {
    private let time = ManualTime()

    private func counts(
        _ server: RedisServer, login: String = "", database: Int = 0, prefix: String = "",
        limits: RedisCounts.Limits = .patient
    ) throws -> RedisCounts {
        RedisCounts(
            try server.url(database: database, login: login), prefix: prefix, limits: limits,
            now: time.now, logger: quiet)
    }

    private func request(
        check: CheckID = 1, _ job: Int64, _ health: Health = .healthy, inARow: Int = 0,
        isSuccess: Bool = false, interval: Duration = .seconds(10)
    ) -> CountRequest {
        CountRequest(
            check: check, job: JobID(job), attempt: 1,
            base: HealthState(
                epoch: 1, health: health, since: Timestamp(seconds: 0), inARow: inARow),
            isSuccess: isSuccess, interval: interval)
    }

    /// The least of some times, so that a machine busy with something else says nothing.
    private func quickest(_ body: () async -> Void) async -> Duration {
        var least = Duration.seconds(3600)
        for _ in 0..<5 { least = min(least, await ContinuousClock().measure(body)) }
        return least
    }

    @Test func `a run goes on in Redis beyond what the rows count`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server)

        var failures: [Int] = []
        var successes: [Int] = []
        for job in Int64(1)...5 {
            failures += await counts.count([request(check: 1, job, .unhealthy)])
            successes += await counts.count([request(check: 2, job, isSuccess: true)])
        }

        #expect(failures == [-1, -2, -3, -4, -5])
        #expect(successes == [1, 2, 3, 4, 5])
        #expect(counts.source == .redis)
        #expect(counts.tally.inRedis == 10)
    }

    @Test func `a rescued attempt adds nothing twice to such a run`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server)
        _ = await counts.count([request(1, .unhealthy)])
        _ = await counts.count([request(2, .unhealthy)])

        var rescued = request(2, .unhealthy)
        rescued.attempt = 2

        #expect(await counts.count([rescued]) == [-2])
        #expect(await counts.count([request(3, .unhealthy)]) == [-3])
    }

    @Test func `a key has its prefix, its tag and the longer of its times`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server, database: 3, prefix: "mine:")

        _ = await counts.count([
            request(check: 7, 1), request(check: 8, 1, interval: .hours(1)),
        ])

        guard case .number(let short) = try await server.ask("PTTL", "mine:hw:{7}", database: 3),
            case .number(let long) = try await server.ask("PTTL", "mine:hw:{8}", database: 3)
        else {
            Issue.record("no times")
            return
        }
        #expect((3_500_000...3_600_000).contains(short))
        #expect((35_900_000...36_000_000).contains(long))
    }

    @Test func `a flushed server is filled from the rows`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server)
        _ = await counts.count([request(1), request(check: 2, 1, .unhealthy)])

        try await server.ask("FLUSHALL")
        let runs = await counts.count([request(2, inARow: 1), request(check: 2, 2, .unhealthy)])

        #expect(runs == [-2, -1])
        #expect(counts.source == .redis)
        #expect(counts.tally.fromBase == 0)
    }

    @Test func `a server that forgot the script is told it again`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server)
        _ = await counts.count([request(1)])

        try await server.ask("SCRIPT", "FLUSH")
        let batch = (Int64(1)...300).map { request(check: CheckID($0 + 100), 2, inARow: 1) }
        let runs = await counts.count(batch)

        #expect(runs == batch.map { _ in -2 })
        #expect(counts.tally.inRedis == 301)
    }

    @Test func `a server that is ahead of a restored database follows it when forced`() async throws
    {
        let server = try await RedisServer()
        let counts = try counts(server)
        _ = await counts.count([request(check: 1, 90), request(check: 2, 90)])
        let restored = [request(check: 1, 10, .unhealthy), request(check: 2, 10, .unhealthy)]
        _ = await counts.count(restored)

        // Of the second one the storage said that it was late.
        await counts.force([restored[0]])
        let runs = await counts.count([
            request(check: 1, 11, .unhealthy), request(check: 2, 11, .unhealthy),
        ])

        #expect(runs == [-2, -1])
        #expect(counts.tally.stale == 3)
        #expect(counts.tally.inRedis == 3)
    }

    @Test func `what nobody asked again is not forced`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server)
        _ = await counts.count([request(1, .unhealthy)])
        _ = await counts.count([request(2, .unhealthy)])

        await counts.force([request(2, .unhealthy)])

        #expect(await counts.count([request(3, .unhealthy)]) == [-3])
    }

    @Test func `a key of another kind costs only its own check`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server)
        try await server.ask("SET", "hw:{1}", "something else")

        let runs = await counts.count([request(1, inARow: 1), request(check: 2, 1, inARow: 2)])

        #expect(runs == [-2, -3])
        #expect(counts.tally.inRedis == 1)
        #expect(counts.source == .redis)
    }

    @Test func `a server with an old dump is corrected`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server, limits: .init(patience: .seconds(30), pause: .zero))
        for job in Int64(1)...2 { _ = await counts.count([request(job, inARow: Int(job) - 1)]) }
        try await server.ask("SAVE")
        _ = await counts.count([request(3, inARow: 2, isSuccess: true)])

        // What was saved holds two failures in a row; since then one success ended them.
        server.kill()
        try await server.start()
        let other = try self.counts(server)
        let runs = await other.count([request(4)])

        #expect(runs == [-1])
        #expect(other.tally.corrected == 1)
        #expect(other.tally.inRedis == 1)
    }

    @Test func `a killed server costs no count, and counts again after a pause`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server)
        _ = await counts.count([request(1)])

        server.kill()
        let killed = await counts.count([request(2, inARow: 1)])
        time.pass(.seconds(1))
        let paused = await counts.count([request(3, inARow: 2)])

        #expect(killed == [-2])
        #expect(paused == [-3])
        guard case .base(.seconds(1), let why) = counts.source else {
            Issue.record("\(counts.source)")
            return
        }
        #expect(why.contains("does not answer") && why.contains(server.socket))

        try await server.start()
        _ = await counts.count([request(4, .unhealthy)])
        #expect(counts.tally.inRedis == 1, "nothing is asked during the pause")

        time.pass(.seconds(4))
        let again = await counts.count([request(5, .unhealthy)])
        let beyond = await counts.count([request(6, .unhealthy)])

        #expect(again == [-1])
        #expect(beyond == [-2])
        #expect(counts.source == .redis)
    }

    @Test func `a frozen server keeps nobody waiting`() async throws {
        let server = try await RedisServer()
        let patience = Duration.seconds(2)
        let counts = try counts(
            server, limits: .init(patience: patience, connecting: .seconds(30)))
        try await counts.connect()

        server.freeze()
        let clock = ContinuousClock()
        let began = clock.now
        let batch = (Int64(1)...500).map { request(check: CheckID($0), 1, inARow: 1) }
        let runs = await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<4 { group.addTask { await counts.count(batch) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let first = clock.now - began
        let second = await quickest { _ = await counts.count(batch) }
        server.thaw()

        #expect(runs.count == 4)
        #expect(runs.allSatisfy { $0 == batch.map { _ in -2 } })
        #expect(counts.tally.inRedis == 0)
        // It stays frozen for ever; once the breaker is open only the addition is left.
        #expect(first > patience * 0.9 && first < .seconds(60))
        #expect(second < patience)
        #expect(RedisCounts.Limits().patience == .milliseconds(100))
    }

    @Test func `a server that pauses its clients keeps nobody waiting`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server, limits: .init(connecting: .seconds(30)))
        try await counts.connect()

        try await server.ask("CLIENT", "PAUSE", "60000")
        let clock = ContinuousClock()
        var runs: [Int] = []
        let waited = await clock.measure { runs = await counts.count([request(1, inARow: 1)]) }

        #expect(runs == [-2])
        // Of the minute for which it is paused.
        #expect(waited < .seconds(30))
        #expect(counts.source != .redis)
    }

    @Test func `a server that is silent while connecting is not waited for twice`() async throws {
        let server = try await RedisServer()
        let patience = Duration.seconds(2)
        let counts = try counts(server, limits: .init(patience: patience, connecting: .seconds(30)))
        server.freeze()

        _ = await counts.count([request(1)])
        time.pass(.seconds(6))
        // Its connecting is still under way: nobody waits for it a second time.
        var runs: [Int] = []
        let waited = await quickest { runs = await counts.count([request(2, inARow: 1)]) }
        server.thaw()

        #expect(runs == [-2])
        #expect(waited < patience)
    }

    @Test func `what is wrong is said in one sentence without the password`() async throws {
        let server = try await RedisServer("--requirepass", "right-secret")
        let wrong = try counts(server, login: ":wrong-secret@")
        let none = try counts(server)
        let right = try counts(server, login: ":right-secret@")
        let unknown = try counts(server, login: "ann:right-secret@")
        let absent = try counts(server, login: ":right-secret@", database: 5000)

        func sentence(_ counts: RedisCounts) async -> String {
            do {
                try await counts.connect()
                return ""
            } catch {
                return error.description
            }
        }

        let address = "unix://\(server.socket)"
        let user = "refused the user or password; correct them in redis.url."
        #expect(await sentence(wrong) == "Redis at \(address) \(user)")
        #expect(await sentence(unknown) == "Redis at \(address) \(user)")
        #expect(await sentence(none).contains("wants a password"))
        #expect(await sentence(absent).contains("has no database 5000"))
        #expect(await sentence(right) == "")
        #expect(await wrong.count([request(1, inARow: 2)]) == [-3])
    }

    @Test func `a replica that takes no writes is named as one`() async throws {
        let server = try await RedisServer()
        let counts = try counts(server)
        try await server.ask("REPLICAOF", "127.0.0.1", "1")

        let runs = await counts.count([request(1, inARow: 1)])

        #expect(runs == [-2])
        guard case .base(_, let why) = counts.source else {
            Issue.record("\(counts.source)")
            return
        }
        #expect(why.contains("is a replica"))
    }

    @Test func `nothing there is said with its address and what to do`() async throws {
        let counts = RedisCounts(
            try RedisURL("redis://ann:hidden@127.0.0.1:1/2"), limits: .patient, logger: quiet)

        await #expect {
            try await counts.connect()
        } throws: { error in
            "\(error)"
                == "Redis at redis://127.0.0.1:1/2 does not answer (Connection refused); start it, "
                + "or correct redis.url."
        }
        #expect(await counts.count([request(1, inARow: 1)]) == [-2])
    }
}
