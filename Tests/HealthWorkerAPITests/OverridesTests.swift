import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct OverridesTests {
    @Test func `an override moves the route before it is answered`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let set = try await api.post(
                "/v1/overrides",
                """
                {"policy": "acme-www", "member": "fra1", "word": "drain", "reason": "kernel",
                 "for": "2h"}
                """, as: .operate)
            let route = try await api.get("/v1/routes/acme-www")
            let list = try await api.get("/v1/overrides?policy=acme-www")
            let evaluation = try await api.get("/v1/policies/acme-www/evaluation")

            #expect(set.status == .created)
            #expect(set.string("/items/0/actor") == "key:test-operate")
            #expect(set["/items/0/permanent"]?.bool == false)
            #expect(route.names("/records") == ["ams1"])
            #expect(list.string("/items/0/member") == "fra1")
            #expect(evaluation.string("/members/0/reason") == "drained")
            #expect(evaluation.string("/members/0/measured") == "healthy")
        }
    }

    @Test func `a cleared override gives the member back`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            let set = try await api.post(
                "/v1/overrides",
                """
                {"policy": "acme-www", "members": ["fra1"], "word": "down", "reason": "kernel",
                 "permanent": true}
                """)
            let id = try #require(set.integer("/items/0/id"))

            let cleared = try await api.delete("/v1/overrides/\(id)")
            let again = try await api.delete("/v1/overrides/\(id)")
            let list = try await api.get("/v1/overrides")

            #expect(cleared.status == .noContent)
            #expect(again.status == .notFound)
            #expect(list["/items"]?.elements?.isEmpty == true)
        }
    }

    @Test func `one that would leave nobody is refused unless glass is broken`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            func override(_ more: String) -> String {
                """
                {"policy": "acme-www", "members": ["fra1", "ams1"], "word": "down",
                 "reason": "all of it", "for": "1h"\(more)}
                """
            }

            let refused = try await api.post("/v1/overrides", override(""))
            let none = try await api.get("/v1/overrides")
            let forced = try await api.post("/v1/overrides", override(#", "break_glass": true"#))

            #expect(refused.status == .conflict)
            #expect(refused.string("/detail")?.contains("break_glass") == true)
            #expect(none["/items"]?.elements?.isEmpty == true)
            #expect(forced.status == .created)
            #expect(forced["/items"]?.elements?.count == 2)
        }
    }

    @Test(arguments: [
        (#""member": "fra1", "word": "down", "reason": "x""#, [""]),
        (#""member": "fra1", "word": "down", "reason": "x", "for": "1h", "permanent": true"#, [""]),
        (#""word": "down", "reason": "x", "for": "1h""#, [""]),
        (
            #""member": "fra1", "members": ["fra1"], "word": "down", "reason": "x", "for": "1h""#,
            [""]
        ),
        (#""member": "fra1", "word": "off", "reason": "x", "for": "1h""#, ["/word"]),
        (#""member": "fra1", "word": "down", "for": "1h""#, [""]),
        (
            #""member": "fra1", "word": "down", "reason": "x", "until": "2001-01-01T00:00:00Z""#,
            ["/until"]
        ),
        (#""member": "fra1", "word": "down", "reason": "x", "for": "1""#, ["/for"]),
    ])
    func `an override that does not say what it means is refused`(
        words: String, places: [String]
    ) async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let answer = try await api.post(
                "/v1/overrides", #"{"policy": "acme-www", \#(words)}"#)

            #expect(answer.status == .unprocessableContent)
            #expect(answer.places == places, "\(answer.text)")
        }
    }

    @Test func `a member that does not exist is named`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let member = try await api.post(
                "/v1/overrides",
                """
                {"policy": "acme-www", "members": ["fra1", "lon1"], "word": "up", "reason": "x",
                 "for": "1h"}
                """)
            let policy = try await api.post(
                "/v1/overrides",
                #"{"policy": "nobody", "member": "a", "word": "up", "reason": "x", "for": "1h"}"#)
            let listed = try await api.get("/v1/overrides?policy=nobody")

            #expect(member.status == .notFound)
            #expect(member.places == ["/members/1"])
            #expect(policy.status == .notFound)
            #expect(listed.status == .notFound)
        }
    }
}
