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
            #expect(set.string("/items/0/actor") == api.actor(of: .operate))
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
            #""member": "fra1", "selector": "site", "word": "down", "reason": "x", "for": "1h""#,
            [""]
        ),
        (#""selector": "=x", "word": "down", "reason": "x", "for": "1h""#, ["/selector"]),
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

    @Test func `a selector means members of every policy, all or none`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])
            try await api.makePool("two", sites: ["fra1", "ams1"])
            try await api.makePool("three", sites: ["fra1"])
            func drain(_ more: String) -> String {
                #"{"word": "drain", "reason": "move", "for": "1h", \#(more)}"#
            }

            let refused = try await api.post("/v1/overrides", drain(#""selector": "site=fra1""#))
            let none = try await api.get("/v1/overrides")
            let ofOne = try await api.post(
                "/v1/overrides", drain(#""selector": "site=fra1", "policy": "one""#))
            let set = try await api.post(
                "/v1/overrides", drain(#""selector": "site=fra1,customer!=three""#), as: .operate)
            let routes = try await api.get("/v1/routes")
            let nobody = try await api.post("/v1/overrides", drain(#""selector": "site=lon1""#))

            #expect(refused.status == .conflict)
            #expect(refused.string("/detail")?.contains("policy three") == true)
            #expect(refused.string("/detail")?.contains("break_glass") == true)
            #expect(none["/items"]?.elements?.isEmpty == true)
            #expect(ofOne["/items"]?.elements?.count == 1)
            #expect(set.status == .created)
            #expect(
                (set["/items"]?.elements ?? []).compactMap { $0["policy"]?.text } == ["one", "two"])
            #expect(routes.names("/items/0/records") == ["ams1"])
            #expect(nobody.status == .notFound)
            #expect(nobody.places == ["/selector"])
        }
    }

    @Test func `overrides are found and cleared by policy, member and labels`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1", "lon1"])
            try await api.makePool("two", sites: ["fra1", "ams1", "lon1"])
            for (selector, word) in [("site in (fra1,ams1)", "drain"), ("site=lon1", "up")] {
                _ = try await api.post(
                    "/v1/overrides",
                    """
                    {"selector": "\(selector)", "word": "\(word)", "reason": "x",
                     "permanent": true}
                    """)
            }
            func count(_ query: String) async throws -> Int? {
                try await api.get("/v1/overrides?\(query)")["/items"]?.elements?.count
            }

            #expect(try await count("") == 6)
            #expect(try await count("selector=site=fra1") == 2)
            #expect(try await count("selector=customer=one,site!=lon1") == 2)
            #expect(try await count("policy=two&member=ams1") == 1)
            #expect(try await count("policy=two&member=ams1&member=fra1") == 2)
            #expect(try await count("word=up") == 2)
            let page = try await api.get("/v1/overrides?limit=4")
            let rest = try await api.get(
                "/v1/overrides?cursor=\(page.string("/next_cursor") ?? "")")
            #expect(rest["/items"]?.elements?.count == 2)

            let all = try await api.delete("/v1/overrides")
            let cleared = try await api.delete("/v1/overrides?selector=site=fra1")
            let again = try await api.delete("/v1/overrides?selector=site=fra1")
            let ofTwo = try await api.delete("/v1/overrides?policy=two&member=lon1&member=ams1")

            #expect(all.status == .badRequest)
            #expect(all.places == ["policy"])
            #expect(cleared["/items"]?.elements?.count == 2)
            #expect(again.status == .conflict)
            #expect(ofTwo["/items"]?.elements?.count == 2)
            #expect(try await count("") == 2)
            #expect(try await api.get("/v1/routes/one").names("/records").contains("fra1"))
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
