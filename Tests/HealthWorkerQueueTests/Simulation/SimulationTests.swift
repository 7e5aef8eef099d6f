import Foundation
import HealthWorkerModel
import HealthWorkerStorage
import StorageConformance
import Testing

@Suite struct SimulationTests {
    /// In groups, so that the cores share them; HEALTH_WORKER_SIMULATION_SEED: only that one.
    private static let groups: [Range<UInt64>] = {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["HEALTH_WORKER_SIMULATION_SEED"].flatMap({ UInt64($0) }) {
            return [seed..<seed + 1]
        }
        let count = environment["HEALTH_WORKER_SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? 1500
        return stride(from: 0, to: count, by: 50).map { $0..<min($0 + 50, count) }
    }()

    @Test(arguments: groups)
    func `whoever dies and whatever gets lost, the queue keeps its promises`(
        seeds: Range<UInt64>
    ) async throws {
        for seed in seeds {
            var simulation = Simulation(seed: seed)
            try await simulation.run()
        }
    }

    @Test func `a seed gives the same run again, and leases do end in it`() async throws {
        var rescued = 0
        for seed in UInt64(1)...20 {
            var (first, second) = (Simulation(seed: seed), Simulation(seed: seed))

            let once = try await first.run()
            let again = try await second.run()

            #expect(once.digest == again.digest, "seed \(seed)")
            rescued += once.rescued
        }
        #expect(rescued > 20)
    }

    @Test func `a storage without a fence is caught`() async {
        await expectCaught { WithoutFence(base: $0) }
    }

    @Test func `a claim that takes what others hold is caught`() async {
        await expectCaught { ClaimingTwice(base: $0) }
    }

    @Test func `a job that is given back by its id alone is caught`() async {
        await expectCaught { ReleasingByJob(base: $0) }
    }

    @Test func `a register that loses a slot's jobs is caught`() async {
        await expectCaught { LosingTicks(base: $0) }
    }

    /// Some seed shows it, and says which.
    private func expectCaught(
        by make: @escaping @Sendable (MemoryStorage) -> any Storage,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        for seed in UInt64(0)..<300 {
            var simulation = Simulation(seed: seed, storage: make)
            do {
                try await simulation.run()
            } catch let failure as SimulationFailure {
                #expect(failure.description.contains("seed \(seed)"))
                return
            } catch {
                Issue.record(error, sourceLocation: sourceLocation)
                return
            }
        }
        Issue.record("300 seeds did not show it", sourceLocation: sourceLocation)
    }
}

/// Deletes by job alone, as several of the well-known queues do.
private struct WithoutFence: ForwardingStorage {
    let base: MemoryStorage

    func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        var unfenced = batch
        for index in batch.indices {
            let claim = batch[index].claim
            if let job = try await base.observations(of: [claim.check])[claim.check]?.job,
                job.id == claim.job
            {
                unfenced[index].claim.attempt = job.attempt
            }
        }
        return try await base.complete(unfenced)
    }
}

/// Reads what is visible and then takes it, without holding it in between: now and then somebody
/// else has just taken the same.
private struct ClaimingTwice: ForwardingStorage {
    let base: MemoryStorage

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        let claims = try await base.claim(request)
        let references = claims.map(\.reference)
        // The other one's update is lost.
        if claims.count > 1 { _ = try await base.release([references[0]]) }
        return claims
    }
}

/// Frees a job whoever holds it now.
private struct ReleasingByJob: ForwardingStorage {
    let base: MemoryStorage

    func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        // Every attempt that it may have.
        try await base.release(
            jobs.flatMap { job in (1...9).map { JobReference(job: job.job, attempt: $0) } })
    }
}

/// Advances a slot in one transaction and inserts its jobs in another, which it may not live to do.
private struct LosingTicks: ForwardingStorage {
    let base: MemoryStorage

    func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        var report = try await base.enqueueDue(maxSlots: maxSlots)
        report.enqueued = 0
        return report
    }
}
