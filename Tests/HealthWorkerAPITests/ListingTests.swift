import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import Testing

@Suite struct ListingTests {
    @Test func `pages show each check once although others come and go`() async throws {
        try await TestAPI.run { api in
            for number in 10..<20 {
                _ = try await api.post("/v1/checks", Samples.tcpCheck("c\(number)"))
            }

            let first = try await api.get("/v1/checks?limit=4")
            _ = try await api.post("/v1/checks", Samples.tcpCheck("c00"))
            _ = try await api.delete("/v1/checks/c13")
            let second = try await api.get(
                "/v1/checks?limit=4&cursor=\(first.string("/next_cursor") ?? "")")
            let third = try await api.get(
                "/v1/checks?limit=4&cursor=\(second.string("/next_cursor") ?? "")")

            #expect(first.names() == ["c10", "c11", "c12", "c13"])
            #expect(second.names() == ["c14", "c15", "c16", "c17"])
            #expect(third.names() == ["c18", "c19"])
            #expect(third["/next_cursor"] == nil)
            #expect(
                first.headers[HTTPField.Name("Link")!]?.hasPrefix("</v1/checks?limit=4&cursor=")
                    == true)
            #expect(third.headers[HTTPField.Name("Link")!] == nil)
        }
    }

    @Test func `checks are found by set, type, health and labels`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks?set=shop", Samples.check)
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            try await api.probe("mail", .success)

            for (query, names) in [
                ("set=shop", ["shop-login"]), ("type=tcp", ["mail"]),
                ("health=healthy", ["mail"]), ("selector=customer%3Dacme", ["shop-login"]),
                ("selector=customer=acme", ["shop-login"]), ("selector=customer=other", []),
                ("selector=customer=acme,tier!=gold", ["shop-login"]),
                ("selector=customer%20in%20(acme,other)", ["shop-login"]),
                ("selector=customer+in+(acme,other)", ["shop-login"]),
                ("selector=!customer", ["mail"]), ("", ["mail", "shop-login"]),
            ] {
                let answer = try await api.get("/v1/checks?\(query)")
                #expect(answer.names() == names, "\(query)")
            }
        }
    }

    @Test(arguments: [
        ("/v1/checks?limit=0", "limit"), ("/v1/checks?limit=501", "limit"),
        ("/v1/checks?limit=many", "limit"), ("/v1/checks?limit=1&limit=2", "limit"),
        ("/v1/checks?cursor=abc", "cursor"), ("/v1/checks?cursor=%2F", "cursor"),
        ("/v1/checks?health=fine", "health"), ("/v1/checks?selector=a%20b", "selector"),
        ("/v1/checks?halth=healthy", "halth"), ("/v1/queue?verbose=1", "verbose"),
        ("/v1/checks?set=A", "set"),
    ])
    func `a query that is not understood is refused`(uri: String, parameter: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.get(uri)

            #expect(answer.status == .badRequest)
            #expect(answer.kind == "invalid-parameter")
            #expect(answer.places == [parameter], "\(answer.text)")
        }
    }

    @Test func `a misspelt query parameter comes back with a suggestion`() async throws {
        try await TestAPI.run { api in
            let answer = try await api.get("/v1/checks?halth=healthy")
            let alone = try await api.get("/v1/queue?verbose=1")

            #expect(answer.string("/errors/0/suggestion") == "`health`")
            #expect(answer.text.contains("is no known parameter here"), "\(answer.text)")
            #expect(alone.text.contains("is no known parameter here: remove it"), "\(alone.text)")
            #expect(!alone.text.contains("write one of"), "\(alone.text)")
        }
    }

    @Test(arguments: ["/v1/checks", "/v1/policies", "/v1/routes", "/v1/events", "/v1/audit"])
    func `a page that the caller has is not sent again`(_ path: String) async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])
            let known = try await api.get("\(path)?limit=1")
            let tag = try #require(known.headers[.eTag])

            let same = try await api.get("\(path)?limit=1", headers: [.ifNoneMatch: tag])
            let listed = try await api.get(
                "\(path)?limit=1", headers: [.ifNoneMatch: "\"x\", W/\(tag)"])
            try await api.makePool("a-new-one", sites: ["lon1"])
            let after = try await api.get("\(path)?limit=1", headers: [.ifNoneMatch: tag])

            for answer in [same, listed] {
                #expect(answer.status == .notModified)
                #expect(answer.headers[.eTag] == tag)
                #expect(answer.text.isEmpty)
            }
            #expect(after.status == .ok)
            #expect(after.headers[.eTag] != tag)
        }
    }

    @Test func `a page that stays as it is shows what is observed anew`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            let tag = try #require(try await api.get("/v1/checks").headers[.eTag])

            try await api.probe("mail", .success)

            let probed = try await api.get("/v1/checks", headers: [.ifNoneMatch: tag])
            #expect(probed.status == .ok)
            #expect(probed.string("/items/0/observed/health") == "healthy")
        }
    }

    @Test func `a cursor is good for its own listing only`() async throws {
        try await TestAPI.run { api in
            for name in ["a", "b"] {
                _ = try await api.post("/v1/checks", Samples.tcpCheck(name))
            }
            let page = try await api.get("/v1/checks?limit=1")

            let answer = try await api.get(
                "/v1/policies?cursor=\(page.string("/next_cursor") ?? "")")

            #expect(answer.status == .badRequest)
            #expect(answer.places == ["cursor"])
        }
    }
}
