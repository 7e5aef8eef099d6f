import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct PoliciesTests {
    @Test func `a policy makes a check for each member`() async throws {
        try await TestAPI.run { api in
            let created = try await api.post("/v1/policies", Samples.policy, as: .write)
            let checks = try await api.get("/v1/checks")

            #expect(created.status == .created)
            #expect(created.headers[.location] == "/v1/policies/acme-www")
            #expect(checks.names() == ["acme-www.ams1", "acme-www.fra1"])
        }
    }

    @Test func `putting back what was read changes nothing`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            let read = try await api.get("/v1/policies/acme-www")

            let put = try await api.put("/v1/policies/acme-www", read.text)

            #expect(put.status == .ok)
            #expect(put.text == read.text)
            #expect(put.headers[.eTag] == "\"1\"")
        }
    }

    @Test func `a policy is answered with the route that its write decided`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let patched = try await api.patch("/v1/policies/acme-www", #"{"ttl": 60}"#)

            #expect(patched.status == .ok)
            #expect(patched.integer("/observed/route/ttl") == 60)
            #expect(patched.names("/observed/route/records") == ["fra1"])
        }
    }

    @Test func `policies are listed with their routes`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            _ = try await api.post(
                "/v1/policies?set=other",
                """
                {"name": "waiting", "type": "detach", "member_check":
                 {"type": "tcp", "target": {"port": 1}},
                 "members": [{"name": "a", "value": "192.0.2.1"}]}
                """)

            let all = try await api.get("/v1/policies")
            let ofSet = try await api.get("/v1/policies?set=other")
            let ofType = try await api.get("/v1/policies?type=failover")

            #expect(all.names() == ["acme-www", "waiting"])
            #expect(all.names("/items/0/observed/route/records") == ["fra1"])
            #expect(all["/items/1/observed/route"] == nil)
            #expect(ofSet.names() == ["waiting"])
            #expect(ofType.names() == ["acme-www"])
            #expect(ofType["/items/0/observed/route"] != nil)
        }
    }

    @Test func `a member's missing check is refused where it is named`() async throws {
        try await TestAPI.run { api in
            let answer = try await api.post(
                "/v1/policies",
                """
                {"name": "mx", "type": "detach",
                 "members": [{"name": "a", "value": "192.0.2.7"},
                             {"name": "b", "value": "192.0.2.8", "check": "mail"}]}
                """)

            #expect(answer.status == .conflict)
            #expect(answer.places == ["/members/1/check"])
        }
    }

    @Test func `two policies cannot publish the same name`() async throws {
        try await TestAPI.run { api in
            func policy(_ name: String) -> String {
                """
                {"name": "\(name)", "type": "simple",
                 "members": [{"name": "a", "value": "192.0.2.7"}],
                 "publish": [{"sink": "dns", "name": "www.example.com"}]}
                """
            }
            _ = try await api.post("/v1/policies", policy("one"))

            let answer = try await api.post("/v1/policies", policy("two"))

            #expect(answer.status == .conflict)
            #expect(answer.places == ["/publish/0"])
        }
    }

    @Test func `preconditions guard policies as they guard checks`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Samples.policy)

            let again = try await api.post("/v1/policies", Samples.policy)
            let wrong = try await api.patch(
                "/v1/policies/acme-www", #"{"ttl": 60}"#, headers: [.ifMatch: "\"7\""])
            let right = try await api.patch(
                "/v1/policies/acme-www", #"{"ttl": 60}"#, headers: [.ifMatch: "\"1\""])
            let gone = try await api.delete(
                "/v1/policies/acme-www", headers: [.ifMatch: "\"1\""])
            let deleted = try await api.delete(
                "/v1/policies/acme-www", headers: [.ifMatch: "\"2\""])
            let missing = try await api.delete("/v1/policies/acme-www")

            #expect(again.status == .conflict)
            #expect(wrong.status == .preconditionFailed)
            #expect(right.status == .ok)
            #expect(gone.status == .preconditionFailed)
            #expect(deleted.status == .noContent)
            #expect(missing.status == .notFound)
            #expect(try await api.get("/v1/checks").names() == [])
        }
    }

    @Test func `an evaluation says who is in, who is out, and why`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            try await api.turnUnhealthy("acme-www.fra1")

            let answer = try await api.get("/v1/policies/acme-www/evaluation")

            #expect(answer.status == .ok)
            #expect(answer.string("/members/0/name") == "fra1")
            #expect(answer["/members/0/published"]?.bool == false)
            #expect(answer.string("/members/0/measured") == "unhealthy")
            #expect(answer.string("/members/0/reason") == "unhealthy")
            #expect(answer["/members/1/published"]?.bool == true)
            #expect(answer.string("/route/cause") == "failover")
            #expect(answer["/protected"]?.bool == false)
            #expect(answer.string("/exposures/0/reason") == "no_spare")
            #expect(answer["/exposures/0/members"]?.elements?.compactMap(\.text) == ["ams1"])
        }
    }

    @Test func `an operator brings the better tier back`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            try await api.turnUnhealthy("acme-www.fra1")
            try await api.probe("acme-www.fra1", .success, times: 3)
            let before = try await api.get("/v1/routes/acme-www")

            let answer = try await api.post("/v1/policies/acme-www/failback", as: .operate)
            let again = try await api.post("/v1/policies/acme-www/failback", as: .operate)

            #expect(before.names("/records") == ["ams1"])
            #expect(answer.status == .ok)
            #expect(answer.names("/route/records") == ["fra1"])
            #expect(answer.string("/route/cause") == "failback")
            #expect(again.status == .conflict)
            #expect(again.string("/detail")?.contains("first tier already") == true)
        }
    }

    @Test func `an operator takes a member back`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post(
                "/v1/policies",
                """
                {"name": "pool", "type": "detach", "reattach": "manual",
                 "member_check": {"type": "tcp", "target": {"port": 443}},
                 "members": [{"name": "a", "value": "192.0.2.1"},
                             {"name": "b", "value": "192.0.2.2"}]}
                """)
            try await api.probe("pool.a", .success)
            try await api.probe("pool.b", .success)
            try await api.turnUnhealthy("pool.a")
            try await api.probe("pool.a", .success, times: 3)
            let before = try await api.get("/v1/routes/pool")

            let stranger = try await api.post(
                "/v1/policies/pool/reattach", #"{"members": ["a", "z"]}"#, as: .operate)
            let misspelt = try await api.post(
                "/v1/policies/pool/reattach", #"{"member": ["a"]}"#, as: .operate)
            let answer = try await api.post("/v1/policies/pool/reattach", as: .operate)
            let again = try await api.post(
                "/v1/policies/pool/reattach", #"{"members": ["a"]}"#, as: .operate)

            #expect(before.names("/records") == ["b"])
            #expect(stranger.status == .notFound)
            #expect(stranger.places == ["/members/1"])
            #expect(misspelt.status == .unprocessableContent)
            #expect(answer.status == .ok)
            #expect(answer.names("/route/records") == ["a", "b"])
            #expect(again.status == .conflict)
            #expect(again.string("/detail")?.contains("published already") == true)
        }
    }

    @Test(arguments: [
        (HTTPTypes.HTTPRequest.Method.get, ""), (.get, "/evaluation"), (.post, "/failback"),
        (.post, "/reattach"),
    ])
    func `a policy that does not exist is not found`(
        method: HTTPTypes.HTTPRequest.Method, path: String
    ) async throws {
        try await TestAPI.run { api in
            let answer = try await api.send(method, "/v1/policies/nobody\(path)")

            #expect(answer.status == .notFound)
        }
    }
}
