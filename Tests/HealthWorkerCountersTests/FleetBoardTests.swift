import HealthWorkerCounters
import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Synchronization
import Testing

/// A worker's settings and its place in the fleet, with a real Redis that is lost in every way; the
/// storage is the reference.
@Suite(.serialized) struct FleetBoardTests {
    /// One worker that watches, and one more process that posts what it changes, as the API does.
    private struct Bench {
        let server: RedisServer
        let storage: MemoryStorage
        let board: RedisBoard
        let watch: SettingsWatch
        let time: ManualTime
        let adopted: Adopted

        final class Adopted: Sendable {
            private let last = Mutex<SettingsInForce?>(nil)

            func adopt(_ settings: SettingsInForce) { last.withLock { $0 = settings } }
            var concurrency: Int? { last.withLock { $0?.concurrency.value } }
        }

        init(server: RedisServer, shared: MemoryStorage.Shared = .init()) throws {
            self.server = server
            storage = MemoryStorage(process: 1, shared: shared)
            let (time, adopted) = (ManualTime(), Adopted())
            board = RedisBoard(
                try server.url(), process: 1, window: .seconds(6),
                limits: RedisLimits(
                    patience: .seconds(30), pause: .seconds(1), connecting: .seconds(30)),
                now: time.now, logger: quiet)
            watch = SettingsWatch(
                storage: storage, board: board, name: "w", location: "fra1",
                configured: SettingsInForce(concurrency: 1000, batchSize: 500), logger: quiet,
                adopt: { adopted.adopt($0) })
            self.time = time
            self.adopted = adopted
        }

        init() async throws {
            try self.init(server: try await RedisServer())
        }

        /// Each change has a revision of its own second.
        func change(_ concurrency: Int, posts: Bool = true) async throws {
            storage.shared.clock.advance(by: .seconds(1))
            let live = try await storage.change(
                SettingsChange(
                    WorkerSettings(concurrency: concurrency), for: .name("w"), actor: "ann"))
            if posts { await board.post(live, over: nil) }
        }
    }

    // MARK: - Settings

    @Test func `a change is taken up from Redis before the rows are read again`() async throws {
        let bench = try await Bench()
        try await bench.watch.readRows()
        #expect(bench.adopted.concurrency == 1000)

        try await bench.change(7)
        await bench.watch.seeCopy()

        #expect(bench.adopted.concurrency == 7)
    }

    @Test func `a flushed Redis changes nothing, misses nothing and is filled again`() async throws
    {
        let bench = try await Bench()
        try await bench.change(7)
        await bench.watch.seeCopy()
        try await bench.watch.readRows()

        try await bench.server.ask("FLUSHALL")
        await bench.watch.seeCopy()
        #expect(bench.adopted.concurrency == 7)

        try await bench.change(8, posts: false)
        try await bench.watch.readRows()
        #expect(bench.adopted.concurrency == 8)
        #expect(await bench.board.liveSettings() == (try await bench.storage.liveSettings()))
    }

    @Test func `an old dump in Redis never holds, and is replaced`() async throws {
        let bench = try await Bench()
        try await bench.change(7)
        try await bench.server.ask("SAVE")
        try await bench.change(8)
        await bench.watch.seeCopy()
        #expect(bench.adopted.concurrency == 8)

        bench.server.kill()
        try await bench.server.start()
        await bench.watch.seeCopy()
        bench.time.pass(.seconds(2))
        await bench.watch.seeCopy()
        #expect(bench.adopted.concurrency == 8)

        try await bench.watch.readRows()
        #expect(bench.adopted.concurrency == 8)
        #expect(await bench.board.liveSettings() == (try await bench.storage.liveSettings()))

        // A worker that starts on the old dump reads the rows before it looks there.
        bench.server.kill()
        try await bench.server.start()
        let restarted = try Bench(server: bench.server, shared: bench.storage.shared)
        try await restarted.watch.readRows()
        await restarted.watch.seeCopy()
        #expect(restarted.adopted.concurrency == 8)
    }

    @Test func `a killed Redis leaves it to the rows`() async throws {
        let bench = try await Bench()
        try await bench.change(7)
        await bench.watch.seeCopy()

        bench.server.kill()
        await bench.watch.seeCopy()
        #expect(bench.adopted.concurrency == 7)

        try await bench.change(8)
        try await bench.watch.readRows()
        #expect(bench.adopted.concurrency == 8)
    }

    @Test func `a frozen Redis leaves it to the rows`() async throws {
        let server = try await RedisServer()
        let bench = try Bench(server: server)
        try await bench.watch.readRows()
        let impatient = RedisBoard(
            try server.url(), process: 2, window: .seconds(6), logger: quiet)
        _ = await impatient.settingsRevision()
        let adopted = Bench.Adopted()
        let watch = SettingsWatch(
            storage: bench.storage, board: impatient, name: "w", location: "fra1",
            configured: SettingsInForce(concurrency: 1000, batchSize: 500), logger: quiet,
            adopt: { adopted.adopt($0) })

        server.freeze()
        await watch.seeCopy()
        try await bench.change(8, posts: false)
        try await watch.readRows()
        server.thaw()

        #expect(adopted.concurrency == 8)
    }

    @Test func `a copy that the rows do not know of holds until they are read, and not again`()
        async throws
    {
        let server = try await RedisServer()
        let lost = try Bench(server: server)
        for concurrency in 1...5 { try await lost.change(concurrency) }
        // The database was restored from a backup that is older than the copy.
        let bench = try Bench(server: server)
        try await bench.change(7, posts: false)

        try await bench.watch.readRows()
        #expect(bench.adopted.concurrency == 7)
        await bench.watch.seeCopy()
        #expect(bench.adopted.concurrency == 5)
        try await bench.watch.readRows()
        #expect(bench.adopted.concurrency == 7)

        // Whoever still has it may post it again.
        await lost.board.post(try await lost.storage.liveSettings(), over: nil)
        await bench.watch.seeCopy()
        #expect(bench.adopted.concurrency == 7)
    }

    /// Rows that arrive only after something else has happened.
    private final class LateRows: SettingsStore {
        private let base: MemoryStorage
        private let meanwhile = Mutex<(@Sendable () async -> Void)?>(nil)

        init(_ base: MemoryStorage) {
            self.base = base
        }

        /// Done once, between the reading and the answer.
        func delayNext(by action: @escaping @Sendable () async -> Void) {
            meanwhile.withLock { $0 = action }
        }

        func liveSettings() async throws(StorageError) -> LiveSettings {
            let rows = try await base.liveSettings()
            await meanwhile.withLock { $0.take() }?()
            return rows
        }

        func change(_ change: SettingsChange) async throws(StorageError) -> LiveSettings {
            try await base.change(change)
        }
    }

    @Test func `rows that come late do not replace a copy that was posted meanwhile`() async throws
    {
        let bench = try await Bench()
        let rows = LateRows(bench.storage)
        let adopted = Bench.Adopted()
        let watch = SettingsWatch(
            storage: rows, board: bench.board, name: "w", location: "fra1",
            configured: SettingsInForce(concurrency: 1000, batchSize: 500), logger: quiet,
            adopt: { adopted.adopt($0) })
        try await bench.change(7)
        await watch.seeCopy()
        try await watch.readRows()

        rows.delayNext {
            do { try await bench.change(8) } catch { Issue.record(error) }
            await watch.seeCopy()
        }
        try await watch.readRows()

        #expect(adopted.concurrency == 8)
        #expect(await bench.board.liveSettings() == (try await bench.storage.liveSettings()))
    }

    // MARK: - Who is alive

    private func heartbeat(
        _ process: ProcessID, _ shared: MemoryStorage.Shared, _ server: RedisServer, _ fleet: Fleet
    ) throws -> Heartbeat {
        Heartbeat(
            storage: MemoryStorage(process: process, shared: shared),
            board: RedisBoard(
                try server.url(), process: process, window: Fleet.window,
                limits: RedisLimits(patience: .seconds(30), pause: .zero), logger: quiet),
            fleet: fleet,
            presence: {
                Presence(name: "w", roles: [.worker], location: "default", version: "0")
            }, logger: quiet)
    }

    @Test func `a worker whose heartbeat is not stored is alive by Redis, and by none withdrawn`()
        async throws
    {
        let server = try await RedisServer()
        let shared = MemoryStorage.Shared()
        let time = ManualTime()
        let (mine, theirs) = (Fleet(me: 1, now: time.now), Fleet(me: 2))
        let me = try heartbeat(1, shared, server, mine)
        let other = try heartbeat(2, shared, server, theirs)
        let check = CheckSpec(name: "c", type: .tcp, target: Target(host: "192.0.2.1"))
        await other.step()
        await me.step()
        #expect(mine.othersProbe(check))

        // By the storage's clock the other one was silent for long: its write hangs.
        shared.clock.advance(by: .seconds(60))
        await me.step()
        #expect(
            try await MemoryStorage(process: 1, shared: shared)
                .processes(seenWithin: Fleet.window).map(\.id) == [1])
        #expect(mine.othersProbe(check))
        #expect(mine.workerCount(at: "default") == 2)

        // Redis is lost: its last answer counts for a while, then the storage decides alone.
        server.kill()
        await me.step()
        #expect(mine.othersProbe(check))
        time.pass(Fleet.window)
        #expect(!mine.othersProbe(check))

        try await server.start()
        await other.step()
        await me.step()
        #expect(mine.othersProbe(check))

        await other.withdraw()
        await me.step()
        #expect(!mine.othersProbe(check))
        #expect(mine.workerCount(at: "default") == 1)
    }
}
