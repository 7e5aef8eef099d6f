import Foundation
import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerSecrets
import HealthWorkerStorage
import Testing

@Suite struct AuditTests {
    private func actions(_ answer: TestAnswer) -> [String] {
        (answer["/items"]?.elements ?? []).compactMap { $0["action"]?.text }
    }

    @Test func `every operation that writes leaves an entry with its request's id`() async throws {
        let keys = try SealingKeys([Data(count: 32).base64EncodedString()])
        try await TestAPI.run(sealing: keys) { api in
            try await api.makeRoutedPolicy()
            let writes: [(HTTPTypes.HTTPRequest.Method, String, String?)] = [
                (.post, "/v1/checks", Samples.tcpCheck("new")),
                (.put, "/v1/checks/new", Samples.tcpCheck("new", interval: "31s")),
                (.patch, "/v1/checks/new", #"{"interval": "32s"}"#),
                (.post, "/v1/checks/new/rename", #"{"to": "newer"}"#),
                (.delete, "/v1/checks/newer", nil),
                (
                    .post, "/v1/overrides",
                    """
                    {"policy": "acme-www", "member": "fra1", "word": "up", "reason": "x", "for": "1h"}
                    """
                ),
                (.put, "/v1/settings/worker/all", #"{"paused": true}"#),
                (.delete, "/v1/settings/worker/all", nil),
                (
                    .post, "/v1/apply",
                    #"{"format": 1, "set": "s", "checks": [\#(Samples.tcpCheck("applied"))]}"#
                ),
                (.put, "/v1/secrets/token", #"{"value": "0123"}"#),
                (.put, "/v1/secrets/token", #"{"value": "4567"}"#),
                (.delete, "/v1/secrets/token", nil),
                (.post, "/v1/keys", #"{"name": "deploy", "role": "read"}"#),
                (.post, "/v1/keys/\(api.id(of: .read))/rotate", nil),
                (.delete, "/v1/keys/\(api.id(of: .operate))", nil),
            ]
            for (method, path, body) in writes {
                let type = method == .patch ? "application/merge-patch+json" : "application/json"
                let answer = try await api.send(
                    method, "\(path)?message=because", body: body, type: type)
                #expect(answer.status.code < 300, "\(method) \(path): \(answer.text)")

                let newest = try await api.get("/v1/audit?limit=1")

                #expect(
                    newest.string("/items/0/request_id") == answer.headers[.requestID],
                    "\(method) \(path)")
                #expect(
                    newest.string("/items/0/actor") == api.actor(of: .admin), "\(method) \(path)")
                #expect(newest.string("/items/0/message") == "because", "\(method) \(path)")
            }
        }
    }

    @Test func `entries are found by who, what, which object and when`() async throws {
        try await TestAPI.run { api in
            for name in ["a", "b"] {
                _ = try await api.post("/v1/checks", Samples.tcpCheck(name), as: .write)
            }
            api.clock.advance(by: .hours(1))
            let since = api.clock.now.description
            _ = try await api.delete("/v1/checks/a")

            let byActor = try await api.get("/v1/audit?actor=\(api.actor(of: .write))")
            let byAction = try await api.get("/v1/audit?action=check.created&limit=1")
            let next = try await api.get(
                "/v1/audit?action=check.created&cursor=\(byAction.string("/next_cursor") ?? "")")
            let byObject = try await api.get("/v1/audit?object=a")
            let byTime = try await api.get("/v1/audit?since=\(since)")
            let nothing = try await api.get("/v1/audit?object=a&actor=nobody")
            let wrong = try await api.get("/v1/audit?since=yesterday")

            #expect(actions(byActor) == ["check.created", "check.created"])
            #expect(byAction.string("/items/0/object") == "b")
            #expect(next.string("/items/0/object") == "a")
            #expect(actions(byObject) == ["check.deleted", "check.created"])
            #expect(actions(byTime) == ["check.deleted"])
            #expect(actions(nothing) == [])
            #expect(wrong.status == .badRequest)
            #expect(wrong.places == ["since"])
        }
    }
}
