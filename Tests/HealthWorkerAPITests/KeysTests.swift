import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import Logging
import StorageConformance
import Synchronization
import Testing

@testable import HealthWorkerAPI

@Suite struct KeysTests {
    @Test func `each role may do what it and those before it are for, on every operation`()
        async throws
    {
        try await TestAPI.run { api in
            for endpoint in api.server.endpoints where endpoint.role != nil {
                let path = endpoint.path
                    .replacing("{name}", with: "nobody").replacing("{policy}", with: "nobody")
                    .replacing("{id}", with: "1")
                // What a body says does not matter: whether the caller may is asked first.
                for role in KeyRole.allCases {
                    let answer = try await api.send(endpoint.method, path, as: role)
                    let needed = try #require(endpoint.role)
                    if role < needed {
                        #expect(answer.status == .forbidden, "\(endpoint.operationID) as \(role)")
                        #expect(answer.string("/detail")?.contains(needed.rawValue) == true)
                    } else {
                        #expect(
                            ![401, 403].contains(answer.status.code),
                            "\(endpoint.operationID) as \(role)")
                    }
                }
                let nobody = try await api.send(endpoint.method, path, as: nil)
                #expect(nobody.status == .unauthorized, "\(endpoint.operationID)")
                #expect(
                    nobody.headers[.wwwAuthenticate] == #"Bearer realm="health-worker""#)
            }
        }
    }

    @Test func `a key comes in any of three headers`() async throws {
        let settings = APISettings(authHeader: "X-Worker-Key")
        try await TestAPI.run(settings: settings) { api in
            let key = api.keys[.read] ?? ""
            let name = try #require(HTTPField.Name("x-worker-key"))

            let header = try await api.get("/v1/queue", as: nil, headers: [name: key])
            let bearer = try await api.get(
                "/v1/queue", as: nil, headers: [.authorization: "bearer  \(key)"])
            let usual = try await api.get(
                "/v1/queue", as: nil, headers: [HTTPField.Name("X-API-Key")!: key])
            let beside = try await api.get(
                "/v1/queue", as: nil, headers: [.authorization: "Basic YTpi", name: key])
            let wrong = try await api.get(
                "/v1/queue", as: nil, headers: [HTTPField.Name("X-Other-Key")!: key])

            #expect(header.status == .ok)
            #expect(bearer.status == .ok)
            #expect(usual.status == .ok)
            #expect(beside.status == .ok)
            #expect(wrong.status == .unauthorized)
        }
    }

    @Test func `what is not exactly a key that holds is refused`() async throws {
        try await TestAPI.run { api in
            let key = api.keys[.admin] ?? ""
            let now = api.clock.now
            let (ended, endedText) = KeyMint.mint(
                role: .admin, name: "ended", now: now, expiresAt: now - .seconds(1))
            try await api.storage.insertKey(ended)
            let (revoked, revokedText) = KeyMint.mint(role: .admin, name: "revoked", now: now)
            try await api.storage.insertKey(revoked)
            try await api.storage.revokeKey(id: revoked.id)
            let (_, strangerText) = KeyMint.mint(role: .admin, name: "stranger", now: now)

            for text in [
                "", "x", "hw_", "hw__", "hw_abc", String(key.dropLast()), key + "a",
                key.uppercased(), "hw_unknown_secret", endedText, revokedText, strangerText,
            ] {
                let answer = try await api.get(
                    "/v1/queue", as: nil, headers: [.authorization: "Bearer \(text)"])
                #expect(answer.status == .unauthorized)
            }
            let wrong = try await api.get(
                "/v1/queue", as: nil, headers: [.authorization: "Bearer \(strangerText)"])
            #expect(
                wrong.headers[.wwwAuthenticate]
                    == #"Bearer realm="health-worker", error="invalid_token""#)
        }
    }

    @Test func `a made key works until it is revoked, and is shown once`() async throws {
        try await TestAPI.run { api in
            let made = try await api.post(
                "/v1/keys", #"{"name": "deploy", "role": "write", "expires_in": "90d"}"#)
            let text = try #require(made.string("/key"))
            let id = try #require(made.string("/id"))
            let works = try await api.get(
                "/v1/queue", as: nil, headers: [.authorization: "Bearer \(text)"])
            let list = try await api.get("/v1/keys", as: .admin)
            let revoked = try await api.delete("/v1/keys/\(id)")
            let refused = try await api.get(
                "/v1/queue", as: nil, headers: [.authorization: "Bearer \(text)"])
            let gone = try await api.delete("/v1/keys/nobody")
            let after = try await api.get("/v1/keys", as: .admin)
            let audit = try await api.get("/v1/audit?actor=\(api.actor(of: .admin))")

            #expect(made.status == .created)
            #expect(made.headers[.location] == "/v1/keys/\(id)")
            #expect(made.headers[.cacheControl] == "no-store")
            #expect(text.hasPrefix("hw_\(id)_"))
            #expect(made.string("/expires_at") != nil)
            #expect(works.status == .ok)
            #expect(revoked.status == .noContent)
            #expect(refused.status == .unauthorized)
            #expect(gone.status == .notFound)
            let secret = String(text.split(separator: "_")[2])
            for answer in [list, after, audit] { #expect(!answer.text.contains(secret)) }
            #expect(!api.log.joined.contains(secret))
            let shown = after["/items"]?.elements?.first { $0["id"]?.text == id }
            #expect(shown?["revoked_at"] != nil)
            #expect(shown?["last_used_at"] != nil)
            #expect(
                (audit["/items"]?.elements ?? []).compactMap { $0["action"]?.text }
                    == ["key.revoked", "key.created"])
        }
    }

    @Test func `a rotated key and its successor both work until the overlap is over`()
        async throws
    {
        try await TestAPI.run { api in
            let made = try await api.post(
                "/v1/keys",
                #"{"name": "deploy", "role": "write", "sets": ["a"], "expires_in": "2d"}"#)
            let id = try #require(made.string("/id"))
            func works(_ text: String?) async throws -> Bool {
                try await api.get(
                    "/v1/queue", as: nil, headers: [.authorization: "Bearer \(text ?? "")"]
                ).status == .ok
            }
            // What is remembered of it must not outlast the rotation.
            #expect(try await works(made.string("/key")))
            api.clock.advance(by: .hours(24))

            let rotated = try await api.post(
                "/v1/keys/\(id)/rotate?message=quarterly", #"{"overlap": "1h"}"#)
            let bothWork = (
                try await works(made.string("/key")), try await works(rotated.string("/key"))
            )
            let again = try await api.post("/v1/keys/\(id)/rotate")
            let nobody = try await api.post("/v1/keys/nobody/rotate")
            let old = try await api.get("/v1/keys/\(id)", as: .admin)
            let new = try await api.get(
                "/v1/keys/\(rotated.string("/id") ?? "")", as: .admin)

            #expect(rotated.status == .created)
            #expect(bothWork == (true, true))
            #expect(new.string("/name") == "deploy")
            #expect(new.string("/role") == "write")
            #expect(new.names("/sets") == ["a"])
            let now = api.clock.now
            #expect(new.string("/expires_at") == (now + .hours(48)).description)
            #expect(old.string("/expires_at") == (now + .hours(1)).description)
            #expect(old.string("/replaced_by") == new.string("/id"))
            #expect(again.status == .conflict)
            #expect(again.string("/detail")?.contains("was rotated already") == true)
            #expect(nobody.status == .notFound)
            let audit = try await api.get("/v1/audit?action=key.rotated")
            #expect(audit.string("/items/0/message") == "quarterly")
            #expect(audit.string("/items/0/request_id") == rotated.headers[.requestID])
            for answer in [old, new, audit] {
                for key in [made, rotated].compactMap({ $0.string("/key") }) {
                    #expect(!answer.text.contains(key.split(separator: "_")[2]))
                }
            }
        }
    }

    @Test func `a rotated key is refused once its overlap is over`() async throws {
        try await TestAPI.run(settings: APISettings(keyMemory: .zero)) { api in
            let id = (api.keys[.read] ?? "").split(separator: "_")[1]
            let rotated = try await api.post("/v1/keys/\(id)/rotate", #"{"overlap": "1h"}"#)
            api.clock.advance(by: .minutes(61))

            let old = try await api.get("/v1/queue")
            let new = try await api.get(
                "/v1/queue", as: nil,
                headers: [.authorization: "Bearer \(rotated.string("/key") ?? "")"])

            #expect(old.status == .unauthorized)
            #expect(new.status == .ok)
        }
    }

    @Test func `only a use of the key itself counts as its last use`() async throws {
        try await TestAPI.run { api in
            let (key, text) = KeyMint.mint(role: .read, name: "quiet", now: api.clock.now)
            try await api.storage.insertKey(key)

            let wrong = try await api.get(
                "/v1/queue", as: nil, headers: [.authorization: "Bearer hw_\(key.id)_guessed"])
            let before = try await api.storage.key(id: key.id)?.lastUsedAt
            _ = try await api.get(
                "/v1/queue", as: nil, headers: [.authorization: "Bearer \(text)"])
            let after = try await api.storage.key(id: key.id)?.lastUsedAt

            #expect(wrong.status == .unauthorized)
            #expect(before == nil)
            #expect(after != nil)
        }
    }

    @Test func `another process's revocation holds after a moment`() async throws {
        try await TestAPI.run(settings: APISettings(keyMemory: .zero)) { api in
            let before = try await api.get("/v1/queue")
            let id = (api.keys[.read] ?? "").split(separator: "_")[1]

            try await api.storage.revokeKey(id: String(id))
            let after = try await api.get("/v1/queue")

            #expect(before.status == .ok)
            #expect(after.status == .unauthorized)
        }
    }

    @Test func `what was read before a key was revoked here does not outlast that`() async throws {
        let base = MemoryStorage()
        let (key, text) = KeyMint.mint(role: .read, name: "a", now: try await base.now())
        try await base.insertKey(key)
        let storage = SlowKeys(base: base)
        let ring = KeyRing(
            storage: storage, memory: .seconds(3600), logger: Logger(label: "test"))
        storage.afterNextRead {
            try? await base.revokeKey(id: key.id)
            ring.forget(key.id)
        }

        let meanwhile = try await ring.judge(text)
        let after = try await ring.judge(text)

        guard case .known = meanwhile else {
            Issue.record("\(meanwhile)")
            return
        }
        #expect(after == .unknown(.revoked, id: key.id))
    }

    @Test(arguments: [
        (#"{"name": "a"}"#, [""]), (#"{"name": "a", "role": "root"}"#, ["/role"]),
        (#"{"name": "a", "role": "read", "expires_at": "2001-01-01T00:00:00Z"}"#, ["/expires_at"]),
        (
            #"{"name": "a", "role": "read", "expires_at": "2091-01-01T00:00:00Z", "expires_in": "1d"}"#,
            [""]
        ),
        (#"{"name": "a", "role": "read", "secret": "x"}"#, ["/secret"]),
    ])
    func `a key that cannot be made is refused`(body: String, places: [String]) async throws {
        try await TestAPI.run { api in
            let answer = try await api.post("/v1/keys", body)

            #expect(answer.status == .unprocessableContent)
            #expect(answer.places == places, "\(answer.text)")
        }
    }

    @Test func `a key of a set writes objects of that set only`() async throws {
        try await TestAPI.run { api in
            let (key, text) = KeyMint.mint(
                role: .write, name: "shop", sets: ["shop"], now: api.clock.now)
            try await api.storage.insertKey(key)
            let headers: HTTPFields = [.authorization: "Bearer \(text)"]
            _ = try await api.post("/v1/checks?set=other", Samples.tcpCheck("theirs"))
            _ = try await api.post("/v1/policies", Samples.policy)

            let own = try await api.post(
                "/v1/checks", Samples.tcpCheck("ours"), as: nil, headers: headers)
            let asked = try await api.post(
                "/v1/checks?set=other", Samples.tcpCheck("new"), as: nil, headers: headers)
            let put = try await api.put(
                "/v1/checks/theirs", Samples.tcpCheck("theirs"), as: nil, headers: headers)
            let deleted = try await api.send(
                .delete, "/v1/checks/theirs", as: nil, headers: headers)
            let policy = try await api.send(
                .delete, "/v1/policies/acme-www", as: nil, headers: headers)
            let patched = try await api.send(
                .patch, "/v1/policies/acme-www", as: nil, headers: headers, body: "{}",
                type: "application/merge-patch+json")
            let applied = try await api.post(
                "/v1/apply", #"{"format": 1, "set": "other"}"#, as: nil, headers: headers)
            let read = try await api.send(.get, "/v1/checks/theirs", as: nil, headers: headers)

            #expect(own.status == .created)
            #expect(own.string("/observed/set") == "shop")
            for answer in [asked, put, deleted, policy, patched, applied] {
                #expect(answer.status == .forbidden, "\(answer.text)")
            }
            #expect(read.status == .ok)
        }
    }

    @Test(arguments: [
        #""checks": [{"name": "free", "type": "tcp", "target": {"host": "192.0.2.66", "port": 25}}]"#,
        #""checks": [{"name": "mine", "renamed_from": "free", "type": "tcp", "target": {"host": "192.0.2.7", "port": 25}}]"#,
        #""policies": [\#(Samples.policy)]"#,
    ])
    func `a key of a set takes nothing into it that is in no set`(objects: String) async throws {
        try await TestAPI.run { api in
            let (key, text) = KeyMint.mint(
                role: .write, name: "shop", sets: ["shop"], now: api.clock.now)
            try await api.storage.insertKey(key)
            _ = try await api.post("/v1/checks", Samples.tcpCheck("free"))
            _ = try await api.post("/v1/policies", Samples.policy)
            let document = #"{"format": 1, "set": "shop", \#(objects)}"#

            for path in ["/v1/apply", "/v1/apply?dry_run=true", "/v1/apply?take_over=true"] {
                let answer = try await api.post(
                    path, document, as: nil, headers: [.authorization: "Bearer \(text)"])

                #expect(answer.status == .forbidden, "\(path): \(answer.text)")
                #expect(answer.string("/detail")?.contains("belongs to no set") == true)
            }
            #expect(try await api.get("/v1/checks?set=shop").names() == [])
            #expect(try await api.get("/v1/policies?set=shop").names() == [])
            let allowed = try await api.post("/v1/apply", document)
            #expect(allowed.status == .ok, "\(allowed.text)")
        }
    }

    @Test func `a key of a set orders nothing of other sets, and makes no key that may`()
        async throws
    {
        try await TestAPI.run { api in
            let (key, text) = KeyMint.mint(
                role: .admin, name: "shop", sets: ["shop"], now: api.clock.now)
            try await api.storage.insertKey(key)
            let headers: HTTPFields = [.authorization: "Bearer \(text)"]
            try await api.makeRoutedPolicy()
            let override = """
                {"policy": "acme-www", "member": "fra1", "word": "drain", "reason": "x", "for": "1h"}
                """
            let theirs = try await api.post("/v1/overrides", override)
            let all = (api.keys[.read] ?? "").split(separator: "_")[1]
            let id = try #require(theirs.integer("/items/0/id"))

            for answer in [
                try await api.post("/v1/overrides", override, as: nil, headers: headers),
                try await api.send(.delete, "/v1/overrides/\(id)", as: nil, headers: headers),
                try await api.post("/v1/policies/acme-www/failback", as: nil, headers: headers),
                try await api.post("/v1/policies/acme-www/reattach", as: nil, headers: headers),
                try await api.post(
                    "/v1/keys", #"{"name": "a", "role": "read"}"#, as: nil, headers: headers),
                try await api.post(
                    "/v1/keys", #"{"name": "a", "role": "read", "sets": ["shop", "b"]}"#, as: nil,
                    headers: headers),
                try await api.send(.delete, "/v1/keys/\(all)", as: nil, headers: headers),
                try await api.post("/v1/keys/\(all)/rotate", as: nil, headers: headers),
            ] {
                #expect(answer.status == .forbidden, "\(answer.text)")
            }
            let allowed = try await api.post(
                "/v1/keys", #"{"name": "a", "role": "read", "sets": ["shop"]}"#, as: nil,
                headers: headers)
            #expect(allowed.status == .created)
        }
    }

    @Test func `keys are random, and only their hash is kept`() throws {
        let now = Timestamp(seconds: 0)
        let (first, text) = KeyMint.mint(role: .read, name: "a", now: now)
        let (second, other) = KeyMint.mint(role: .read, name: "a", now: now)

        let parts = text.split(separator: "_")

        #expect(parts.count == 3)
        #expect(parts[1] == first.id)
        #expect(parts[2].count == 52)
        #expect(first.secretHash.count == 64)
        #expect(!first.secretHash.contains(parts[2]))
        #expect(first.id != second.id)
        #expect(text != other)
    }
}

/// Something happens between a read of a key and its answer.
private final class SlowKeys: ForwardingStorage {
    let base: MemoryStorage
    private let interlude = Mutex<(@Sendable () async -> Void)?>(nil)

    init(base: MemoryStorage) {
        self.base = base
    }

    func afterNextRead(_ body: @escaping @Sendable () async -> Void) {
        interlude.withLock { $0 = body }
    }

    func key(id: String) async throws(StorageError) -> APIKey? {
        let key = try await base.key(id: id)
        let body = interlude.withLock { interlude in
            defer { interlude = nil }
            return interlude
        }
        await body?()
        return key
    }
}
