import Foundation
import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerSecrets
import HealthWorkerStorage
import Testing

@Suite struct SecretsTests {
    private static func key(_ byte: UInt8) -> String {
        Data(repeating: byte, count: 32).base64EncodedString()
    }

    private func run(
        keys: [String] = [Self.key(1)], _ test: @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await TestAPI.run(sealing: try SealingKeys(keys)) { api in
            try await test(api)
            #expect(!api.log.joined.contains("planted"))
        }
    }

    private static let user = """
        {"name": "shop", "type": "http", "target": {"host": "192.0.2.7"},
         "http": {"secret_headers": {"Authorization": "secret:token"}}}
        """

    @Test func `a value goes in, is sealed and never comes out`() async throws {
        try await run { api in
            let created = try await api.put(
                "/v1/secrets/token?message=new", #"{"value": "planted one"}"#)
            let updated = try await api.put("/v1/secrets/token", #"{"value": "planted two"}"#)
            _ = try await api.post("/v1/checks", Self.user)
            let list = try await api.get("/v1/secrets")
            let one = try await api.get("/v1/secrets/token")
            let audit = try await api.get("/v1/audit?object=token")
            let check = try await api.get("/v1/checks/shop")
            let export = try await api.get("/v1/export")

            #expect(created.status == .created)
            #expect(updated.status == .ok)
            #expect(list.names() == ["token"])
            #expect(one.names("/checks") == ["shop"])
            #expect(one.integer("/check_count") == 1)
            #expect(one.string("/updated_by") == api.actor(of: .write))
            #expect(audit.string("/items/0/action") == "secret.updated")
            #expect(audit.string("/items/1/message") == "new")
            for answer in [created, updated, list, one, audit, check, export] {
                #expect(!answer.text.contains("planted"))
            }
            let stored = try await api.storage.secrets()[0]
            #expect(!stored.sealed.contains("planted"))
            let keys = try SealingKeys([Self.key(1)])
            #expect(try keys.open(stored.sealed, as: "token") == "planted two")
        }
    }

    @Test func `one that checks use is not deleted, and they are named`() async throws {
        try await run { api in
            _ = try await api.put("/v1/secrets/token", #"{"value": "planted"}"#)
            _ = try await api.post("/v1/checks", Self.user)

            let used = try await api.delete("/v1/secrets/token")
            _ = try await api.delete("/v1/checks/shop")
            let deleted = try await api.delete("/v1/secrets/token")
            let gone = try await api.delete("/v1/secrets/token")
            let missing = try await api.get("/v1/secrets/token")

            #expect(used.status == .conflict)
            #expect(
                used.string("/detail")
                    == "The secret token is used by shop; take it out of there first.")
            #expect(deleted.status == .noContent)
            #expect(gone.status == .notFound)
            #expect(missing.status == .notFound)
        }
    }

    @Test(arguments: [
        #""planted""#, #"["planted"]"#, #"{"value": ["planted"]}"#, #"{"value": "planted\n"}"#,
        #"{"value": " planted"}"#, #"{"value": "planted", "planted": 1}"#, #"{"value": "planted"#,
        #"{"value": 9999111122223333}"#, #"{planted}"#, #"{"value": ""}"#, "planted: [",
    ])
    func `a body that is wrong is refused without a word of it`(body: String) async throws {
        try await run { api in
            for type in ["application/json", "application/yaml"] {
                // YAML takes some of them for what was meant.
                let answer = try await api.put("/v1/secrets/token", body, type: type)
                if answer.status.code < 300 { continue }
                #expect([400, 422].contains(answer.status.code))
                #expect(!answer.text.contains("planted"), "\(answer.text)")
                #expect(!answer.text.contains("99991111"), "\(answer.text)")
            }
        }
    }

    @Test func `only whoever may write all sets writes secrets`() async throws {
        try await run { api in
            let (key, text) = KeyMint.mint(
                role: .admin, name: "shop", sets: ["shop"], now: api.clock.now)
            try await api.storage.insertKey(key)
            let operated = try await api.put(
                "/v1/secrets/token", #"{"value": "planted"}"#, as: .operate)
            let limited = try await api.send(
                .put, "/v1/secrets/token", as: nil, headers: [.authorization: "Bearer \(text)"],
                body: #"{"value": "planted"}"#)

            #expect(operated.status == .forbidden)
            #expect(limited.status == .forbidden)
            #expect(limited.string("/detail")?.contains("may write shop only") == true)
            #expect(try await api.storage.secrets().isEmpty)
        }
    }

    @Test func `a key of some sets leaves secrets where they are sent`() async throws {
        try await run { api in
            let (key, text) = KeyMint.mint(
                role: .write, name: "shop", sets: ["shop"], now: api.clock.now)
            try await api.storage.insertKey(key)
            let headers: HTTPFields = [.authorization: "Bearer \(text)"]
            _ = try await api.post("/v1/checks?set=shop", Self.user)
            let attacker = Self.user.replacing("192.0.2.7", with: "192.0.2.66")
            let policy = """
                {"name": "p", "type": "detach",
                 "member_check": {"type": "http", "target": {"port": 80},
                  "http": {"secret_headers": {"Authorization": "secret:token"}}},
                 "members": [{"name": "a", "value": "192.0.2.66"}]}
                """
            let patch = { (body: String) in
                try await api.send(
                    .patch, "/v1/checks/shop", as: nil, headers: headers, body: body,
                    type: "application/merge-patch+json")
            }

            let refused = [
                try await api.post(
                    "/v1/checks", attacker.replacing("\"shop\"", with: "\"new\""), as: nil,
                    headers: headers),
                try await api.put("/v1/checks/shop", attacker, as: nil, headers: headers),
                try await patch(#"{"target": {"host": "192.0.2.66"}}"#),
                try await patch(#"{"http": {"secret_headers": {"X": "secret:other"}}}"#),
                try await patch(#"{"http": {"host": "example.com"}}"#),
                try await api.post("/v1/policies", policy, as: nil, headers: headers),
                try await api.post(
                    "/v1/apply?dry_run=true",
                    #"{"format": 1, "set": "shop", "checks": [\#(attacker)]}"#, as: nil,
                    headers: headers),
            ]
            let kept = try await patch(#"{"interval": "30s", "http": {"path": "/health"}}"#)
            let renamed = try await api.put(
                "/v1/checks/login",
                Self.user.replacing("\"shop\",", with: "\"login\", \"renamed_from\": \"shop\","),
                as: nil, headers: headers)
            let byAll = try await api.post("/v1/policies?set=shop", policy)

            for answer in refused {
                #expect(answer.status == .forbidden, "\(answer.text)")
                #expect(answer.string("/detail")?.contains("would send a secret") == true)
            }
            #expect(kept.status == .ok, "\(kept.text)")
            #expect(renamed.status == .ok, "\(renamed.text)")
            #expect(byAll.status == .created, "\(byAll.text)")
        }
    }

    @Test func `without a key to seal with it is said what to do`() async throws {
        try await run(keys: []) { api in
            let put = try await api.put("/v1/secrets/token", #"{"value": "planted"}"#)

            #expect(put.status == .conflict)
            #expect(put.string("/detail")?.contains("openssl rand -base64 32") == true)
            #expect(try await api.storage.secrets().isEmpty)
        }
    }

    @Test func `every secret is sealed anew with the first of two keys`() async throws {
        let (old, new) = (try SealingKeys([Self.key(1)]), try SealingKeys([Self.key(2)]))
        try await run(keys: [Self.key(2), Self.key(1)]) { api in
            let sealed = try old.seal("planted", as: "token")
            _ = try await api.storage.change(
                SecretChange(.put(sealed: sealed), of: "token", actor: "ann"))
            let before = try await api.get("/v1/secrets/token")
            let resealed = try await api.post("/v1/secrets/token/reseal")
            let again = try await api.post("/v1/secrets/token/reseal")
            let missing = try await api.post("/v1/secrets/none/reseal")

            #expect(before.string("/sealed_with") == old.label)
            #expect(resealed.string("/sealed_with") == new.label)
            #expect(again.text == resealed.text)
            #expect(missing.status == .notFound)
            let stored = try await api.storage.secrets()[0]
            #expect(try new.open(stored.sealed, as: "token") == "planted")
        }
        try await run(keys: [Self.key(2)]) { api in
            let sealed = try old.seal("planted", as: "token")
            _ = try await api.storage.change(
                SecretChange(.put(sealed: sealed), of: "token", actor: "ann"))

            let unknown = try await api.post("/v1/secrets/token/reseal")

            #expect(unknown.status == .conflict)
            #expect(unknown.string("/detail")?.contains(old.label ?? "none") == true)
        }
    }

    @Test func `there is an end to how many are stored`() async throws {
        try await run { api in
            for number in 0..<SecretChange.mostSecrets {
                _ = try await api.storage.change(
                    SecretChange(.put(sealed: "x"), of: "s\(number)", actor: "test"))
            }

            let another = try await api.put("/v1/secrets/another", #"{"value": "planted"}"#)
            let known = try await api.put("/v1/secrets/s7", #"{"value": "planted"}"#)
            let first = try await api.get("/v1/secrets?limit=1")
            let next = try await api.get(
                "/v1/secrets?limit=1&cursor=\(first.string("/next_cursor") ?? "")")

            #expect(another.status == .conflict)
            #expect(known.status == .ok)
            #expect(first.names() == ["s0"])
            #expect(next.names() == ["s1"])
        }
    }
}
