import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct GuardTests {
    /// A detach policy of twelve members, seven of which turned unhealthy at once.
    private func run(_ test: @Sendable (TestAPI) async throws -> Void) async throws {
        try await TestAPI.run { api in
            let sites = (0..<12).map { "s\($0)" }
            try await api.makePool("pool", sites: sites)
            try await api.fail(sites.prefix(7).map { "pool.\($0)" })
            _ = try await PolicyEvaluator(storage: api.storage).evaluateDue(limit: 99)
            try await test(api)
        }
    }

    @Test func `what is held is told where the policy is told`() async throws {
        try await run { api in
            let list = try await api.get("/v1/guard")
            let policy = try await api.get("/v1/policies/pool")
            let evaluation = try await api.get("/v1/policies/pool/evaluation")
            let events = try await api.get("/v1/events?type=hold")

            #expect(list["/items"]?.elements?.count == 7)
            #expect(list.string("/items/0/policy") == "pool")
            #expect(list.string("/items/0/member") == "s0")
            #expect(list.string("/items/0/by") == "guard")
            #expect(list.string("/items/0/until") != nil)
            #expect(policy["/observed/held"]?.elements?.count == 7)
            #expect(policy["/observed/route/records"]?.elements?.count == 12)
            #expect(evaluation["/held"]?.elements?.count == 7)
            #expect(evaluation.string("/members/0/reason") == "held")
            #expect(evaluation.string("/members/0/measured") == "unhealthy")
            #expect(events["/items"]?.elements?.count == 1)
            #expect(events.string("/items/0/deed/action") == "policy.held")
            #expect(events.string("/items/0/deed/actor") == "guard")
            #expect(events["/items/0/deed/after/members"]?.elements?.count == 7)
        }
    }

    @Test func `who may operate releases a policy, and is named`() async throws {
        try await run { api in
            let forbidden = try await api.post("/v1/policies/pool/release", as: .read)
            let released = try await api.post(
                "/v1/policies/pool/release?message=it%20burns", as: .operate)
            let again = try await api.post("/v1/policies/pool/release", as: .operate)
            let events = try await api.get("/v1/events?type=hold&limit=1")

            #expect(forbidden.status == .forbidden)
            #expect(released.names("/route/records") == (7..<12).map { "s\($0)" })
            #expect(released["/held"]?.elements?.isEmpty == true)
            #expect(again.status == .conflict)
            #expect(again.string("/detail")?.contains("holds no member") == true)
            #expect(events.string("/items/0/deed/action") == "policy.released")
            #expect(events.string("/items/0/deed/actor") == api.actor(of: .operate))
            #expect(events.string("/items/0/deed/message") == "it burns")
        }
    }

    @Test func `all that is held is released at once, and then there is nothing to do`()
        async throws
    {
        try await run { api in
            let released = try await api.post("/v1/guard/release", as: .operate)
            let again = try await api.post("/v1/guard/release", as: .operate)
            let list = try await api.get("/v1/guard")

            #expect(released.names("/policies") == ["pool"])
            #expect(again.status == .conflict)
            #expect(list["/items"]?.elements?.isEmpty == true)
        }
    }

    @Test func `safety budgets are set, listed and taken away`() async throws {
        try await TestAPI.run { api in
            let set = try await api.put(
                "/v1/budgets/fra1", #"{"selector": "site=fra1", "at_most": 2, "window": "1h"}"#)
            let percent = try await api.put(
                "/v1/budgets/all", #"{"selector": "", "at_most_percent": 20, "window": "5m"}"#)
            let whole = try await api.put(
                "/v1/budgets/all",
                #"{"selector": "site", "at_most_percent": 20, "window": "5m"}"#)
            let both = try await api.put(
                "/v1/budgets/both",
                #"{"selector": "a=b", "at_most": 1, "at_most_percent": 20, "window": "5m"}"#)
            let wrong = try await api.put(
                "/v1/budgets/wrong", #"{"selector": "a=b", "at_most": -1, "window": "2d"}"#)
            let reader = try await api.put(
                "/v1/budgets/fra1", #"{"selector": "site=fra1", "at_most": 2, "window": "1h"}"#,
                as: .operate)
            let list = try await api.get("/v1/budgets")
            let gone = try await api.delete("/v1/budgets/fra1")
            let missing = try await api.get("/v1/budgets/fra1")
            let twice = try await api.delete("/v1/budgets/fra1")

            #expect(set.string("/selector") == "site=fra1")
            #expect(set.integer("/at_most") == 2)
            #expect(percent.places == ["/selector"])
            #expect(whole.integer("/at_most_percent") == 20)
            #expect(both.status == .unprocessableContent)
            #expect(Set(wrong.places) == ["/at_most", "/window"])
            #expect(reader.status == .forbidden)
            #expect(list.names() == ["all", "fra1"])
            #expect(gone.status == .noContent)
            #expect(missing.status == .notFound)
            #expect(twice.status == .notFound)
        }
    }

    @Test func `beyond a budget a member stays, and the answer names the budget`() async throws {
        try await TestAPI.run { api in
            try await api.makePool("pool", sites: ["a", "b", "c"])
            _ = try await api.put(
                "/v1/budgets/acme", #"{"selector": "customer=pool", "at_most": 1, "window": "1h"}"#)
            try await api.turnUnhealthy("pool.a")
            try await api.turnUnhealthy("pool.b")

            let policy = try await api.get("/v1/policies/pool")
            let released = try await api.post("/v1/guard/release", as: .operate)
            let after = try await api.get("/v1/routes/pool")

            #expect(policy.names("/observed/route/records") == ["b", "c"])
            #expect(policy.string("/observed/held/0/by") == "budget acme")
            #expect(policy["/observed/held/0/until"] == nil)
            #expect(released.names("/policies") == ["pool"])
            #expect(after.names("/records") == ["c"])
        }
    }

    @Test func `listings say whether a policy would get over a loss, and what is in the way`()
        async throws
    {
        try await TestAPI.run { api in
            try await api.makePool("pair", sites: ["a", "b"])
            try await api.makePool("single", sites: ["a"])

            let list = try await api.get("/v1/policies")
            let single = try await api.get("/v1/policies/single")
            _ = try await api.post(
                "/v1/overrides",
                #"{"policy": "pair", "member": "a", "word": "up", "reason": "r", "for": "1h"}"#)
            let forced = try await api.get("/v1/policies?selector=customer%3Dpair")
            let evaluation = try await api.get("/v1/policies/pair/evaluation")

            #expect(list["/items/0/observed/protected"]?.bool == true)
            #expect(list["/items/0/observed/exposures"]?.elements?.isEmpty == true)
            #expect(list["/items/1/observed/protected"]?.bool == false)
            #expect(list.string("/items/1/observed/exposures/0/reason") == "no_spare")
            #expect(list.names("/items/1/observed/exposures/0/members") == ["a"])
            #expect(single["/observed/protected"]?.bool == false)
            #expect(forced.string("/items/0/observed/exposures/0/reason") == "forced")
            #expect(
                evaluation["/exposures"]?.json() == forced["/items/0/observed/exposures"]?.json())
        }
    }
}

extension TestAPI {
    /// These turn unhealthy, all within a second.
    fileprivate func fail(_ names: [String]) async throws {
        let checks = try await storage.checks(named: names)
        for check in checks { try await storage.enqueueNow(check.id) }
        clock.advance(by: .seconds(1))
        let wanted = Set(checks.map(\.id))
        let claims = try await storage.claim(ClaimRequest(limit: 9999))
        _ = try await storage.release(claims.filter { !wanted.contains($0.check) }.map(\.reference))
        let batch = claims.filter { wanted.contains($0.check) }.map { claim in
            var decision = HealthTracker.Decision(state: claim.base)
            decision.state.health = .unhealthy
            decision.turn = HealthTurn(
                from: .healthy, to: .unhealthy, cause: .fall, reason: .connectRefused)
            return Completion(
                claim: claim, epoch: claim.base.epoch,
                report: ProbeReport(outcome: .failure(.connectRefused)), decision: decision,
                age: .zero)
        }
        #expect(try await storage.complete(batch).turned.count == names.count)
    }
}
