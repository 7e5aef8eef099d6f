import HealthWorkerModel
import HealthWorkerStorage

enum Samples {
    static let check = """
        {"name": "shop-login", "type": "https", "target": {"host": "192.0.2.10"},
         "labels": {"customer": "acme"}, "http": {"host": "shop.example.com", "path": "/health"}}
        """

    static func tcpCheck(_ name: String, interval: String = "10s") -> String {
        """
        {"name": "\(name)", "type": "tcp", "target": {"host": "192.0.2.7", "port": 25},
         "interval": "\(interval)"}
        """
    }

    /// Two members, each with a check of its own.
    static let policy = """
        {"name": "acme-www", "type": "failover",
         "member_check": {"type": "tcp", "target": {"port": 443}},
         "members": [{"name": "fra1", "value": "192.0.2.10", "priority": 10},
                     {"name": "ams1", "value": "198.51.100.10", "priority": 20}],
         "failback": "manual"}
        """
}

extension TestAPI {
    /// Probes a check as a worker would, and decides the routes that follow.
    func probe(_ name: String, _ outcome: Outcome, times: Int = 1) async throws {
        for _ in 0..<times {
            let checks = try await storage.checks(named: [name])
            guard let check = checks.first else { throw TestFailure.noCheck(name) }
            try await storage.enqueueNow(check.id)
            clock.advance(by: .seconds(30))
            var claim: Claim?
            for candidate in try await storage.claim(ClaimRequest(limit: 500)) {
                if candidate.check == check.id {
                    claim = candidate
                } else {
                    _ = try await storage.release([candidate.reference])
                }
            }
            guard let claim else { throw TestFailure.noJob(name) }
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
            let report = ProbeReport(
                outcome: outcome, address: "192.0.2.10:443", phases: Phases(connect: 1200),
                detail: outcome == .success ? nil : "nobody listens")
            _ = try await storage.complete([
                Completion(
                    claim: claim, epoch: check.epoch, report: report, decision: decision,
                    age: .milliseconds(2))
            ])
            _ = try await PolicyEvaluator(storage: storage).evaluateDue(limit: 100)
        }
    }

    /// A detach policy labelled with its name, a healthy member for each site.
    func makePool(_ name: String, sites: [String]) async throws {
        let members = sites.enumerated().map { index, site in
            """
            {"name": "\(site)", "value": "192.0.2.\(index + 1)", "labels": {"site": "\(site)"}}
            """
        }
        _ = try await post(
            "/v1/policies",
            """
            {"name": "\(name)", "type": "detach", "labels": {"customer": "\(name)"},
             "member_check": {"type": "tcp", "target": {"port": 443}},
             "members": [\(members.joined(separator: ", "))]}
            """)
        for site in sites { try await probe("\(name).\(site)", .success) }
    }

    func turnUnhealthy(_ name: String) async throws {
        try await probe(name, .failure(.connectRefused), times: 6)
    }

    /// The policy of the samples with a route: both members healthy, the first tier published.
    func makeRoutedPolicy() async throws {
        _ = try await post("/v1/policies", Samples.policy, as: .write)
        try await probe("acme-www.fra1", .success)
        try await probe("acme-www.ams1", .success)
    }
}

enum TestFailure: Error {
    case noCheck(String)
    case noJob(String)
}
