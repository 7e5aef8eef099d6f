import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct DocumentsTests {
    static let document = """
        format: 1
        set: shop
        defaults:
          checks: {interval: 20s}
        checks:
        - name: shop-login
          type: https
          target: {host: 192.0.2.10}
        - name: shop-mail
          type: tcp
          target: {host: 192.0.2.7, port: 25}
        policies:
        - name: shop-www
          type: detach
          members:
          - {name: fra1, value: 192.0.2.10, check: shop-login}
        """

    @Test func `a document is applied as a whole, and a second time changes nothing`() async throws
    {
        try await TestAPI.run { api in
            let dry = try await api.post(
                "/v1/apply?dry_run=true", Self.document, as: .write, type: "application/yaml")
            let before = try await api.get("/v1/checks")
            let applied = try await api.post(
                "/v1/apply?message=first", Self.document, as: .write, type: "application/yaml")
            let again = try await api.post(
                "/v1/apply", Self.document, as: .write, type: "text/yaml")
            let audit = try await api.get("/v1/audit")

            #expect(dry["/dry_run"]?.bool == true)
            #expect(dry.integer("/counts/create") == 3)
            #expect(before.names() == [])
            #expect(applied.status == .ok)
            #expect(applied["/dry_run"]?.bool == false)
            #expect(applied.integer("/counts/create") == 3)
            #expect(try await api.get("/v1/checks").names() == ["shop-login", "shop-mail"])
            let check = try await api.get("/v1/checks/shop-login")
            #expect(check.string("/interval") == "20s")
            #expect(check.string("/observed/set") == "shop")
            #expect(again.integer("/counts/unchanged") == 3)
            #expect(again.integer("/counts/update") == 0)
            #expect(audit.string("/items/0/message") == "first")
            #expect(audit.string("/items/0/actor") == api.actor(of: .write))
        }
    }

    @Test func `what is exported and applied changes nothing`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/apply", Self.document, type: "application/yaml")
            _ = try await api.post("/v1/policies?set=shop", Samples.policy)

            let yaml = try await api.get("/v1/export?set=shop")
            let json = try await api.get(
                "/v1/export?set=shop", headers: [.accept: "application/json"])
            let fromYAML = try await api.post(
                "/v1/apply?prune=true", yaml.text, type: "application/yaml")
            let fromJSON = try await api.post("/v1/apply?prune=true", json.text)

            #expect(yaml.headers[.contentType] == "application/yaml")
            #expect(yaml.text.hasPrefix("format: 1\nset: shop\n"))
            #expect(json.headers[.contentType] == "application/json")
            for answer in [fromYAML, fromJSON] {
                #expect(answer.status == .ok)
                #expect(answer.integer("/counts/unchanged") == 4)
                for word in ["create", "update", "delete", "rename"] {
                    #expect(answer.integer("/counts/\(word)") == 0, "\(word)")
                }
            }
        }
    }

    @Test func `pruning deletes what the set has and the document has not`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/apply", Self.document, type: "application/yaml")
            _ = try await api.post("/v1/checks", Samples.tcpCheck("elsewhere"))
            let smaller = """
                {"format": 1, "set": "shop", "checks": [
                 {"name": "shop-mail", "type": "tcp", "target": {"host": "192.0.2.7", "port": 26}}]}
                """

            let kept = try await api.post("/v1/apply?dry_run=true", smaller)
            let pruned = try await api.post("/v1/apply?prune=true", smaller)

            #expect(kept.integer("/counts/delete") == 0)
            #expect(pruned.integer("/counts/delete") == 2)
            #expect(pruned.integer("/counts/update") == 1)
            #expect(pruned.string("/changes/0/fields/0/path") == "target.port")
            #expect(try await api.get("/v1/checks").names() == ["elsewhere", "shop-mail"])
            #expect(try await api.get("/v1/policies").names() == [])
        }
    }

    @Test func `a rename keeps what is known of a check`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/apply", Self.document, type: "application/yaml")
            try await api.probe("shop-mail", .success)
            let renamed = Self.document.replacing(
                "- name: shop-mail", with: "- name: shop-smtp\n  renamed_from: shop-mail")

            let answer = try await api.post(
                "/v1/apply?prune=true", renamed, type: "application/yaml")
            let check = try await api.get("/v1/checks/shop-smtp")

            #expect(answer.integer("/counts/rename") == 1)
            #expect(check.string("/observed/health") == "healthy")
            #expect(try await api.get("/v1/checks").names() == ["shop-login", "shop-smtp"])
        }
    }

    @Test func `one bad object keeps the whole document out`() async throws {
        try await TestAPI.run { api in
            let answer = try await api.post(
                "/v1/apply",
                """
                format: 1
                checks:
                - {name: good, type: tcp, target: {host: 192.0.2.7, port: 25}}
                - {name: bad, type: tcp, target: {host: 192.0.2.7, prot: 25}}
                - name: worse
                  type: https
                  target: {host: 192.0.2.7}
                  fall: 1000
                """, type: "application/yaml")

            #expect(answer.status == .unprocessableContent)
            #expect(answer.places.contains("/checks/1/target/prot"))
            #expect(answer.places.contains("/checks/2/fall"))
            let worse = answer["/errors"]?.elements?.first {
                $0["pointer"]?.text == "/checks/2/fall"
            }
            #expect(worse?["line"]?.integer == 8)
            #expect(try await api.get("/v1/checks").names() == [])
        }
    }

    @Test func `what contradicts the stored objects keeps the whole document out`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks?set=other", Samples.tcpCheck("shop-mail"))

            let owned = try await api.post("/v1/apply", Self.document, type: "application/yaml")
            let dangling = try await api.post(
                "/v1/apply",
                """
                {"format": 1, "policies": [{"name": "p", "type": "detach",
                 "members": [{"name": "a", "value": "192.0.2.1", "check": "nobody"}]}]}
                """)

            #expect(owned.status == .conflict)
            #expect(owned.places == ["/checks/1"])
            #expect(dangling.status == .conflict)
            #expect(dangling.places == ["/policies/0/members/0/check"])
            #expect(try await api.get("/v1/checks").names() == ["shop-mail"])
            #expect(try await api.get("/v1/policies").names() == [])
        }
    }
}
