import HealthWorkerModel
import HealthWorkerStorage
import Synchronization

// Connections that are cut again and again cost calls, and nothing else.
extension StoragePromise {
    static let cutting: [StoragePromise] = [
        StoragePromise("a storm of cuts loses no job, hands none out twice, and passes") {
            guard let server = $0 as? any ServerFixture else { return }
            let storages = [
                try await $0.storage(process: 1), try await $0.storage(process: 2),
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
                                if work.cut > 0 { storm.meet() }
                            }
                            return work
                        }
                    }
                }
                defer { storm.end() }
                // Until enough calls were cut, each way they can be.
                var rounds = 0
                while rounds < 12 || (!storm.hasMet && rounds < 600) {
                    rounds += 1
                    try server.cutConnections()
                    try await storages[1].afterReconnecting { try await $0.queueStatus() }
                    // Leases of claims whose answer was lost run out.
                    try await server.age(by: .seconds(1))
                }
                storm.end()
                return try await group.reduce(into: Work()) { $0.add($1) }
            }

            try expect(work.cut > 0, "No call met a cut; \(work.succeeded) succeeded")
            try expectEqual(
                Set(work.handedOut).count, work.handedOut.count, "attempts handed out")
            try expectEqual(Set(work.accepted).count, work.accepted.count, "accepted jobs")
            try await storages[0].expectConservation("after a storm of cuts")
            // A completion whose answer was lost may have been accepted.
            let completed = try await storages[0].queueStatus().tally.completed
            try expect(
                completed >= Int64(work.accepted.count),
                "\(work.accepted.count) were accepted and \(completed) completed")
            var recorded: [JobID] = []
            for check in checks {
                recorded += try await storages[0].outcomes(of: check, before: nil, limit: 10_000)
                    .map(\.job)
            }
            try expectEqual(Set(recorded).count, recorded.count, "jobs with outcomes")
            try expectEqual(Int64(recorded.count), completed, "outcomes of completed jobs")
        }
    ]

    private final class Storm: Sendable {
        private let state = Mutex((isOver: false, hasMet: false))

        var isOver: Bool { state.withLock { $0.isOver } }
        /// A call was cut.
        var hasMet: Bool { state.withLock { $0.hasMet } }

        func end() { state.withLock { $0.isOver = true } }
        func meet() { state.withLock { $0.hasMet = true } }
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

extension Storage {
    /// One round of a worker whose every call may be cut; nothing else may go wrong.
    fileprivate func work(on checks: [CheckID], _ work: inout StoragePromise.Work) async throws {
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
        _ call: (Self) async throws -> Value
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
