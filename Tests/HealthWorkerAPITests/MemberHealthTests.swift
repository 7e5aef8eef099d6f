import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct MemberHealthTests {
    @Test func `the status alone says whether a member is published`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let first = try await api.get("/v1/routes/acme-www/members/fra1/health")
            let second = try await api.get("/v1/routes/acme-www/members/ams1/health")
            let healthy = try await api.get("/v1/routes/acme-www/members/ams1/health?if=healthy")
            let head = try await api.send(.head, "/v1/routes/acme-www/members/ams1/health")

            #expect(first.status == .ok)
            #expect(first.string("/reason") == "healthy")
            #expect(second.status == .serviceUnavailable)
            #expect(second.headers[.contentType] == "application/json")
            #expect(second.string("/reason") == "standby")
            #expect(healthy.status == .ok)
            #expect(head.status == .serviceUnavailable)
        }
    }

    @Test func `an override counts, and not what is measured`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            _ = try await api.post(
                "/v1/overrides",
                """
                {"policy": "acme-www", "member": "fra1", "word": "drain", "reason": "x",
                 "for": "2h"}
                """)

            let answer = try await api.get("/v1/routes/acme-www/members/fra1/health?if=healthy")

            #expect(answer.status == .serviceUnavailable)
            #expect(answer.string("/measured") == "healthy")
            #expect(answer.string("/effective") == "unhealthy")
        }
    }

    @Test(arguments: ["acme-www/members/lon1", "nobody/members/fra1"])
    func `a member or policy that does not exist is not found`(path: String) async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let answer = try await api.get("/v1/routes/\(path)/health")

            #expect(answer.status == .notFound)
        }
    }
}
