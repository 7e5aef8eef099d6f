import Foundation
import HealthWorkerCounters
import HealthWorkerModel
import HealthWorkerStorage
import Logging
import Synchronization
import Testing

/// Each test stops, freezes or empties a server of its own.
@Suite(.serialized) struct RedisBoardTests {
    private let time = ManualTime()

    private func board(
        _ server: RedisServer, process: ProcessID = 1, window: Duration = .seconds(3600),
        limits: RedisLimits = .patient
    ) throws -> RedisBoard {
        RedisBoard(
            try server.url(), process: process, window: window, prefix: "test:", limits: limits,
            now: time.now, logger: quiet)
    }

    private func presence(_ name: String, beat: Int? = nil) -> Presence {
        var presence = Presence(
            name: name, roles: [.worker, .api], location: "fra1", version: "1.2.3",
            startedAt: Timestamp(seconds: 1_700_000_000), claimed: 3, probing: 2,
            paused: "it's \"odd\"\nü",
            settings: SettingsInForce(concurrency: 10, batchSize: 5),
            testimony: Testimony(
                probed: 1000,
                contradicted: [
                    .init(
                        worker: ProcessID(1 << 52),
                        checks: CheckSample((1...300).map { CheckID($0) }),
                        from: Timestamp(seconds: 1_700_000_000),
                        to: Timestamp(seconds: 1_700_000_060))
                ]),
            quarantine: QuarantineTerm(
                since: Timestamp(seconds: 1_700_000_000), until: Timestamp(seconds: 1_700_000_300),
                contradicted: 14, probed: 20))
        presence.beat = beat
        return presence
    }

    private func settings(_ revision: Int64) -> LiveSettings {
        LiveSettings(
            revision: revision,
            settings: [
                ScopedSettings(
                    scope: .name("host/ü"), settings: WorkerSettings(isPaused: true),
                    revision: revision, updatedAt: Timestamp(seconds: 1), updatedBy: "ann")
            ])
    }

    // MARK: - Who is alive

    @Test func `who says so is alive, until it withdraws`() async throws {
        let server = try await RedisServer()
        let (one, two) = (try board(server, process: 1), try board(server, process: 2))

        let alone = await one.announce(presence("a"))
        let both = await two.announce(presence("b"))
        let looking = await one.processes()
        await two.withdraw()
        let left = await one.announce(presence("a", beat: 7))

        #expect(alone?.map(\.presence) == [presence("a")])
        #expect(Set(both?.map(\.id) ?? []) == [1, 2])
        #expect(Set(looking?.map(\.presence.name) ?? []) == ["a", "b"])
        #expect(left?.map(\.presence) == [presence("a", beat: 7)])
        let seen = try #require(left?.first?.seenAt)
        #expect(abs(Double(seen.seconds) - Date().timeIntervalSince1970) < 120)
    }

    @Test func `who is silent for longer than the window is taken out`() async throws {
        let server = try await RedisServer()
        _ = try await board(server, process: 1).announce(presence("a"))

        // By Redis's clock: what it says of the first process is set back by a minute.
        let said = try await server.ask("HGET", "test:hw:fleet", "1")
        guard case .text(let text) = said, let space = text.firstIndex(of: " "),
            let at = Int64(text[..<space])
        else {
            Issue.record("\(said)")
            return
        }
        try await server.ask(
            "HSET", "test:hw:fleet", "1", "\(at - 60_000_000)\(text[space...])")
        let wide = await (try board(server, process: 2)).announce(presence("b"))
        let narrow = await (try board(server, process: 2, window: .seconds(30)))
            .announce(presence("b"))
        let kept = try await server.ask("HKEYS", "test:hw:fleet")

        #expect(Set(wide?.map(\.id) ?? []) == [1, 2])
        #expect(narrow?.map(\.id) == [2])
        #expect(kept.texts == ["2"])
    }

    @Test func `a fleet that ended leaves nothing behind`() async throws {
        let server = try await RedisServer()
        _ = try await board(server, window: .seconds(3600)).announce(presence("a"))

        let left = try await server.ask("PTTL", "test:hw:fleet")

        guard case .number(let milliseconds) = left else {
            Issue.record("\(left)")
            return
        }
        #expect((1...3_600_000).contains(milliseconds))
    }

    @Test func `what another version wrote, or nobody, is passed over`() async throws {
        let server = try await RedisServer()
        let board = try board(server)
        _ = await board.announce(presence("a"))
        let said = try await server.ask("HGET", "test:hw:fleet", "1")
        guard case .text(let text) = said else {
            Issue.record("\(said)")
            return
        }
        let at = text.prefix { $0 != " " }
        try await server.ask("HSET", "test:hw:fleet", "7", "\(at) {\"name\":\"b\"}")
        try await server.ask("HSET", "test:hw:fleet", "8", "rubbish")
        try await server.ask("HSET", "test:hw:fleet", "x", text)

        let seen = await board.processes()

        #expect(seen?.map(\.id) == [1])
    }

    // MARK: - The copy of the settings

    @Test func `a copy is read as it was posted, and none before`() async throws {
        let server = try await RedisServer()
        let (one, two) = (try board(server), try board(server, process: 2))

        #expect(await one.settingsRevision() == 0)
        #expect(await one.liveSettings() == nil)

        await one.post(settings(5), over: nil)

        #expect(await two.settingsRevision() == 5)
        #expect(await two.liveSettings() == settings(5))
    }

    @Test func `a newer copy is not replaced by an older one that comes late`() async throws {
        let server = try await RedisServer()
        let board = try board(server)
        await board.post(settings(6), over: nil)

        await board.post(settings(5), over: nil)
        #expect(await board.liveSettings() == settings(6))

        // It was seen at 4, which is what may be replaced; 6 came since.
        await board.post(settings(5), over: 4)
        #expect(await board.liveSettings() == settings(6))
    }

    @Test func `a copy that the storage does not know of is replaced by an older one`() async throws
    {
        let server = try await RedisServer()
        let board = try board(server)
        await board.post(settings(6), over: nil)

        await board.post(settings(5), over: 6)

        #expect(await board.settingsRevision() == 5)
        #expect(await board.liveSettings() == settings(5))
    }

    @Test func `a flushed server has no copy, and takes one again`() async throws {
        let server = try await RedisServer()
        let board = try board(server)
        await board.post(settings(6), over: nil)

        try await server.ask("FLUSHALL")

        #expect(await board.settingsRevision() == 0)
        await board.post(settings(6), over: 0)
        #expect(await board.liveSettings() == settings(6))
    }

    @Test func `a server with an old dump has the old copy, and takes the present one`()
        async throws
    {
        let server = try await RedisServer()
        let board = try board(server)
        await board.post(settings(5), over: nil)
        try await server.ask("SAVE")
        await board.post(settings(9), over: nil)

        server.kill()
        #expect(await board.settingsRevision() == nil)
        try await server.start()
        time.pass(.seconds(5))

        #expect(await board.settingsRevision() == 5)
        await board.post(settings(9), over: 5)
        #expect(await board.settingsRevision() == 9)
    }

    @Test func `what stands there and is no copy is as good as none`() async throws {
        let server = try await RedisServer()
        let board = try board(server)
        try await server.ask("HSET", "test:hw:settings:worker", "r", "rubbish", "d", "rubbish")

        #expect(await board.settingsRevision() == 0)
        #expect(await board.liveSettings() == nil)
        await board.post(settings(5), over: nil)
        #expect(await board.liveSettings() == settings(5))

        try await server.ask("SET", "test:hw:settings:worker", "of another kind")
        #expect(await board.settingsRevision() == nil)
    }

    // MARK: - A server that is lost

    @Test func `a killed server says nothing, and is asked again after a pause`() async throws {
        let server = try await RedisServer()
        let board = try board(
            server, limits: RedisLimits(patience: .seconds(30), pause: .seconds(1)))
        _ = await board.announce(presence("a"))

        server.kill()
        #expect(await board.announce(presence("a")) == nil)
        #expect(await board.settingsRevision() == nil)
        await board.post(settings(1), over: nil)
        await board.withdraw()

        try await server.start()
        #expect(await board.processes() == nil, "nothing is asked during the pause")
        time.pass(.seconds(1))
        #expect(await board.processes() == [])
        #expect(await board.announce(presence("a"))?.map(\.id) == [1])
    }

    @Test func `a frozen server keeps nobody waiting`() async throws {
        let server = try await RedisServer()
        let board = try board(
            server,
            limits: RedisLimits(
                patience: .seconds(3), pause: .seconds(1), connecting: .seconds(30)))
        let first = await board.announce(presence("a"))
        #expect(first != nil)

        server.freeze()
        let clock = ContinuousClock()
        let began = clock.now
        let answers = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await board.announce(presence("a")) == nil }
            group.addTask { await board.settingsRevision() == nil }
            group.addTask { await board.processes() == nil }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let waited = clock.now - began
        server.thaw()

        #expect(answers == [true, true, true])
        // All three together, and what a loaded machine adds; it stays frozen for ever.
        #expect(waited >= .milliseconds(2700) && waited < .seconds(60))
    }

    /// What was logged at `info` and above.
    private struct Log: LogHandler {
        final class Lines: Sendable {
            private let lines = Mutex<[String]>([])

            func append(_ line: String) { lines.withLock { $0.append(line) } }
            var all: [String] { lines.withLock { $0 } }
        }

        let lines: Lines
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.append("\(event.level) \(event.message)") }
    }

    @Test func `a server that answers and takes no writes is lost once, until it takes them`()
        async throws
    {
        // Less than an empty server uses.
        let server = try await RedisServer("--maxmemory", "500kb")
        let lines = Log.Lines()
        let board = RedisBoard(
            try server.url(), process: 1, window: .seconds(3600),
            limits: RedisLimits(
                patience: .seconds(30), pause: .seconds(1), connecting: .seconds(30)),
            now: time.now, logger: Logger(label: "test") { _ in Log(lines: lines) })
        let lost = "warning the fleet goes by the database alone: nothing is lost"

        for _ in 0..<3 {
            #expect(await board.announce(presence("a")) == nil)
            time.pass(.seconds(1))
            #expect(await board.settingsRevision() == 0, "it answers what only reads")
            #expect(await board.processes() == [])
            await board.withdraw()
        }
        #expect(lines.all == [lost])

        try await server.ask("CONFIG", "SET", "maxmemory", "0")
        time.pass(.seconds(1))
        #expect(await board.announce(presence("a"))?.map(\.id) == [1])
        #expect(lines.all == [lost, "info the fleet goes by Redis as well again"])
    }
}
