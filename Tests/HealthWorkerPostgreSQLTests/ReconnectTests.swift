import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Synchronization
import Testing

/// Connections that are cut again and again cost calls, and nothing else.
@Suite struct ReconnectTests {
    @Test(.timeLimit(.minutes(2)))
    func `a storm of terminated sessions loses no job, hands none out twice, and passes`()
        async throws
    {
        let fixture = try await PostgreSQLFixture(clockRuns: true)
        let storages = [
            try await fixture.open(process: 1), try await fixture.open(process: 2),
        ]
        let checks = try await storages[0].put((0..<40).map { "web\($0)" }).map(\.id)
        let storm = Storm()

        let work = try await withThrowingTaskGroup(of: Work.self) { group in
            for storage in storages {
                for _ in 0..<2 {
                    group.addTask {
                        var work = Work()
                        while !storm.isOver || work.succeeded < 5 {
                            try await storage.work(on: checks, &work)
                        }
                        return work
                    }
                }
            }
            // Until enough calls were cut, each way they can be.
            for _ in 0..<12 {
                try fixture.killSessions()
                try await storages[1].afterReconnecting { try await $0.queueStatus() }
            }
            storm.end()
            return try await group.reduce(into: Work()) { $0.add($1) }
        }

        #expect(work.cut > 0, "no call met a cut")
        #expect(Set(work.handedOut).count == work.handedOut.count)
        let status = try await storages[0].queueStatus()
        let tally = status.tally
        #expect(tally.enqueued == tally.completed + Int64(status.live) + tally.lost + tally.void)
        // A completion whose answer was lost may have been accepted.
        #expect(tally.completed >= Int64(work.accepted.count))
        #expect(Set(work.accepted).count == work.accepted.count)
        let recorded = try fixture.execute(
            "SELECT count(*), count(DISTINCT job_id) FROM outcomes")
        #expect(recorded[0][0] == recorded[0][1])
        #expect(recorded[0][0] == "\(tally.completed)")
        print("\(work.succeeded) calls succeeded, \(work.cut) were cut")
        for storage in storages { await storage.close() }
    }

    private final class Storm: Sendable {
        private let state = Mutex(false)

        var isOver: Bool { state.withLock { $0 } }

        func end() { state.withLock { $0 = true } }
    }

    /// What one loop did and met.
    fileprivate struct Work: Sendable {
        var handedOut: [JobReference] = []
        var accepted: [JobID] = []
        var succeeded = 0
        var cut = 0

        mutating func add(_ other: Work) {
            handedOut += other.handedOut
            accepted += other.accepted
            succeeded += other.succeeded
            cut += other.cut
        }
    }
}

extension PostgreSQLStorage {
    /// One round of a worker whose every call may be cut; nothing else may go wrong.
    fileprivate func work(on checks: [CheckID], _ work: inout ReconnectTests.Work) async throws {
        do {
            for check in checks.shuffled().prefix(3) { try await enqueueNow(check) }
            let claims = try await claim(ClaimRequest(limit: 8, leaseMargin: .seconds(1)))
            work.handedOut += claims.map(\.reference)
            let ends = claims.map { steady($0) }
            let report = try await afterReconnecting { try await $0.complete(ends) }
            work.accepted += report.accepted
            work.succeeded += 1
        } catch StorageError.unavailable {
            work.cut += 1
            // The pool waits a little before it connects anew; whoever calls may do so at once.
            await Task.yield()
        }
    }

    /// Calls until a call is not cut, as a worker does that has outcomes to write.
    @discardableResult
    fileprivate func afterReconnecting<Value: Sendable>(
        _ call: (PostgreSQLStorage) async throws -> Value
    ) async throws -> Value {
        while true {
            do {
                return try await call(self)
            } catch StorageError.unavailable {
                await Task.yield()
            }
        }
    }
}
