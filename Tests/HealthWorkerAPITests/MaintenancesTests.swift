import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct MaintenancesTests {
    private static func body(
        _ selector: String = "site=fra1", _ more: String = #""for": "2h""#
    ) -> String {
        #"{"selector": "\#(selector)", "reason": "switches", \#(more)}"#
    }

    @Test func `members of every policy drain before it is answered, and health is shown`()
        async throws
    {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])
            try await api.makePool("two", sites: ["fra1", "ams1"])

            let ordered = try await api.post("/v1/maintenances", Self.body(), as: .operate)
            let routes = try await api.get("/v1/routes")
            let evaluation = try await api.get("/v1/policies/one/evaluation")
            let got = try await api.get(ordered.headers[.location] ?? "")

            #expect(ordered.status == .created, "\(ordered.text)")
            #expect(ordered.string("/state") == "active")
            #expect(ordered.string("/actor") == api.actor(of: .operate))
            #expect(ordered.string("/until") == (api.clock.now + .hours(2)).description)
            #expect(
                (ordered["/members"]?.elements ?? []).compactMap { $0["policy"]?.text }
                    == ["one", "two"])
            #expect(routes.names("/items/0/records") == ["ams1"])
            #expect(routes.names("/items/1/records") == ["ams1"])
            #expect(routes.string("/items/0/cause") == "maintenance")
            #expect(evaluation.string("/members/0/reason") == "maintenance")
            #expect(evaluation.string("/members/0/measured") == "healthy")
            #expect(evaluation.string("/members/0/maintenance/reason") == "switches")
            #expect(evaluation.string("/members/0/quiet") == "maintenance")
            #expect(evaluation.string("/look_again_at") == ordered.string("/until"))
            #expect(got.text == ordered.text)
        }
    }

    @Test func `one that is to come begins and ends by itself, in any time zone`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])
            // 2027-01-15T08:00:00Z is what the clock stands at, but for the probes.
            let ordered = try await api.post(
                "/v1/maintenances",
                Self.body(
                    "site=fra1",
                    #""starts_at": "2027-01-15T11:00:00+01:00", "until": "2027-01-15T06:00:00-05:00""#
                ))
            let upcoming = try await api.get("/v1/maintenances?state=upcoming")
            let before = try await api.get("/v1/routes/one")

            func pass(_ duration: Duration) async throws -> TestAnswer {
                api.clock.advance(by: duration)
                _ = try await PolicyEvaluator(storage: api.storage).evaluateDue(limit: 9)
                return try await api.get("/v1/routes/one")
            }
            let during = try await pass(.hours(2))
            let active = try await api.get("/v1/maintenances?state=active")
            let after = try await pass(.hours(1))
            let past = try await api.get("/v1/maintenances?state=past")

            #expect(ordered.status == .created, "\(ordered.text)")
            #expect(ordered.string("/starts_at") == "2027-01-15T10:00:00Z")
            #expect(ordered.string("/until") == "2027-01-15T11:00:00Z")
            #expect(upcoming.string("/items/0/state") == "upcoming")
            #expect(before.names("/records") == ["fra1", "ams1"])
            #expect(during.names("/records") == ["ams1"])
            #expect(active["/items"]?.elements?.count == 1)
            #expect(after.names("/records") == ["fra1", "ams1"])
            #expect(past["/items"]?.elements?.count == 1)
        }
    }

    @Test func `it is changed and ended early, and one to come is called off`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])
            let active = try await api.post("/v1/maintenances", Self.body())
            let id = try #require(active.integer("/id"))
            let start = api.clock.now + .hours(9)
            let upcoming = try await api.post(
                "/v1/maintenances",
                Self.body("site=ams1", #""for": "1h", "starts_at": "\#(start)""#))
            let later = try #require(upcoming.integer("/id"))
            let end = (api.clock.now + .hours(3)).description

            let changed = try await api.patch(
                "/v1/maintenances/\(id)", #"{"until": "\#(end)", "reason": "cables"}"#)
            let evaluation = try await api.get("/v1/policies/one/evaluation")
            let ended = try await api.delete("/v1/maintenances/\(id)?message=done")
            let route = try await api.get("/v1/routes/one")
            let again = try await api.delete("/v1/maintenances/\(id)")
            let toOld = try await api.patch("/v1/maintenances/\(id)", #"{"reason": "x"}"#)
            let calledOff = try await api.delete("/v1/maintenances/\(later)")
            let gone = try await api.get("/v1/maintenances/\(later)")
            let events = try await api.get("/v1/events?type=maintenance")
            let ofPolicy = try await api.get("/v1/events?type=maintenance&policy=one")

            #expect(changed.string("/until") == end)
            #expect(changed.string("/reason") == "cables")
            #expect(evaluation.string("/members/0/maintenance/until") == end)
            #expect(ended.status == .ok)
            #expect(ended.string("/state") == "past")
            #expect(route.names("/records") == ["fra1", "ams1"])
            #expect(again.status == .conflict)
            #expect(toOld.status == .conflict)
            #expect(calledOff.string("/selector") == "site=ams1")
            #expect(gone.status == .notFound)
            func actions(_ answer: TestAnswer) -> [String] {
                (answer["/items"]?.elements ?? []).compactMap { $0["deed"]?["action"]?.text }
            }
            #expect(
                actions(events) == [
                    "maintenance.ended", "policy.maintenance_ended", "maintenance.ended",
                    "maintenance.changed", "maintenance.ordered", "policy.maintenance_began",
                    "maintenance.ordered",
                ])
            #expect(
                actions(ofPolicy) == ["policy.maintenance_ended", "policy.maintenance_began"])
            #expect(events.string("/items/2/deed/message") == "done")
            #expect(ofPolicy.string("/items/0/policy") == "one")
        }
    }

    @Test func `one that would leave nobody is refused, unless glass is broken`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])
            try await api.makePool("two", sites: ["fra1"])

            let refused = try await api.post("/v1/maintenances", Self.body())
            let none = try await api.get("/v1/maintenances")
            let route = try await api.get("/v1/routes/one")
            let forced = try await api.post(
                "/v1/maintenances", Self.body("site=fra1", #""for": "2h", "break_glass": true"#))
            let empty = try await api.get("/v1/routes/two")
            let id = try #require(forced.integer("/id"))
            _ = try await api.patch("/v1/maintenances/\(id)", #"{"break_glass": false}"#)
            let longer = try await api.patch(
                "/v1/maintenances/\(id)", #"{"until": "\#(api.clock.now + .hours(5))"}"#)

            #expect(refused.status == .conflict)
            #expect(refused.string("/detail")?.contains("policy two") == true)
            #expect(refused.string("/detail")?.contains("break_glass") == true)
            #expect(none["/items"]?.elements?.isEmpty == true)
            #expect(route.names("/records") == ["fra1", "ams1"])
            #expect(forced.status == .created)
            #expect(forced["/break_glass"]?.bool == true)
            #expect(empty.names("/records") == [])
            #expect(longer.status == .conflict)
        }
    }

    @Test(arguments: [
        (#""selector": "site=fra1", "reason": "x""#, [""]),
        (
            #""selector": "site=fra1", "reason": "x", "for": "1h", "until": "2099-01-01T00:00:00Z""#,
            [""]
        ),
        (#""selector": "=x", "reason": "x", "for": "1h""#, ["/selector"]),
        (#""reason": "x", "for": "1h""#, [""]),
        (#""selector": "site=fra1", "for": "1h""#, [""]),
        (#""selector": "site=fra1", "reason": "x", "for": "721h""#, ["/for"]),
        (#""selector": "site=fra1", "reason": "x", "until": "2001-01-01T00:00:00Z""#, ["/until"]),
        (#""selector": "site=fra1", "reason": "x", "until": "2099-01-01T00:00:00Z""#, ["/until"]),
        (
            #""selector": "site=fra1", "reason": "x", "starts_at": "2098-12-31T00:00:00Z", "until": "2098-12-30T00:00:00Z""#,
            ["/until"]
        ),
        (
            #""selector": "site=fra1", "reason": "x", "for": "1h", "starts_at": "soon""#,
            ["/starts_at"]
        ),
    ])
    func `one that does not say what it means is refused`(
        words: String, places: [String]
    ) async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])

            let answer = try await api.post("/v1/maintenances", "{\(words)}")

            #expect(answer.status == .unprocessableContent, "\(answer.text)")
            #expect(answer.places == places, "\(answer.text)")
        }
    }

    @Test func `labels that no member has, and ends that are over, are refused`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])
            let ordered = try await api.post("/v1/maintenances", Self.body())
            let id = try #require(ordered.integer("/id"))

            let nobody = try await api.post("/v1/maintenances", Self.body("site=lon1"))
            let over = try await api.patch(
                "/v1/maintenances/\(id)", #"{"until": "\#(api.clock.now - .seconds(1))"}"#)
            let missing = try await api.patch("/v1/maintenances/99", #"{"reason": "x"}"#)

            #expect(nobody.status == .notFound)
            #expect(nobody.places == ["/selector"])
            #expect(over.status == .unprocessableContent)
            #expect(over.places == ["/until"])
            #expect(missing.status == .notFound)
        }
    }

    @Test func `a key of a set means members of its set, also those that come later`() async throws
    {
        try await TestAPI.run { api in
            let (key, text) = KeyMint.mint(
                role: .operate, name: "shop", sets: ["shop"], now: api.clock.now)
            try await api.storage.insertKey(key)
            let headers: HTTPFields = [.authorization: "Bearer \(text)"]
            func pool(_ name: String, _ site: String, set: String) async throws {
                _ = try await api.post(
                    "/v1/policies?set=\(set)",
                    """
                    {"name": "\(name)", "type": "simple", "members": [
                      {"name": "a", "value": "192.0.2.1", "labels": {"site": "\(site)"}},
                      {"name": "b", "value": "192.0.2.2"}]}
                    """)
            }
            try await pool("first", "fra1", set: "shop")
            let theirs = try await api.post("/v1/maintenances", Self.body())
            let id = try #require(theirs.integer("/id"))
            _ = try await api.delete("/v1/maintenances/\(id)")

            let ordered = try await api.post(
                "/v1/maintenances", Self.body(), as: nil, headers: headers)
            try await pool("second", "fra1", set: "web")
            let routes = try await api.get("/v1/routes")
            let refused = try await api.post(
                "/v1/maintenances", Self.body(), as: nil, headers: headers)
            let all = try await api.post("/v1/maintenances", Self.body())
            let allID = try #require(all.integer("/id"))
            let ending = try await api.send(
                .delete, "/v1/maintenances/\(allID)", as: nil, headers: headers)
            let own = try await api.send(
                .delete, "/v1/maintenances/\(ordered.integer("/id") ?? 0)", as: nil,
                headers: headers)

            #expect(ordered.names("/sets") == ["shop"])
            #expect(routes.names("/items/0/records") == ["b"])
            #expect(routes.names("/items/1/records") == ["a", "b"])
            #expect(refused.status == .forbidden)
            #expect(ending.status == .forbidden)
            #expect(own.status == .ok)
        }
    }

    @Test func `pages of maintenances go on, newest first, and only operators order them`()
        async throws
    {
        try await TestAPI.run { api in
            try await api.makePool("one", sites: ["fra1", "ams1"])
            for _ in 1...3 { _ = try await api.post("/v1/maintenances", Self.body()) }

            let page = try await api.get("/v1/maintenances?limit=2")
            let rest = try await api.get(
                "/v1/maintenances?limit=2&cursor=\(page.string("/next_cursor") ?? "")")
            let forbidden = try await api.post("/v1/maintenances", Self.body(), as: .read)

            #expect(page["/items"]?.elements?.compactMap { $0["id"]?.integer } == [3, 2])
            #expect(rest["/items"]?.elements?.compactMap { $0["id"]?.integer } == [1])
            #expect(rest.string("/next_cursor") == nil)
            #expect(forbidden.status == .forbidden)
        }
    }

    // MARK: - Dependencies

    @Test func `what a check depends on is refused where it cannot be, with its place`()
        async throws
    {
        try await TestAPI.run { api in
            func check(_ name: String, _ parents: [String]) -> String {
                let list = parents.map { "\"\($0)\"" }.joined(separator: ", ")
                return """
                    {"name": "\(name)", "type": "tcp", "target": {"host": "192.0.2.7", "port": 25},
                     "depends_on": [\(list)]}
                    """
            }
            _ = try await api.post("/v1/checks", check("router", []))
            let made = try await api.post("/v1/checks", check("web", ["router"]))

            let missing = try await api.post("/v1/checks", check("x", ["router", "nobody"]))
            let itself = try await api.post("/v1/checks", check("x", ["x"]))
            let circle = try await api.put("/v1/checks/router", check("router", ["web"]))
            let twice = try await api.post("/v1/checks", check("x", ["router", "router"]))
            let kept = try await api.delete("/v1/checks/router")
            _ = try await api.post("/v1/checks/router/rename", #"{"to": "edge"}"#)
            let renamed = try await api.get("/v1/checks/web")

            #expect(made.status == .created)
            #expect(missing.status == .conflict)
            #expect(missing.places == ["/depends_on/1"])
            #expect(itself.status == .unprocessableContent)
            #expect(itself.places == ["/depends_on/0"])
            #expect(circle.status == .conflict)
            #expect(circle.places == ["/depends_on/0"])
            #expect(circle.string("/detail")?.contains("router → web → router") == true)
            #expect(twice.status == .unprocessableContent)
            #expect(kept.status == .conflict)
            #expect(kept.string("/detail")?.contains("web") == true)
            #expect(renamed.names("/depends_on") == ["edge"])
        }
    }

    @Test func `what explains an unhealthy check is observed, and told with the member`()
        async throws
    {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("router"))
            try await api.makePool("one", sites: ["fra1", "ams1"])
            let parents = #"{"member_check": {"depends_on": ["router"]}}"#
            let patched = try await api.patch("/v1/policies/one", parents)
            try await api.turnUnhealthy("router")
            try await api.turnUnhealthy("one.fra1")

            let check = try await api.get("/v1/checks/one.fra1")
            let other = try await api.get("/v1/checks/one.ams1")
            let evaluation = try await api.get("/v1/policies/one/evaluation")
            let changes = try await api.get("/v1/routes/one/changes?limit=1")

            #expect(patched.status == .ok, "\(patched.text)")
            #expect(check.names("/observed/explained_by") == ["router"])
            #expect(other["/observed/explained_by"] == nil)
            #expect(evaluation.names("/members/0/explained_by") == ["router"])
            #expect(changes.string("/items/0/members/0/quiet") == "explained")
        }
    }
}
