import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct SimulationsTests {
    @Test(arguments: [
        #"{"unhealthy": {"members": ["fra1"]}}"#, #"{"unhealthy": {"checks": ["acme-www.fra1"]}}"#,
    ])
    func `a supposed death tells the route that would be, and changes nothing`(
        body: String
    ) async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            let before = try await api.get("/v1/policies/acme-www")

            let answer = try await api.post("/v1/policies/acme-www/simulate", body, as: .read)
            let after = try await api.get("/v1/policies/acme-www")

            #expect(answer.status == .ok)
            #expect(answer.names("/records") == ["ams1"])
            #expect(answer.string("/changes/0/cause") == "failover")
            #expect(answer.string("/members/0/reason") == "unhealthy")
            #expect(before.text == after.text)
        }
    }

    @Test func `members are found by their labels and those of their policy`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post(
                "/v1/policies",
                """
                {"name": "pool", "type": "detach", "labels": {"customer": "acme"},
                 "member_check": {"type": "tcp", "target": {"port": 443}},
                 "members": [{"name": "a", "value": "192.0.2.1", "labels": {"site": "fra1"}},
                             {"name": "b", "value": "192.0.2.2", "labels": {"site": "ams1"}}]}
                """)
            try await api.probe("pool.a", .success)
            try await api.probe("pool.b", .success)

            let site = try await api.post(
                "/v1/policies/pool/simulate",
                #"{"unhealthy": {"selector": "customer=acme,site=fra1"}}"#)
            let all = try await api.post(
                "/v1/policies/pool/simulate", #"{"unhealthy": {"selector": "customer"}}"#)
            let nobody = try await api.post(
                "/v1/policies/pool/simulate", #"{"unhealthy": {"selector": "site=lon1"}}"#)
            let misspelt = try await api.post(
                "/v1/policies/pool/simulate", #"{"unhealthy": {"selector": "site in lon1"}}"#)

            #expect(site.names("/records") == ["b"])
            #expect(all.names("/records") == ["a", "b"])
            #expect(all.names("/unprotected") == ["A"])
            #expect(all.string("/changes/0/cause") == "all_unhealthy" || all["/changes/0"] == nil)
            #expect(nobody.status == .notFound)
            #expect(nobody.places == ["/unhealthy/selector"])
            #expect(misspelt.status == .unprocessableContent)
        }
    }

    @Test func `a look ahead tells what delays will bring`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            _ = try await api.patch(
                "/v1/policies/acme-www", #"{"failback": "auto", "failback_delay": "5m"}"#)
            try await api.turnUnhealthy("acme-www.fra1")

            let soon = try await api.post(
                "/v1/policies/acme-www/simulate",
                #"{"healthy": {"members": ["fra1"]}, "after": "1m"}"#)
            let later = try await api.post(
                "/v1/policies/acme-www/simulate",
                #"{"healthy": {"members": ["fra1"]}, "after": "10m"}"#)
            let now = try await api.post("/v1/policies/acme-www/simulate")

            #expect(soon.names("/records") == ["ams1"])
            #expect(soon.string("/look_again_at") != nil)
            #expect(later.names("/records") == ["fra1"])
            #expect(later.string("/changes/0/cause") == "failback")
            #expect(now.names("/records") == ["ams1"])
            #expect(now["/changes"]?.elements?.isEmpty == true)
        }
    }

    @Test func `what names no member, or one twice, is refused where it stands`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let strangers = try await api.post(
                "/v1/policies/acme-www/simulate",
                #"{"unhealthy": {"members": ["fra1", "lon1"], "checks": ["mail"]}}"#)
            let both = try await api.post(
                "/v1/policies/acme-www/simulate",
                #"{"unhealthy": {"members": ["fra1"]}, "healthy": {"members": ["fra1"]}}"#)
            let policy = try await api.post("/v1/policies/nobody/simulate")

            #expect(strangers.status == .notFound)
            #expect(strangers.places == ["/unhealthy/members/1", "/unhealthy/checks/0"])
            #expect(both.status == .unprocessableContent)
            #expect(policy.status == .notFound)
        }
    }
}
