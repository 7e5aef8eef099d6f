import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import StorageConformance
import Testing

@Suite struct RoutesTests {
    @Test func `a route is its records, and its ETag is its generation`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let route = try await api.get("/v1/routes/acme-www")
            let tag = try #require(route.headers[.eTag])
            let same = try await api.get(
                "/v1/routes/acme-www", headers: [.ifNoneMatch: tag])
            let weak = try await api.get(
                "/v1/routes/acme-www", headers: [.ifNoneMatch: "\"0\", W/\(tag)"])

            #expect(route.status == .ok)
            #expect(route.string("/records/0/value") == "192.0.2.10")
            #expect(route.string("/records/0/family") == "A")
            #expect(route.integer("/generation").map { "\"\($0)\"" } == tag)
            #expect(same.status == .notModified)
            #expect(same.text.isEmpty)
            #expect(weak.status == .notModified)
        }
    }

    @Test func `a policy without an answer has no route yet`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Samples.policy)

            let route = try await api.get("/v1/routes/acme-www")
            let waited = try await api.get("/v1/routes/acme-www?wait=10ms")
            let all = try await api.get("/v1/routes")

            #expect(route.status == .notFound)
            #expect(waited.status == .notFound)
            #expect(all.names() == [])
        }
    }

    @Test func `a long poll answers as soon as the route is another`() async throws {
        let settings = APISettings(longPollInterval: .milliseconds(100))
        try await TestAPI.run(settings: settings) { api in
            try await api.makeRoutedPolicy()
            let route = try await api.get("/v1/routes/acme-www")
            let tag = try #require(route.headers[.eTag])

            async let waiting = api.get(
                "/v1/routes/acme-www?wait=1m", headers: [.ifNoneMatch: tag])
            try await api.turnUnhealthy("acme-www.fra1")
            let answer = try await waiting

            #expect(answer.status == .ok)
            #expect(answer.names("/records") == ["ams1"])
        }
    }

    @Test func `what another process changed is seen a moment later, what this one did at once`()
        async throws
    {
        try await TestAPI.run(settings: APISettings(routeMemory: .seconds(3600))) { api in
            try await api.makeRoutedPolicy()
            let first = try await api.get("/v1/routes/acme-www")

            try await api.turnUnhealthy("acme-www.fra1")
            let remembered = try await api.get("/v1/routes/acme-www")
            _ = try await api.post(
                "/v1/overrides",
                #"{"policy": "acme-www", "member": "ams1", "word": "up", "reason": "a", "for": "1h"}"#
            )
            let seen = try await api.get("/v1/routes/acme-www")

            #expect(first.names("/records") == ["fra1"])
            #expect(remembered.text == first.text)
            #expect(seen.names("/records") == ["ams1"])
        }
    }

    @Test func `a long poll ends when its time is over`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            let route = try await api.get("/v1/routes/acme-www")

            let answer = try await api.get(
                "/v1/routes/acme-www?wait=20ms",
                headers: [.ifNoneMatch: route.headers[.eTag] ?? ""])
            let tooLong = try await api.get("/v1/routes/acme-www?wait=2h")
            let noUnit = try await api.get("/v1/routes/acme-www?wait=30")

            #expect(answer.status == .notModified)
            #expect(tooLong.status == .badRequest)
            #expect(tooLong.places == ["wait"])
            #expect(noUnit.status == .badRequest)
        }
    }

    @Test func `routes are listed by their policies' labels, page by page`() async throws {
        try await TestAPI.run { api in
            for name in ["a", "b", "c"] { try await api.makePool(name, sites: ["fra1"]) }

            let some = try await api.get("/v1/routes?selector=customer!=b&limit=1")
            let rest = try await api.get(
                "/v1/routes?selector=customer!=b&cursor=\(some.string("/next_cursor") ?? "")")

            #expect(some.string("/items/0/policy") == "a")
            #expect(rest.string("/items/0/policy") == "c")
            #expect(rest["/next_cursor"] == nil)
        }
    }

    @Test func `the changes of a route are listed, newest first`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            try await api.turnUnhealthy("acme-www.fra1")

            let first = try await api.get("/v1/routes/acme-www/changes?limit=1")
            let second = try await api.get(
                "/v1/routes/acme-www/changes?cursor=\(first.string("/next_cursor") ?? "")")

            #expect(first.string("/items/0/cause") == "failover")
            #expect(first.names("/items/0/members") == ["fra1", "ams1"])
            #expect(second.string("/items/0/cause") == "first")
        }
    }

    @Test func `what has not reached its sink is shown`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post(
                "/v1/policies",
                """
                {"name": "www", "type": "simple", "members": [{"name": "a", "value": "192.0.2.7"}],
                 "publish": [{"sink": "dns", "name": "www.example.com"}]}
                """)

            let waiting = try await api.get("/v1/routes/www/deliveries")
            let deliveries = try await api.storage.claimDeliveries(
                to: ["dns"], limit: 10, lease: .seconds(30))
            for delivery in deliveries { _ = try await api.storage.acknowledge(delivery) }
            let done = try await api.get("/v1/routes/www/deliveries")

            #expect(waiting["/in_sync"]?.bool == false)
            #expect(waiting.string("/items/0/sink") == "dns")
            #expect(waiting.string("/items/0/name") == "www.example.com")
            #expect(done["/in_sync"]?.bool == true)
        }
    }

    @Test(arguments: ["", "/changes", "/deliveries"])
    func `the route of a policy that does not exist is not found`(path: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.get("/v1/routes/nobody\(path)")

            #expect(answer.status == .notFound)
        }
    }
}
