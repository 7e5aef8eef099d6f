import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Logging
import Synchronization
import Testing

@Suite struct `A fleet as one process sees it` {
    private let check = CheckSpec(name: "c", type: .tcp, target: Target(host: "192.0.2.1"))

    private func process(
        _ id: ProcessID, beat: Int? = nil, seenAt: Int64 = 0, paused: String? = nil,
        roles: [Role] = [.worker], location: String = "fra1"
    ) -> RunningProcess {
        var presence = Presence(
            name: "p\(id)", roles: roles, location: location, version: "1", paused: paused)
        presence.beat = beat
        return RunningProcess(id: id, seenAt: Timestamp(seconds: seenAt), presence: presence)
    }

    @Test func `has whoever the storage or the board saw`() {
        let time = Mutex(Duration.zero)
        let fleet = Fleet(me: 1, now: { time.withLock { $0 } })

        fleet.update([process(1)])
        #expect(!fleet.othersProbe(check))
        fleet.update(board: [process(1), process(2)])
        #expect(fleet.othersProbe(check))
        #expect(fleet.workerCount(at: "fra1") == 2)

        // One late answer makes nobody look dead, but a board that stays away does.
        fleet.update(board: nil)
        fleet.update([process(1)])
        time.withLock { $0 += Fleet.window - .milliseconds(1) }
        #expect(fleet.othersProbe(check))
        #expect(fleet.workerCount(at: "fra1") == 2)
        time.withLock { $0 += .milliseconds(1) }
        #expect(!fleet.othersProbe(check))
        #expect(fleet.workerCount(at: "fra1") == 1)
        fleet.update([process(2)])
        #expect(fleet.othersProbe(check))
    }

    @Test func `goes by the later of two words, whatever the clocks of the two places say`() {
        let (early, late) = (
            process(2, beat: 4, seenAt: 9000, paused: "paused by ann"),
            process(2, beat: 5, seenAt: 1)
        )
        for (stored, onBoard) in [(early, late), (late, early)] {
            let fleet = Fleet(me: 1)
            fleet.update([stored])
            fleet.update(board: [onBoard])

            #expect(fleet.othersProbe(check))
            #expect([stored].joined(with: [onBoard]) == [late])
        }
        // A version that does not count its words is not there twice.
        #expect([process(2)].joined(with: [process(2, beat: 1)]) == [process(2, beat: 1)])
        #expect([process(2, seenAt: 3)].joined(with: [process(2)]) == [process(2, seenAt: 3)])
    }

    @Test func `counts the workers that claim at a location, and this one`() {
        let fleet = Fleet(me: 1)

        fleet.update([
            process(1), process(2), process(3, paused: "paused by ann"), process(4, roles: [.api]),
            process(5, location: "ams1"), process(6, location: "ams1"),
        ])

        #expect(fleet.workerCount(at: "fra1") == 2)
        #expect(fleet.workerCount(at: "ams1") == 3)
        #expect(fleet.workerCount(at: "sin1") == 1)
    }

    @Test func `hears news of a worker before its next heartbeat`() async throws {
        let storage = MemoryStorage()
        let paused = Mutex<String?>(nil)
        // A time that never passes: only news cut the wait short.
        let time = ProcessTime(
            now: { .zero }, sleep: { _ in try await Task.sleep(for: .seconds(3600)) })
        let heartbeat = Heartbeat(
            storage: storage, fleet: Fleet(me: 1),
            presence: {
                Presence(
                    name: "w", roles: [.worker], location: "fra1", version: "1",
                    paused: paused.withLock { $0 })
            }, time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        func said() async throws -> Presence? {
            try await storage.processes(seenWithin: .seconds(6)).first?.presence
        }

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await heartbeat.run() }
            while try await said() == nil { await Task.yield() }
            paused.withLock { $0 = "paused by ann" }
            heartbeat.tellNews()
            while try await said()?.paused == nil { await Task.yield() }
            group.cancelAll()
        }

        #expect(try await said() == nil, "it withdrew")
    }
}
