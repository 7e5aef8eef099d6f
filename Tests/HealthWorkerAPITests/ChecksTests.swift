import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct ChecksTests {
    @Test func `the set of an object is asked for once, as the reference says`() async throws {
        try await TestAPI.run { api in
            let check = Samples.tcpCheck("mail")
            _ = try await api.post("/v1/checks", check)

            let taken = try await api.put("/v1/checks/mail?set=first", check)
            let other = try await api.put("/v1/checks/mail?set=zzz", check)
            let reference = try await api.get("/openapi.json", as: nil)

            #expect(taken.status == .ok)
            #expect(taken.string("/set") == "first" || taken.string("/observed/set") == "first")
            #expect(other.status == .conflict)
            #expect(
                reference.text.contains(
                    "The set of the object, which is new or in no set yet. For one of another set it "
                        + "is refused with 409."))
        }
    }

    @Test func `a created check is answered with where it is and what is observed of it`()
        async throws
    {
        try await TestAPI.run { api in
            let created = try await api.post("/v1/checks?set=shop", Samples.check, as: .write)

            #expect(created.status == .created)
            #expect(created.headers[.location] == "/v1/checks/shop-login")
            #expect(created.headers[.eTag] == "\"1\"")
            #expect(created.text.hasPrefix(#"{"name":"shop-login""#))
            #expect(created.string("/observed/set") == "shop")
            #expect(created.string("/observed/health") == "unknown")
            #expect(created["/observed/stale"]?.bool == false)
            let read = try await api.get("/v1/checks/shop-login")
            #expect(read.status == .ok)
            #expect(read.text == created.text)
        }
    }

    @Test func `a name is created once`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.check, as: .write)

            let again = try await api.post("/v1/checks", Samples.check, as: .write)

            #expect(again.status == .conflict)
            #expect(again.kind == "conflict")
        }
    }

    @Test func `putting back what was read changes nothing`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks?set=shop", Samples.check, as: .write)
            try await api.probe("shop-login", .success)
            let read = try await api.get("/v1/checks/shop-login")

            let put = try await api.put("/v1/checks/shop-login", read.text)

            #expect(put.status == .ok)
            #expect(put.text == read.text)
            #expect(put.integer("/observed/revision") == 1)
        }
    }

    @Test func `a put creates what is missing and takes its name from the path`() async throws {
        try await TestAPI.run { api in
            let put = try await api.put(
                "/v1/checks/mail", #"{"type": "tcp", "target": {"host": "192.0.2.7", "port": 25}}"#)

            #expect(put.status == .created)
            #expect(put.string("/name") == "mail")
        }
    }

    @Test func `a put under a new name keeps what is known under the old one`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks?set=shop", Samples.tcpCheck("mail"))
            try await api.probe("mail", .success)
            let body = """
                {"renamed_from": "mail", "type": "tcp", "target": {"host": "192.0.2.7", "port": 25}}
                """

            let renamed = try await api.put("/v1/checks/smtp", body)
            let again = try await api.put("/v1/checks/smtp", body)
            let old = try await api.get("/v1/checks/mail")

            #expect(renamed.status == .ok)
            #expect(renamed.string("/observed/health") == "healthy")
            #expect(renamed.string("/observed/set") == "shop")
            #expect(again.text == renamed.text)
            #expect(old.status == .notFound)
        }
    }

    @Test func `a put takes YAML as well`() async throws {
        try await TestAPI.run { api in
            let put = try await api.put(
                "/v1/checks/mail", "type: tcp\ntarget: {host: 192.0.2.7, port: 25}\n",
                type: "application/yaml; charset=utf-8")

            #expect(put.status == .created)
            #expect(put.integer("/target/port") == 25)
        }
    }

    @Test func `a name in the body must be that of the path`() async throws {
        try await TestAPI.run { api in
            let put = try await api.put("/v1/checks/other", Samples.check)

            #expect(put.status == .unprocessableContent)
            #expect(put.places == ["/name"])
        }
    }

    @Test func `the ETag guards a write`() async throws {
        try await TestAPI.run { api in
            let created = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            let tag = try #require(created.headers[.eTag])
            let slower = #"{"type": "tcp", "target": {"host": "192.0.2.7", "port": 26}}"#

            let first = try await api.put(
                "/v1/checks/mail", slower, headers: [.ifMatch: tag])
            let second = try await api.put(
                "/v1/checks/mail", Samples.tcpCheck("mail"), headers: [.ifMatch: tag])
            let missing = try await api.put(
                "/v1/checks/nobody", Samples.tcpCheck("nobody"), headers: [.ifMatch: "*"])
            let taken = try await api.put(
                "/v1/checks/mail", slower, headers: [.ifNoneMatch: "*"])
            let foreign = try await api.put(
                "/v1/checks/mail", slower, headers: [.ifMatch: "\"abc\""])

            #expect(first.status == .ok)
            #expect(first.headers[.eTag] == "\"2\"")
            for answer in [second, missing, taken, foreign] {
                #expect(answer.status == .preconditionFailed)
                #expect(answer.kind == "precondition-failed")
            }
        }
    }

    @Test func `If-None-Match creates only`() async throws {
        try await TestAPI.run { api in
            let put = try await api.put(
                "/v1/checks/mail", Samples.tcpCheck("mail"), headers: [.ifNoneMatch: "*"])
            let other = try await api.put(
                "/v1/checks/mail", Samples.tcpCheck("mail"), headers: [.ifNoneMatch: "\"1\""])

            #expect(put.status == .created)
            #expect(other.status == .badRequest)
            #expect(other.places == ["If-None-Match"])
        }
    }

    @Test func `a merge-patch changes what it names and takes away what it nulls`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.check)

            let patched = try await api.patch(
                "/v1/checks/shop-login",
                #"{"interval": "30s", "labels": {"tier": "gold"}, "http": {"path": null}}"#)
            let stale = try await api.patch(
                "/v1/checks/shop-login", #"{"interval": "1m"}"#, headers: [.ifMatch: "\"1\""])
            let same = try await api.patch("/v1/checks/shop-login", #"{"interval": "30s"}"#)

            #expect(patched.status == .ok)
            #expect(patched.string("/interval") == "30s")
            #expect(patched.string("/labels/customer") == "acme")
            #expect(patched.string("/labels/tier") == "gold")
            #expect(patched.string("/http/path") == "/")
            #expect(patched.string("/http/host") == "shop.example.com")
            #expect(patched.headers[.eTag] == "\"2\"")
            #expect(stale.status == .preconditionFailed)
            #expect(same.headers[.eTag] == "\"2\"")
        }
    }

    @Test func `a merge-patch is tested like any document`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.check)

            let misspelt = try await api.patch("/v1/checks/shop-login", #"{"intervall": "30s"}"#)
            let contradicting = try await api.patch(
                "/v1/checks/shop-login", #"{"interval": "2s", "timeout": "3s"}"#)
            let json = try await api.patch(
                "/v1/checks/shop-login", "{}", type: "application/json")
            let missing = try await api.patch("/v1/checks/nobody", "{}")

            #expect(misspelt.status == .unprocessableContent)
            #expect(misspelt.places == ["/intervall"])
            #expect(misspelt.string("/errors/0/suggestion") == "`interval`")
            #expect(contradicting.status == .unprocessableContent)
            #expect(contradicting.places.contains("/timeout"))
            #expect(json.status == .unsupportedMediaType)
            #expect(json.headers[HTTPField.Name("Accept-Patch")!] == "application/merge-patch+json")
            #expect(missing.status == .notFound)
        }
    }

    @Test func `all that is wrong with a check is told at once`() async throws {
        try await TestAPI.run { api in
            let answer = try await api.post(
                "/v1/checks",
                """
                {"name": "A", "type": "https",
                 "target": {"host": "192.0.2.10", "prot": 1},
                 "interval": 10, "fall": 0}
                """)

            #expect(answer.status == .unprocessableContent)
            #expect(
                Set(answer.places) == ["/name", "/target/prot", "/interval", "/fall"],
                "\(answer.text)")
            let misspelt = answer["/errors"]?.elements?.first {
                $0["pointer"]?.text == "/target/prot"
            }
            #expect(misspelt?["suggestion"]?.text == "`port`")
            #expect(misspelt?["line"]?.integer == 2)
        }
    }

    @Test func `a check that a policy uses stays, and the refusal names the policy`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            _ = try await api.post(
                "/v1/policies",
                """
                {"name": "mx", "type": "detach",
                 "members": [{"name": "a", "value": "192.0.2.7", "check": "mail"}]}
                """)

            let refused = try await api.delete("/v1/checks/mail")
            _ = try await api.delete("/v1/policies/mx")
            let deleted = try await api.delete("/v1/checks/mail")
            let again = try await api.delete("/v1/checks/mail")

            #expect(refused.status == .conflict)
            #expect(refused.string("/detail")?.contains("mx") == true)
            #expect(deleted.status == .noContent)
            #expect(deleted.text.isEmpty)
            #expect(again.status == .notFound)
        }
    }

    @Test func `a check that a policy made is edited in that policy`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Samples.policy)

            let put = try await api.patch("/v1/checks/acme-www.fra1", #"{"interval": "1m"}"#)
            let read = try await api.get("/v1/checks/acme-www.fra1")

            #expect(put.status == .conflict)
            #expect(read.string("/observed/made_by") == "acme-www")
            #expect(read.names("/observed/policies") == ["acme-www"])
        }
    }

    @Test func `outcomes and health changes are listed, newest first`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.check)
            try await api.probe("shop-login", .success)
            try await api.turnUnhealthy("shop-login")

            let outcomes = try await api.get("/v1/checks/shop-login/outcomes?limit=3")
            let next = try #require(outcomes.string("/next_cursor"))
            let older = try await api.get("/v1/checks/shop-login/outcomes?cursor=\(next)")
            let changes = try await api.get("/v1/checks/shop-login/health-changes")
            let health = try await api.get("/v1/checks/shop-login/health")

            #expect(outcomes["/items"]?.elements?.count == 3)
            #expect(outcomes.string("/items/0/outcome") == "failure")
            #expect(outcomes.string("/items/0/reason") == "connect_refused")
            #expect(outcomes.integer("/items/0/phases/connect") == 1200)
            let last = older["/items"]?.elements?.last
            #expect(last?["outcome"]?.text == "success")
            #expect(older["/next_cursor"] == nil)
            #expect(changes.string("/items/0/to") == "unhealthy")
            #expect(changes.string("/items/1/to") == "healthy")
            #expect(changes.string("/items/1/cause") == "first_success")
            #expect(health.string("/health") == "unhealthy")
            let check = try await api.get("/v1/checks/shop-login")
            #expect(check.string("/observed/last_outcome/detail") == "nobody listens")
        }
    }

    @Test func `health that nobody refreshes is stale, and says why`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.check)

            api.clock.advance(by: .seconds(300))
            let health = try await api.get("/v1/checks/shop-login/health")

            #expect(health["/stale"]?.bool == true)
            #expect(health.string("/stale_because") == "no worker")
        }
    }

    @Test(arguments: ["", "/health", "/outcomes", "/health-changes"])
    func `a check that does not exist is not found`(below path: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.get("/v1/checks/nobody\(path)")

            #expect(answer.status == .notFound)
            #expect(answer.kind == "not-found")
        }
    }
}
