import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct EventsTests {
    @Test func `what happened is listed newest first, of all kinds`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            try await api.turnUnhealthy("acme-www.fra1")
            _ = try await api.post(
                "/v1/overrides?message=ticket%2012",
                """
                {"policy": "acme-www", "member": "fra1", "word": "up", "reason": "x", "for": "1h"}
                """, as: .operate)
            _ = try await api.post(
                "/v1/policies/acme-www/freeze", #"{"reason": "launch", "for": "1h"}"#)

            let answer = try await api.get("/v1/events")
            let turn = try await api.get("/v1/events?type=health&limit=1")
            let override = try await api.get("/v1/events?type=override")

            #expect(answer.status == .ok)
            #expect(answer.types.first == "freeze")
            #expect(
                Set(answer.types) == ["freeze", "route", "override", "health", "edit"])
            #expect(turn.string("/items/0/check") == "acme-www.fra1")
            #expect(turn.string("/items/0/health_change/to") == "unhealthy")
            #expect(turn.string("/items/0/health_change/reason") == "connect_refused")
            #expect(turn.names("/items/0/policies") == ["acme-www"])
            #expect(override.string("/items/0/deed/actor") == api.actor(of: .operate))
            #expect(override.string("/items/0/deed/message") == "ticket 12")
            #expect(override.string("/items/0/deed/after/word") == "up")
            #expect(override.string("/items/0/member") == "fra1")
            #expect(!answer.text.contains("member_check"), "a document before or after an edit")
        }
    }

    @Test func `pages of events go on without gap or repetition while more happens`()
        async throws
    {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            try await api.turnUnhealthy("acme-www.fra1")
            let all = try await api.get("/v1/events").eventIDs

            var found: [String] = []
            var next: String? = ""
            while let cursor = next {
                let page = try await api.get(
                    "/v1/events?limit=2\(cursor.isEmpty ? "" : "&cursor=\(cursor)")")
                found += page.eventIDs
                next = page.string("/next_cursor")
                _ = try await api.post("/v1/checks", Samples.tcpCheck("more\(found.count)"))
            }

            #expect(all.count > 5)
            #expect(found == all)
        }
    }

    @Test func `events are found by type, policy, check, labels and time`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])
            api.clock.advance(by: .hours(3))
            try await api.makePool("two", sites: ["fra1"])
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            func subjects(_ query: String) async throws -> Set<String> {
                let answer = try await api.get("/v1/events?\(query)")
                #expect(answer.status == .ok, "\(answer.text)")
                return Set(
                    (answer["/items"]?.elements ?? []).compactMap {
                        ($0["check"] ?? $0["policy"])?.text
                    })
            }

            #expect(
                try await subjects("policy=one") == ["one", "one.fra1", "one.ams1"])
            #expect(try await subjects("check=one.fra1") == ["one.fra1"])
            #expect(try await subjects("type=route") == ["one", "two"])
            #expect(
                try await subjects("type=health&selector=site=fra1") == ["one.fra1", "two.fra1"])
            #expect(try await subjects("selector=customer=two,site") == ["two.fra1"])
            #expect(try await subjects("since=1h") == ["two", "two.fra1", "mail"])
            #expect(try await subjects("until=1h&type=route") == ["one"])
            #expect(
                try await subjects("since=2001-01-01T00:00:00+01:00&type=route&type=health")
                    == ["one", "two", "one.fra1", "one.ams1", "two.fra1"])
        }
    }

    @Test func `a selector finds its events among many others`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1"])
            for number in 0..<30 {
                _ = try await api.post("/v1/checks", Samples.tcpCheck("mail\(number)"))
            }

            let first = try await api.get("/v1/events?selector=customer=one&limit=1")
            let second = try await api.get(
                "/v1/events?selector=customer=one&limit=1"
                    + "&cursor=\(first.string("/next_cursor") ?? "")")

            #expect(first.eventIDs.count == 1)
            #expect(second.eventIDs.count == 1)
            #expect(first.eventIDs != second.eventIDs)
        }
    }

    @Test(arguments: [
        ("type=weather", "type"), ("since=yesterday", "since"), ("cursor=abc", "cursor"),
        ("selector=%3D", "selector"), ("check=A", "check"),
    ])
    func `a query that is not understood is refused`(query: String, place: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.get("/v1/events?\(query)")

            #expect(answer.status == .badRequest)
            #expect(answer.places == [place], "\(answer.text)")
        }
    }

    @Test func `what may be a time or a span is told as both where it is neither`() async throws {
        try await TestAPI.run { api in
            let answer = try await api.get("/v1/events?since=yesterday")
            let detail = try #require(answer.string("/errors/0/detail"))

            #expect(detail.contains("no RFC 3339 time"))
            #expect(detail.contains("; and "))
            #expect(answer["/errors"]?.elements?.count == 1)
        }
    }

    @Test func `an apply is one event, and what it did to a policy is told of the policy`()
        async throws
    {
        try await TestAPI.run { api in
            let applied = try await api.post(
                "/v1/apply?message=from%20git",
                """
                {"format": 1, "set": "shop", "policies": [\(Samples.policy)],
                 "checks": [\(Samples.tcpCheck("mail")), \(Samples.tcpCheck("web")), \(Samples.check)]}
                """)
            _ = try await api.patch("/v1/checks/mail", #"{"interval": "30s"}"#)

            let all = try await api.get("/v1/events?type=apply&type=edit")
            let ofPolicy = try await api.get("/v1/events?policy=acme-www&type=apply&type=edit")
            let ofCheck = try await api.get("/v1/events?check=mail&type=apply&type=edit")
            let byLabel = try await api.get("/v1/events?selector=customer%3Dacme&type=apply")

            #expect(applied.status == .ok, "\(applied.text)")
            #expect(all.types == ["edit", "apply"])
            #expect(all.string("/items/1/deed/object") == "shop")
            #expect(all.integer("/items/1/deed/after/created") == 6)
            #expect(all.string("/items/1/deed/message") == "from git")
            #expect(
                all.string("/items/1/deed/request_id")
                    == applied.headers[HTTPField.Name("X-Request-Id")!])
            #expect(ofPolicy.types.allSatisfy { $0 == "apply" })
            #expect(ofPolicy.string("/items/0/deed/action") == "policy.created")
            #expect(ofPolicy.string("/items/0/deed/document") == "shop")
            #expect(ofCheck.types == ["edit", "apply"])
            #expect(ofCheck.string("/items/0/deed/document") == nil)
            #expect(ofCheck.string("/items/1/deed/action") == "check.created")
            #expect(byLabel.string("/items/0/check") == "shop-login")
        }
    }

    @Test func `a policy or check that does not exist is not found`() async throws {
        try await TestAPI.run { api in
            let policy = try await api.get("/v1/events?policy=nobody")
            let check = try await api.get("/v1/events?check=nobody")

            #expect(policy.status == .notFound)
            #expect(check.status == .notFound)
        }
    }

    @Test func `an id that no event has ends no stream before it begins`() async throws {
        try await TestAPI.run { api in
            let answer = try await api.get(
                "/v1/events",
                headers: [
                    .accept: "text/event-stream", .init("Last-Event-ID")!: "7",  // a token
                ])

            #expect(answer.status == .badRequest)
            #expect(answer.places == ["Last-Event-ID"])
        }
    }
}

extension TestAnswer {
    fileprivate var types: [String] {
        (self["/items"]?.elements ?? []).compactMap { $0["type"]?.text }
    }

    fileprivate var eventIDs: [String] {
        (self["/items"]?.elements ?? []).compactMap { $0["id"]?.text }
    }
}
