import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import StorageConformance
import Testing

@Suite struct SinksTests {
    private static let door = SinkDoor([
        SinkDoor.Configured(name: "dns", type: "powerdns", kind: .state)
    ]) { sink, places in
        [SinkFinding(.ok, "\(sink) answers.")]
            + places.map {
                SinkFinding(
                    .problem, "\($0.publication.name) is in a secondary zone.", mend: "mend it")
            }
    }

    private static let policy = """
        {"name": "www", "type": "simple", "members": [{"name": "a", "value": "192.0.2.7"}],
         "publish": [{"sink": "dns", "name": "www.example.com"},
                     {"sink": "hook", "name": "www"}]}
        """

    @Test func `sinks are listed with who reaches them and what waits`() async throws {
        try await TestAPI.run(sinks: Self.door) { api in
            _ = try await api.post("/v1/policies", Self.policy)
            try await api.storage.announce(
                Presence(
                    name: "register-1", roles: [.register], location: "default", version: "1",
                    sinks: ["dns", "far"]))
            let delivery = try #require(
                try await api.storage.claimDeliveries(
                    to: ["hook"], of: .event, limit: 1, lease: .seconds(30)
                ).first)
            try await api.storage.release(delivery, after: .hours(1), error: "410 Gone")

            let sinks = try await api.get("/v1/sinks")
            let fleet = try await api.get("/v1/fleet")

            #expect(sinks.names() == ["dns", "far", "hook"])
            #expect(sinks.string("/items/0/type") == "powerdns")
            #expect(sinks["/items/0/configured_here"]?.bool == true)
            #expect(sinks.names("/items/0/reached_by") == ["register-1"])
            #expect(sinks.integer("/items/0/pending") == 1)
            #expect(sinks.integer("/items/0/failing") == 0)
            #expect(sinks["/items/2/configured_here"]?.bool == false)
            #expect(sinks.integer("/items/2/failing") == 1)
            #expect(sinks.string("/items/2/last_error") == "410 Gone")
            #expect(fleet.names("/items/0/sinks") == ["dns", "far"])
        }
    }

    @Test func `a test looks at what policies publish there`() async throws {
        try await TestAPI.run(sinks: Self.door) { api in
            let before = try await api.post("/v1/sinks/dns/test", as: .operate)
            _ = try await api.post("/v1/policies", Self.policy)
            let after = try await api.post("/v1/sinks/dns/test", as: .operate)
            let reader = try await api.post("/v1/sinks/dns/test", as: .read)

            #expect(before["/good"]?.bool == true)
            #expect(before.string("/findings/0/sentence") == "dns answers.")
            #expect(after["/good"]?.bool == false)
            #expect(after.string("/findings/1/finding") == "problem")
            #expect(
                after.string("/findings/1/sentence")
                    == "www.example.com is in a secondary zone.")
            #expect(after.string("/findings/1/mend") == "mend it")
            #expect(reader.status == .forbidden)
        }
    }

    @Test func `a sink that is not configured here cannot be tested here`() async throws {
        try await TestAPI.run(sinks: Self.door) { api in
            let answer = try await api.post("/v1/sinks/hook/test", as: .operate)

            #expect(answer.status == .conflict)
            #expect(
                answer.string("/detail")?.contains("write [sinks.hook] into its configuration")
                    == true)
        }
    }

    @Test func `a retry makes due what waits, and is in the audit log`() async throws {
        try await TestAPI.run(sinks: Self.door) { api in
            _ = try await api.post("/v1/policies", Self.policy)
            let delivery = try #require(
                try await api.storage.claimDeliveries(
                    to: ["dns"], limit: 1, lease: .seconds(30)
                ).first)
            try await api.storage.release(delivery, after: .hours(1), error: "refused")

            let other = try await api.post("/v1/sinks/far/retry", as: .operate)
            let nobody = try await api.post("/v1/sinks/dns/retry?policy=nobody", as: .operate)
            let one = try await api.post("/v1/sinks/dns/retry?policy=www", as: .operate)
            let audit = try await api.get("/v1/audit")

            #expect(other.integer("/retried") == 0)
            #expect(nobody.status == .notFound)
            #expect(one.integer("/retried") == 1)
            #expect(audit.string("/items/0/action") == "sink.retried")
            #expect(audit.string("/items/0/object") == "dns")
            #expect(audit.string("/items/0/message") == "policy www")
            let due = try await api.storage.claimDeliveries(
                to: ["dns"], limit: 1, lease: .seconds(30))
            #expect(due.count == 1)
        }
    }

    @Test func `a policy's list of its routes tells when each was applied and seen`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Self.policy)
            let storage = api.storage
            let dns = try #require(
                try await storage.claimDeliveries(to: ["dns"], limit: 1, lease: .seconds(30)).first)
            let hook = try #require(
                try await storage.claimDeliveries(
                    to: ["hook"], of: .event, limit: 1, lease: .seconds(30)
                ).first)
            let before = try await api.get("/v1/routes/www/changes")
            _ = try await storage.acknowledge(dns)
            _ = try await storage.acknowledge(hook)
            let awaited = try await api.get("/v1/routes/www/changes")
            let seenAt = try await storage.now()
            _ = try await storage.conclude(Arrival.Place(dns), .observed(seenAt))
            let observed = try await api.get("/v1/routes/www/changes")

            #expect(before.string("/items/0/timeline/decided_at") != nil)
            #expect(before["/items/0/timeline/arrivals/0"] == nil)
            #expect(awaited.string("/items/0/timeline/arrivals/0/sink") == "dns")
            #expect(awaited.string("/items/0/timeline/arrivals/0/name") == "www.example.com")
            #expect(awaited.string("/items/0/timeline/arrivals/0/state") == "awaited")
            #expect(awaited.string("/items/0/timeline/arrivals/0/applied_at") != nil)
            #expect(awaited.string("/items/0/timeline/arrivals/1/state") == "told")
            #expect(observed.string("/items/0/timeline/arrivals/0/state") == "observed")
            #expect(
                observed.string("/items/0/timeline/arrivals/0/observed_at")
                    == seenAt.description)
        }
    }

    @Test func `deliveries tell what each sink took, how it differs, and what was given up`()
        async throws
    {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/policies", Self.policy)
            let storage = api.storage
            let dns = try #require(
                try await storage.claimDeliveries(to: ["dns"], limit: 1, lease: .seconds(30)).first)
            _ = try await storage.acknowledge(dns)
            let hook = try #require(
                try await storage.claimDeliveries(
                    to: ["hook"], of: .event, limit: 1, lease: .seconds(30)
                ).first)
            _ = try await storage.giveUp(hook, error: "410 Gone")

            let delivered = try await api.get("/v1/routes/www/deliveries")
            let place = try #require(
                try await storage.places(at: "dns", after: 0, limit: 1).first)
            try await storage.note(difference: "it is 192.0.2.9", at: place)
            let drifted = try await api.get("/v1/routes/www/deliveries")

            #expect(delivered["/in_sync"]?.bool == false)
            #expect(delivered["/publications/0/in_sync"]?.bool == true)
            #expect(delivered.integer("/publications/0/generation") == dns.generation)
            #expect(delivered["/publications/1/in_sync"]?.bool == false)
            #expect(delivered.string("/dead_letters/0/last_error") == "410 Gone")
            #expect(delivered.integer("/dead_letters/0/generation") == hook.generation)
            #expect(drifted["/publications/0/in_sync"]?.bool == false)
            #expect(drifted.string("/publications/0/difference") == "it is 192.0.2.9")
        }
    }
}
