import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct ProbingTests {
    private let settings = APISettings(longPollInterval: .milliseconds(100))

    @Test func `a check is probed by a worker, and who waits gets the outcome`() async throws {
        try await TestAPI.run(settings: settings) { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            try await api.startWorker()

            let answer = try await api.whileProbing("mail", .failure(.connectRefused)) {
                try await api.post("/v1/checks/mail/probe?wait=60s", as: .operate)
            }
            let outcomes = try await api.get("/v1/checks/mail/outcomes")

            #expect(answer.status == .ok)
            #expect(answer.string("/outcome") == "failure")
            #expect(answer.string("/found/reason") == "connect_refused")
            let job = try #require(answer.integer("/job"))
            #expect((outcomes["/items"]?.elements ?? []).contains { $0["job"]?.integer == job })
        }
    }

    @Test func `who does not wait is told which outcome to look for`() async throws {
        try await TestAPI.run(settings: settings) { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            try await api.probe("mail", .success)
            try await api.startWorker()

            let asked = try await api.post("/v1/checks/mail/probe", as: .operate)
            let again = try await api.post("/v1/checks/mail/probe?wait=1ms", as: .operate)
            _ = try await api.completeJob(of: "mail", .success)
            let outcomes = try await api.get("/v1/checks/mail/outcomes?limit=1")

            #expect(asked.status == .accepted)
            #expect(asked.string("/because") == "it has not ended yet")
            #expect(asked["/outcome"] == nil)
            #expect(again.integer("/job") == asked.integer("/job"))
            #expect(outcomes.integer("/items/0/job") == asked.integer("/job"))
            #expect(try await api.storage.queueStatus().tally.enqueued == 2)
        }
    }

    @Test func `where no worker may probe it the answer comes at once, inconclusive`()
        async throws
    {
        try await TestAPI.run(settings: settings) { api in
            _ = try await api.post(
                "/v1/checks",
                """
                {"name": "far", "type": "tcp", "target": {"host": "192.0.2.7", "port": 25},
                 "locations": ["syd1"]}
                """)
            try await api.startWorker()

            let nobody = try await api.post("/v1/checks/far/probe?wait=60s", as: .operate)
            try await api.startWorker(at: "syd1", paused: "by hand")
            let paused = try await api.post("/v1/checks/far/probe?wait=60s", as: .operate)

            #expect(nobody.status == .accepted)
            #expect(nobody.string("/outcome") == "inconclusive")
            #expect(nobody.string("/because") == "no worker in syd1")
            #expect(paused.status == .accepted)
            #expect(paused.string("/because")?.contains("by hand") == true)
            #expect(try await api.storage.queueStatus().live == 1)
        }
    }

    @Test func `an outcome that is not kept is said so`() async throws {
        try await TestAPI.run(settings: settings) { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            try await api.startWorker()

            let answer = try await api.whileProbing("mail", .success, keepsOutcome: false) {
                try await api.post("/v1/checks/mail/probe?wait=60s", as: .operate)
            }

            #expect(answer.status == .ok)
            #expect(answer.string("/health") == "healthy")
            #expect(answer["/outcome"] == nil)
            #expect(answer.string("/because")?.contains("history.outcomes") == true)
        }
    }

    @Test func `a paused check, a missing one and a key that only reads are refused`()
        async throws
    {
        try await TestAPI.run(settings: settings) { api in
            _ = try await api.post(
                "/v1/checks",
                """
                {"name": "mail", "type": "tcp", "target": {"host": "192.0.2.7", "port": 25},
                 "enabled": false}
                """)

            let paused = try await api.post("/v1/checks/mail/probe", as: .operate)
            let missing = try await api.post("/v1/checks/nobody/probe", as: .operate)
            let reader = try await api.post("/v1/checks/mail/probe", as: .read)

            #expect(paused.status == .conflict)
            #expect(paused.string("/detail")?.contains("enabled: true") == true)
            #expect(missing.status == .notFound)
            #expect(reader.status == .forbidden)
        }
    }
}

extension TestAPI {
    /// A worker says that it is alive.
    fileprivate func startWorker(
        at location: String = "default", paused: String? = nil
    ) async throws {
        let worker = MemoryStorage(process: paused == nil ? 77 : 78, shared: storage.shared)
        var presence = Presence(
            name: "worker-\(location)", roles: [.worker], location: location, version: "1")
        presence.paused = paused
        try await worker.announce(presence)
    }

    /// Ends the check's job as a worker would, if it can be claimed now.
    fileprivate func completeJob(
        of name: String, _ outcome: Outcome, keepsOutcome: Bool = true
    ) async throws {
        let claims = try await storage.claim(ClaimRequest(limit: 500))
        for claim in claims {
            guard
                let check = try await storage.checks(ids: [claim.check]).first(where: {
                    $0.spec.name == name
                })
            else { continue }
            let run = CountRequest(
                check: check.id, job: claim.job, attempt: claim.attempt, base: claim.base,
                isSuccess: outcome == .success, interval: .seconds(10)
            ).runFromBase
            let decision = HealthTracker.next(
                base: claim.base,
                observation: .init(
                    outcome: outcome, run: run, worker: storage.process, othersAlive: false,
                    at: clock.now),
                check: check.spec)
            _ = try await storage.complete([
                Completion(
                    claim: claim, epoch: check.epoch, report: ProbeReport(outcome: outcome),
                    decision: decision, age: .milliseconds(2), keepsOutcome: keepsOutcome)
            ])
        }
    }

    /// A worker that ends every job of the check, until `body` is done.
    fileprivate func whileProbing(
        _ name: String, _ outcome: Outcome, keepsOutcome: Bool = true,
        _ body: @escaping @Sendable () async throws -> TestAnswer
    ) async throws -> TestAnswer {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    try await completeJob(of: name, outcome, keepsOutcome: keepsOutcome)
                    // How often this worker looks; cancelled, it looks no more.
                    try? await Task.sleep(for: .milliseconds(5))
                }
            }
            let answer = try await body()
            group.cancelAll()
            return answer
        }
    }
}
