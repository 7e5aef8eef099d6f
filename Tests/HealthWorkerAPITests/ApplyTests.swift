import HTTPTypes
import HealthWorkerAPI
import HealthWorkerModel
import HealthWorkerStorage
import Synchronization
import Testing

/// What guards an apply, and what its plan tells.
@Suite struct ApplyTests {
    /// A document of a set, with tcp checks of these names at `port`.
    private func document(_ names: [String], set: String = "shop", port: Int = 25) -> String {
        let checks = names.map {
            #"{"name": "\#($0)", "type": "tcp", "target": {"host": "192.0.2.7", "port": \#(port)}}"#
        }
        return #"{"format": 1, "set": "\#(set)", "checks": [\#(checks.joined(separator: ","))]}"#
    }

    private func names(_ count: Int) -> [String] { (0..<count).map { "check-\($0)" } }

    /// Finds nothing at `port`, and something everywhere else; remembers what it was asked.
    private final class Targets: Sendable {
        let closed = Mutex<Set<Int>>([])
        let probed = Mutex<[String]>([])

        var trials: Trials {
            Trials(location: "here") { check in
                self.probed.withLock { $0.append("\(check.name):\(check.effectivePort)") }
                return self.closed.withLock { $0.contains(check.effectivePort) }
                    ? ProbeReport(outcome: .failure(.connectRefused), detail: "nobody listens")
                    : ProbeReport(outcome: .success)
            }
        }
    }

    // MARK: Sets

    @Test func `an object of another set is 409 unless it is taken over`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/apply", document(["mail"], set: "mail"))

            let refused = try await api.post("/v1/apply", document(["mail"]))
            let planned = try await api.post(
                "/v1/apply?take_over=true&dry_run=true", document(["mail"]))
            let before = try await api.get("/v1/checks/mail")
            let taken = try await api.post("/v1/apply?take_over=true", document(["mail"]))

            #expect(refused.status == .conflict)
            #expect(refused.text.contains("belongs to the set mail"))
            #expect(refused.text.contains("take_over=true"))
            #expect(planned.string("/changes/0/fields/0/path") == "set")
            #expect(planned.string("/changes/0/fields/0/old") == "mail")
            #expect(before.string("/observed/set") == "mail")
            #expect(taken.status == .ok)
            #expect(try await api.get("/v1/checks/mail").string("/observed/set") == "shop")
        }
    }

    @Test func `what is left over in the set is named as long as it is not pruned`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/apply", document(["a", "b"]))
            _ = try await api.post("/v1/apply", document(["x"], set: "other"))

            let kept = try await api.post("/v1/apply", document(["a"]))
            let pruned = try await api.post("/v1/apply?prune=true", document(["a"]))

            #expect(kept.names("/left_over") == ["b"])
            #expect(kept.integer("/counts/delete") == 0)
            #expect(pruned["/left_over"] == nil)
            #expect(try await api.get("/v1/checks").names() == ["a", "x"])
        }
    }

    @Test(arguments: [
        // Of ten objects: what is left, what is asked for, and whether that goes.
        (7, nil, true), (6, nil, false), (6, "40%", true), (6, "4", true), (6, "3", false),
        (0, "100%", true),
    ])
    func `a set of ten loses no more than may be deleted`(
        left: Int, limit: String?, goes: Bool
    ) async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/apply", document(names(10)))
            let query = limit.map { "&max_delete=\($0.replacing("%", with: "%25"))" } ?? ""

            let answer = try await api.post("/v1/apply?prune=true\(query)", document(names(left)))

            #expect(answer.status == (goes ? .ok : .conflict), "\(answer.text)")
            #expect(try await api.get("/v1/checks").names().count == (goes ? left : 10))
            if !goes {
                #expect(answer.text.contains("4 of the 10 objects of the set shop"))
                #expect(answer.text.contains("--max-delete 4"))
            }
        }
    }

    @Test func `of a set of nine everything may go`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/apply", document(names(9)))

            let answer = try await api.post("/v1/apply?prune=true", document([]))
            let limit = try await api.post("/v1/apply?max_delete=many", document([]))

            #expect(answer.integer("/counts/delete") == 9)
            #expect(limit.status == .badRequest)
            #expect(limit.places == ["max_delete"])
        }
    }

    // MARK: Probing first

    @Test func `a check that is healthy and would fail is refused, unless nothing is probed`()
        async throws
    {
        let targets = Targets()
        try await TestAPI.run(trials: targets.trials) { api in
            _ = try await api.post("/v1/apply", document(["mail"]))
            try await api.probe("mail", .success)
            targets.closed.withLock { $0 = [26] }

            let dry = try await api.post("/v1/apply?dry_run=true", document(["mail"], port: 26))
            let refused = try await api.post("/v1/apply", document(["mail"], port: 26))
            let port = try await api.get("/v1/checks/mail").integer("/target/port")
            let forced = try await api.post("/v1/apply?no_probe=true", document(["mail"], port: 26))

            for answer in [dry, refused] {
                #expect(answer.status == .conflict)
                #expect(answer.places == ["/checks/0"])
                #expect(answer.text.contains("connect_refused: nobody listens"))
                #expect(answer.text.contains("--no-probe"))
            }
            #expect(port == 25)
            #expect(forced.status == .ok)
            #expect(forced["/changes/0/trial"] == nil)
        }
    }

    @Test func `what fails from here as it is stored says nothing about its change`() async throws {
        let targets = Targets()
        try await TestAPI.run(trials: targets.trials) { api in
            _ = try await api.post("/v1/apply", document(["mail"]))
            try await api.probe("mail", .success)
            targets.closed.withLock { $0 = [25, 26] }

            let answer = try await api.post("/v1/apply", document(["mail"], port: 26))

            #expect(answer.status == .ok)
            #expect(answer.string("/changes/0/trial/outcome") == "failure")
        }
    }

    @Test func `new checks are probed once and told, and unchanged ones are left alone`()
        async throws
    {
        let targets = Targets()
        targets.closed.withLock { $0 = [25] }
        try await TestAPI.run(trials: targets.trials) { api in
            let created = try await api.post("/v1/apply", document(["a", "b"]))
            let again = try await api.post("/v1/apply", document(["a", "b"]))

            #expect(created.status == .ok)
            #expect(created.string("/changes/0/trial/reason") == "connect_refused")
            #expect(again.integer("/counts/unchanged") == 2)
            #expect(targets.probed.withLock { $0.sorted() } == ["a:25", "b:25"])
        }
    }

    @Test func `a check that only other locations may probe is not tried`() async throws {
        try await TestAPI.run(trials: Targets().trials) { api in
            let answer = try await api.post(
                "/v1/apply",
                """
                {"format": 1, "checks": [{"name": "far", "type": "tcp", "locations": ["fra1"],
                 "target": {"host": "192.0.2.7", "port": 25}}]}
                """)

            #expect(
                answer.string("/changes/0/trial/not_made")?.contains("only workers in fra1") == true
            )
        }
    }

    @Test func `nothing sends a secret anywhere before that is stored`() async throws {
        @Sendable func document(
            host: String, secret: String = "token", path: String = "/"
        ) -> String {
            """
            {"format": 1, "set": "shop", "checks": [{"name": "a", "type": "http",
             "target": {"host": "\(host)"},
             "http": {"path": "\(path)", "secret_headers": {"Authorization": "secret:\(secret)"}}}]}
            """
        }
        let targets = Targets()
        try await TestAPI.run(trials: targets.trials) { api in
            let new = try await api.post("/v1/apply?dry_run=true", document(host: "192.0.2.7"))
            let stored = try await api.post("/v1/apply", document(host: "192.0.2.7"))
            let elsewhere = try await api.post(
                "/v1/apply?dry_run=true", document(host: "192.0.2.66"))
            let other = try await api.post(
                "/v1/apply?dry_run=true", document(host: "192.0.2.7", secret: "other"))
            let probed = targets.probed.withLock { $0 }
            let there = try await api.post(
                "/v1/apply?dry_run=true", document(host: "192.0.2.7", path: "/health"))

            for answer in [new, stored, elsewhere, other] {
                #expect(
                    answer.string("/changes/0/trial/not_made")?.contains("sends a secret") == true,
                    "\(answer.text)")
            }
            #expect(probed == [])
            #expect(there.string("/changes/0/trial/outcome") == "success", "\(there.text)")
        }
    }

    @Test(.timeLimit(.minutes(10))) func `probing ends in time, and what breaks is tried first`()
        async throws
    {
        let isAsked = Mutex(false)
        let trials = Trials(location: "here", patience: .milliseconds(200)) { check in
            if check.name == "mail" { isAsked.withLock { $0 = true } }
            // Until it is cancelled.
            try? await Task.sleep(for: .seconds(3600))
            return ProbeReport(outcome: .inconclusive(.shuttingDown))
        }
        try await TestAPI.run(trials: trials) { api in
            _ = try await api.post("/v1/apply?no_probe=true", document(["mail"]))
            try await api.probe("mail", .success)

            let answer = try await api.post(
                "/v1/apply", document(names(300) + ["mail"], port: 26))

            #expect(answer.status == .ok)
            #expect(answer.text.contains("the time for probing was over"))
            #expect(isAsked.withLock { $0 })
        }
    }

    @Test(.timeLimit(.minutes(2))) func `an apply that takes long tells how far it is`()
        async throws
    {
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let trials = Trials(location: "here", patience: .seconds(600)) { check in
            // The others wait until somebody has asked.
            if check.name != "check-0" { for await _ in gate {} }
            return ProbeReport(outcome: .success)
        }
        try await TestAPI.run(trials: trials) { api in
            async let applying = api.post(
                "/v1/apply", document(["check-0", "check-1"]),
                headers: [HTTPField.Name("X-Request-Id")!: "apply-7"])  // a token
            var seen: TestAnswer?
            while seen?.integer("/done") != 1 {
                seen = try await api.get("/v1/apply/apply-7")
                await Task.yield()
            }
            opener.finish()
            let applied = try await applying
            let after = try await api.get("/v1/apply/apply-7")

            #expect(seen?.string("/phase") == "probing")
            #expect(seen?.integer("/total") == 2)
            #expect(applied.status == .ok)
            #expect(applied.integer("/counts/create") == 2)
            #expect(after.status == .notFound)
        }
    }

    // MARK: What the plan tells

    private let failover = """
        {"format": 1, "set": "shop", "policies": [
         {"name": "acme-www", "type": "failover", "failback": "manual",
          "member_check": {"type": "tcp", "target": {"port": 443}},
          "members": [{"name": "fra1", "value": "192.0.2.10", "priority": 10},
                      {"name": "ams1", "value": "198.51.100.10", "priority": 20}]}]}
        """

    @Test func `a plan tells the routes that would change`() async throws {
        let targets = Targets()
        try await TestAPI.run(trials: targets.trials) { api in
            let created = try await api.post("/v1/apply", failover)
            try await api.probe("acme-www.fra1", .success)
            try await api.probe("acme-www.ams1", .success)
            let turned = failover.replacing(
                #""priority": 10"#, with: #""priority": 10, "enabled": false"#)

            let planned = try await api.post("/v1/apply?dry_run=true", turned)
            let same = try await api.post(
                "/v1/apply?dry_run=true", failover.replacing("manual", with: "auto"))
            _ = try await api.post("/v1/apply", turned)
            let route = try await api.get("/v1/routes/acme-www")

            #expect(created["/routes/0/before"] == nil)
            #expect(created.names("/routes/0/after") == ["192.0.2.10"])
            #expect(planned.string("/routes/0/policy") == "acme-www")
            #expect(planned.names("/routes/0/before") == ["192.0.2.10"])
            #expect(planned.names("/routes/0/after") == ["198.51.100.10"])
            #expect(same["/routes"] == nil)
            #expect(route.string("/records/0/value") == "198.51.100.10")
        }
    }

    @Test func `a check that turns by its edit changes the routes of policies that use it`()
        async throws
    {
        let targets = Targets()
        let policy = """
            {"format": 1, "policies": [{"name": "p", "type": "detach", "reattach_delay": "0s",
             "members": [{"name": "a", "value": "192.0.2.1", "check": "mail"},
                         {"name": "b", "value": "192.0.2.2"}]}]}
            """
        try await TestAPI.run(trials: targets.trials) { api in
            _ = try await api.post("/v1/apply", document(["mail"]))
            _ = try await api.post("/v1/apply", policy)
            targets.closed.withLock { $0 = [25, 26] }
            try await api.probe("mail", .success)

            // It fails from here already, so that it is no reason to refuse.
            let planned = try await api.post("/v1/apply?dry_run=true", document(["mail"], port: 26))
            let pruned = try await api.post(
                "/v1/apply?dry_run=true", policy.replacing(", \"check\": \"mail\"", with: ""))

            #expect(planned.names("/routes/0/before") == ["192.0.2.1", "192.0.2.2"])
            #expect(planned.names("/routes/0/after") == ["192.0.2.2"])
            #expect(pruned["/routes"] == nil)
        }
    }

    @Test func `an edit by hand since the last apply is told with who and when and why`()
        async throws
    {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks?set=shop", Samples.tcpCheck("a"))
            let first = try await api.post("/v1/apply", document(["a", "b"], port: 26))
            _ = try await api.patch(
                "/v1/checks/a?message=hotfix", #"{"interval": "30s"}"#)
            _ = try await api.post("/v1/apply", document(["x"], set: "other"))

            let back = try await api.post("/v1/apply?dry_run=true", document(["a", "b"], port: 26))
            let applied = try await api.post(
                "/v1/apply?message=from-git", document(["a", "b"], port: 27))
            let next = try await api.post("/v1/apply?dry_run=true", document(["a", "b"], port: 28))
            let audit = try await api.get("/v1/audit?limit=1")

            // Made by hand, and before the first apply of the set.
            #expect(first["/changes/0/edited"] == nil)
            #expect(back.string("/changes/0/edited/actor") == api.actor(of: .write))
            #expect(back.string("/changes/0/edited/message") == "hotfix")
            #expect(back["/changes/1/edited"] == nil)
            #expect(applied.string("/changes/0/edited/message") == "hotfix")
            #expect(applied["/changes/1/edited"] == nil)
            #expect(next["/changes/0/edited"] == nil)
            #expect(audit.string("/items/0/action") == "document.applied")
            #expect(audit.string("/items/0/object") == "shop")
            #expect(audit.string("/items/0/message") == "from-git")
        }
    }
}
