import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct RenamingTests {
    @Test func `a renamed check keeps id, health and history`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks?set=shop", Samples.tcpCheck("mail"))
            try await api.probe("mail", .success)
            let before = try await api.get("/v1/checks/mail")

            let renamed = try await api.post("/v1/checks/mail/rename", #"{"to": "smtp"}"#)
            let gone = try await api.get("/v1/checks/mail")
            let outcomes = try await api.get("/v1/checks/smtp/outcomes")

            #expect(renamed.status == .ok)
            #expect(renamed.headers[.location] == "/v1/checks/smtp")
            #expect(renamed.string("/name") == "smtp")
            #expect(renamed.integer("/observed/id") == before.integer("/observed/id"))
            #expect(renamed.string("/observed/set") == "shop")
            #expect(renamed.string("/observed/health") == "healthy")
            #expect(gone.status == .notFound)
            #expect(outcomes["/items"]?.elements?.count == 1)
        }
    }

    @Test func `a renamed policy keeps generation and overrides, and its checks follow`()
        async throws
    {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            _ = try await api.post(
                "/v1/overrides",
                """
                {"policy": "acme-www", "member": "ams1", "word": "drain", "reason": "x",
                 "for": "2h"}
                """)
            let before = try await api.get("/v1/policies/acme-www")

            let renamed = try await api.post("/v1/policies/acme-www/rename", #"{"to": "www"}"#)
            let checks = try await api.get("/v1/checks")
            let overrides = try await api.get("/v1/overrides?policy=www")
            let changes = try await api.get("/v1/routes/www/changes")

            #expect(renamed.status == .ok)
            #expect(
                renamed.integer("/observed/route/generation")
                    == before.integer("/observed/route/generation"))
            #expect(checks.names() == ["www.ams1", "www.fra1"])
            #expect(overrides.string("/items/0/member") == "ams1")
            #expect(changes["/items"]?.elements?.isEmpty == false)
        }
    }

    @Test func `what is in the way of a rename is named`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            _ = try await api.post("/v1/checks", Samples.tcpCheck("smtp"))

            let taken = try await api.post("/v1/checks/mail/rename", #"{"to": "smtp"}"#)
            let made = try await api.post("/v1/checks/acme-www.fra1/rename", #"{"to": "x"}"#)
            let invalid = try await api.post("/v1/checks/mail/rename", #"{"to": "X y"}"#)
            let missing = try await api.post("/v1/checks/nobody/rename", #"{"to": "x"}"#)
            let policy = try await api.post("/v1/policies/nobody/rename", #"{"to": "x"}"#)

            #expect(taken.status == .conflict)
            #expect(taken.string("/detail")?.contains("smtp") == true)
            #expect(made.status == .conflict)
            #expect(made.string("/detail")?.contains("acme-www") == true)
            #expect(invalid.status == .unprocessableContent)
            #expect(missing.status == .notFound)
            #expect(policy.status == .notFound)
        }
    }

    @Test func `a rename goes by the revision that the caller read`() async throws {
        try await TestAPI.run { api in
            try await api.makeRoutedPolicy()
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))

            let old = try await api.post(
                "/v1/checks/mail/rename", #"{"to": "smtp"}"#, headers: [.ifMatch: "\"7\""])
            let right = try await api.post(
                "/v1/checks/mail/rename", #"{"to": "smtp"}"#, headers: [.ifMatch: "\"1\""])
            let policy = try await api.post(
                "/v1/policies/acme-www/rename", #"{"to": "www"}"#, headers: [.ifMatch: "\"7\""])

            #expect(old.status == .preconditionFailed)
            #expect(right.status == .ok)
            #expect(right.headers[.eTag] == "\"2\"")
            #expect(policy.status == .preconditionFailed)
        }
    }
}
