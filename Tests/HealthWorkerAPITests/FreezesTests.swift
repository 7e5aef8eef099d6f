import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct FreezesTests {
    @Test func `a frozen policy keeps its route until it is thawed`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let frozen = try await api.post(
                "/v1/policies/acme-www/freeze", #"{"reason": "launch", "for": "2h"}"#, as: .operate)
            try await api.turnUnhealthy("acme-www.fra1")
            let meanwhile = try await api.get("/v1/routes/acme-www")
            let evaluation = try await api.get("/v1/policies/acme-www/evaluation")
            let thawed = try await api.post("/v1/policies/acme-www/thaw", as: .operate)
            let again = try await api.post("/v1/policies/acme-www/thaw", as: .operate)

            #expect(frozen.status == .ok)
            #expect(frozen.string("/freeze/reason") == "launch")
            #expect(frozen.string("/freeze/actor") == api.actor(of: .operate))
            #expect(meanwhile.names("/records") == ["fra1"])
            #expect(evaluation.string("/members/0/reason") == "frozen")
            #expect(thawed.names("/route/records") == ["ams1"])
            #expect(thawed["/freeze"] == nil)
            #expect(again.status == .conflict)
            #expect(again.string("/detail")?.contains("is not frozen") == true)
        }
    }

    @Test func `a freeze ends by itself and is shown no more`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            _ = try await api.post(
                "/v1/policies/acme-www/freeze", #"{"reason": "launch", "for": "1h"}"#)
            try await api.turnUnhealthy("acme-www.fra1")

            api.clock.advance(by: .hours(1))
            _ = try await PolicyEvaluator(storage: api.storage).evaluateDue(limit: 10)
            let evaluation = try await api.get("/v1/policies/acme-www/evaluation")

            #expect(evaluation["/freeze"] == nil)
            #expect(evaluation.names("/route/records") == ["ams1"])
        }
    }

    @Test func `who froze and who thawed is in the audit log`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            _ = try await api.post(
                "/v1/policies/acme-www/freeze?message=ticket%2012",
                #"{"reason": "launch", "permanent": true}"#, as: .operate)
            _ = try await api.post(
                "/v1/policies/acme-www/freeze", #"{"reason": "storm", "for": "2h"}"#, as: .operate)
            _ = try await api.post("/v1/policies/acme-www/thaw", as: .operate)

            let entries = try await api.storage.audit(before: nil, limit: 3)
            #expect(
                entries.map(\.action) == ["policy.thawed", "policy.frozen", "policy.frozen"])
            #expect(entries.map(\.message) == [nil, nil, "ticket 12"])
            #expect(entries[0].before?.contains("storm") == true)
            #expect(entries[1].before?.contains("launch") == true)
            #expect(entries[2].before == nil)
        }
    }

    @Test(arguments: [
        (#"{"for": "2h"}"#, [""]), (#"{"reason": "x"}"#, [""]),
        (#"{"reason": "x", "for": "2h", "permanent": true}"#, [""]),
        (#"{"reason": "x", "until": "2001-01-01T00:00:00Z"}"#, ["/until"]),
        (#"{"reason": "x", "untill": "2030-01-01T00:00:00Z"}"#, ["/untill"]),
    ])
    func `a freeze that does not say what it means is refused`(
        body: String, places: [String]
    ) async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let answer = try await api.post("/v1/policies/acme-www/freeze", body)

            #expect(answer.status == .unprocessableContent)
            #expect(answer.places == places, "\(answer.text)")
        }
    }

    @Test func `a key that only reads cannot freeze`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()

            let answer = try await api.post(
                "/v1/policies/acme-www/freeze", #"{"reason": "x", "for": "1h"}"#, as: .read)

            #expect(answer.status == .forbidden)
        }
    }
}
