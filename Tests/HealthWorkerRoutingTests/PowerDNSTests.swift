import AsyncHTTPClient
import Foundation
import HealthWorkerModel
import HealthWorkerRouting
import HealthWorkerSettings
import HealthWorkerStorage
import TestServers
import Testing

/// Everything here is asked of a real PowerDNS, and seen as `dig` sees it.
@Suite(.serialized) struct PowerDNSTests {
    let server: PowerDNSServer
    let stage = Stage()

    init() throws {
        server = try PowerDNSServer()
    }

    @Test func `addresses of both families are published at once, at primary and secondary`()
        async throws
    {
        let zone = try await server.makeZone()
        let publisher = try await publisher()

        try await stage.publish(
            ["192.0.2.1", "192.0.2.2", "2001:db8::1"], at: [place("www", zone)])
        try await deliver(publisher)

        for place in PowerDNSServer.Place.allCases {
            try await server.dig(
                "www.\(zone)", at: place, until: ["192.0.2.1", "192.0.2.2"])
            try await server.dig("www.\(zone)", "AAAA", at: place, until: ["2001:db8::1"])
        }
    }

    @Test func `a change replaces what was published, its TTL included`() async throws {
        let zone = try await server.makeZone()
        let publisher = try await publisher()
        try await stage.publish(["192.0.2.1", "2001:db8::1"], at: [place("www", zone)])
        try await deliver(publisher)

        try await stage.publish(["192.0.2.2"], ttl: 10, at: [place("www", zone)])
        try await deliver(publisher)

        #expect(try server.dig("www.\(zone)") == ["192.0.2.2"])
        #expect(try server.dig("www.\(zone)", "AAAA") == [])
        #expect(try await recordSets("www", zone).map(\.ttl) == [10])
        try await server.dig("www.\(zone)", at: .secondary, until: ["192.0.2.2"])
    }

    @Test func `a name can be published as an alias, and turn into an address`() async throws {
        let zone = try await server.makeZone()
        let publisher = try await publisher()

        try await stage.publish(["cdn.example.net"], at: [place("www", zone)])
        try await deliver(publisher)
        let alias = try server.dig("www.\(zone)", "CNAME")
        try await stage.publish(["192.0.2.1"], at: [place("www", zone)])
        try await deliver(publisher)

        #expect(alias == ["cdn.example.net."])
        #expect(try server.dig("www.\(zone)") == ["192.0.2.1"])
        #expect(try server.dig("www.\(zone)", "CNAME") == [])
    }

    @Test func `texts are published beside addresses`() async throws {
        let zone = try await server.makeZone()
        let publisher = try await publisher()

        try await stage.publish(
            ["192.0.2.1", "\"site=fra1; weight=1\""], at: [place("www", zone)])
        try await deliver(publisher)
        try await stage.publish(
            ["192.0.2.1", "\"site=ams1; weight=1\""], at: [place("www", zone)])
        try await deliver(publisher)
        _ = try await publisher.publisher.reconcile(publisher.sink)

        #expect(try server.dig("www.\(zone)", "TXT") == ["\"site=ams1; weight=1\""])
        #expect(try server.dig("www.\(zone)") == ["192.0.2.1"])
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `a route is seen once every name server answers it`() async throws {
        let zone = try await server.makeZone()
        let elsewhere = try await server.makeZone("Native")
        let addresses = [server.dnsAddress(.primary), server.dnsAddress(.secondary)]
        let sink = try await publisher(observe: addresses).sink.sink
        let reader = try await publisher().sink.sink
        let publishing = try await publisher(observe: addresses)
        // The secondary has no such zone, and says so.
        try await stage.publish(["192.0.2.1"], at: [place("www", elsewhere)])
        try await deliver(publishing)
        let half = try #require(
            try await stage.storage.places(at: "dns", after: 0, limit: 1).first)
        let missing = await #expect(throws: SinkError.self) { try await sink.observe(half) }
        let read = try await reader.observe(half)
        #expect("\(missing.map { "\($0)" } ?? "")".contains(addresses[1]))
        #expect(read == nil)

        try await stage.publish(["192.0.2.1", "2001:db8::1"], at: [place("www", zone)])
        let before = try #require(
            try await stage.storage.places(at: "dns", after: 0, limit: 1).first)
        let early = try await sink.observe(before)
        try await deliver(publishing)
        try await server.dig("www.\(zone)", at: .secondary, until: ["192.0.2.1"])
        let place = try #require(
            try await stage.storage.places(at: "dns", after: 0, limit: 1).first)

        #expect(early?.hasPrefix("\(addresses[0]) answers A nothing, and 192.0.2.1") == true)
        #expect(try await sink.observe(place) == nil)
        try await server.write("www.\(zone)", "A", ["192.0.2.9"], ttl: 30, in: zone)
        #expect(
            try await sink.observe(place)
                == "\(addresses[0]) answers A 192.0.2.9 with TTL 30, and 192.0.2.1 with TTL 30 is "
                + "published.")
        #expect(try await reader.observe(place) != nil)
    }

    @Test func `a name server is named by its address`() async throws {
        await #expect(
            throws: SinkError.refused(
                "sinks.dns.observe: ns1.example.com is no address.",
                mend: "Write the address of that name server.")
        ) {
            try await publisher(observe: ["ns1.example.com:53"])
        }
    }

    @Test func `the comment says whose a record set is`() async throws {
        let zone = try await server.makeZone()
        try await stage.publish(["192.0.2.1"], at: [place("www", zone)])

        try await deliver(try await publisher())

        let installation = try await stage.storage.installation()
        let set = try #require(try await recordSets("www", zone).first)
        #expect(set.comments.map(\.account) == ["health-worker"])
        #expect(set.comments.first?.content.hasPrefix("health-worker \(installation) 1 ") == true)
        #expect(set.comments.first?.content.hasSuffix(" www") == true)
    }

    @Test func `the API key is read from a file and stands in no error`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "health-worker-key-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = folder.appending(path: "key")
        try Data("wrong-and-long\n".utf8).write(to: key)
        let zone = try await server.makeZone()
        try await stage.publish(["192.0.2.1"], at: [place("www", zone)])
        let publisher = try await publisher(keyFile: key.path)

        let wrong = try await refusal(publisher)
        try Data("secret\n".utf8).write(to: key)
        stage.pass(.minutes(2))
        try await deliver(try await self.publisher(keyFile: key.path))

        #expect(
            wrong == """
                PowerDNS at \(server.url) does not take the API key, or not from here. Compare \
                sinks.dns.api_key_file with api-key, and see webserver-allow-from, in its pdns.conf.
                """)
        #expect(try server.dig("www.\(zone)") == ["192.0.2.1"])
    }

    @Test func `a server that is away is tried again`() async throws {
        try await stage.publish(["192.0.2.1"], at: [place("www", "example.org.")])
        // Nothing listens at the discard port.
        let publisher = try await publisher(url: "http://127.0.0.1:9")

        let said = try await refusal(publisher)

        #expect(
            said == "PowerDNS at http://127.0.0.1:9 does not answer: connection refused.")
        #expect(publisher.publisher.reached.isEmpty)
    }
}

// What is refused, each on the real server, with the command that mends it.
extension PowerDNSTests {
    @Test func `a name in no zone of the server is refused until there is one`() async throws {
        let name = "n\(UInt64.random(in: 0 ..< 1 << 48)).test."
        try await stage.publish(["192.0.2.1"], at: [place("www", name)])
        let publisher = try await publisher()

        let said = try await refusal(publisher)
        try server.carryOut(said)
        stage.pass(.minutes(2))
        try await deliver(publisher)

        #expect(
            said == """
                PowerDNS at \(server.url) has no zone that www.\(name) is in. pdnsutil create-zone \
                \(name)
                """)
        #expect(try server.dig("www.\(name)") == ["192.0.2.1"])
    }

    @Test func `a secondary zone is refused, and what it is a copy of is told`() async throws {
        let zone = try await server.makeZone("Slave")
        try await stage.publish(["192.0.2.1"], at: [place("www", zone)])

        let said = try await refusal(try await publisher())

        #expect(
            said == """
                The zone \(zone) is a secondary here: it is a copy of 127.0.0.1:9, and what is \
                written to it is lost. Let the sink's url be its primary's API.
                """)
    }

    @Test func `a zone whose serial would not rise is refused until the named command`()
        async throws
    {
        let zone = try await server.makeZone()
        try server.pdnsutil("set-meta", zone, "SOA-EDIT-API")
        try await stage.publish(["192.0.2.1"], at: [place("www", zone)])
        let publisher = try await publisher()

        let said = try await refusal(publisher)
        let before = try server.dig("www.\(zone)")
        try server.carryOut(said)
        stage.pass(.minutes(2))
        try await deliver(publisher)

        #expect(said.hasSuffix("pdnsutil set-meta \(zone) SOA-EDIT-API DEFAULT"))
        #expect(before == [])
        for place in PowerDNSServer.Place.allCases {
            try await server.dig("www.\(zone)", at: place, until: ["192.0.2.1"])
        }
    }

    @Test func `foreign values are refused, adopted when asked, and restored in the end`()
        async throws
    {
        let zone = try await server.makeZone()
        try await server.write("www.\(zone)", "A", ["192.0.2.9"], in: zone)
        let publisher = try await publisher()
        try await stage.publish(["192.0.2.1"], at: [place("www", zone)])

        let said = try await refusal(publisher)
        let untouched = try server.dig("www.\(zone)")
        try await stage.publish(
            ["192.0.2.1"], at: [place("www", zone, adopt: true, onDelete: .restore)])
        stage.pass(.minutes(2))
        try await deliver(publisher)
        let adopted = try server.dig("www.\(zone)")
        try await stage.delete()
        try await deliver(publisher)

        #expect(said.hasPrefix("www.\(zone) is A 192.0.2.9 (TTL 300) already"))
        #expect(untouched == ["192.0.2.9"])
        #expect(adopted == ["192.0.2.1"])
        let restored = try await recordSets("www", zone)
        #expect(restored.map(\.contents) == [["192.0.2.9"]])
        #expect(restored.map(\.ttl) == [300])
        #expect(restored.map(\.comments.count) == [0])
    }

    @Test func `the command that a refusal names makes way`() async throws {
        let zone = try await server.makeZone()
        try await server.write("www.\(zone)", "CNAME", ["cdn.example.net."], in: zone)
        let publisher = try await publisher()
        try await stage.publish(["192.0.2.1"], at: [place("www", zone)])

        let said = try await refusal(publisher)
        try server.carryOut(said)
        stage.pass(.minutes(2))
        try await deliver(publisher)

        #expect(
            said.hasPrefix(
                "www.\(zone) is CNAME cdn.example.net. (TTL 300), beside which there can be no "
                    + "address."))
        // pdnsutil writes past the server, which goes on answering from its caches for a while.
        try await server.dig("www.\(zone)", at: .primary, until: ["192.0.2.1"])
    }

    @Test func `a CNAME in the way is replaced by adopt`() async throws {
        let zone = try await server.makeZone()
        try await server.write("www.\(zone)", "CNAME", ["cdn.example.net."], in: zone)
        try await stage.publish(["192.0.2.1"], at: [place("www", zone, adopt: true)])

        try await deliver(try await publisher())

        #expect(try server.dig("www.\(zone)") == ["192.0.2.1"])
    }

    @Test func `another installation's record set is left alone`() async throws {
        let zone = try await server.makeZone()
        let other = Stage()
        try await other.publish(["192.0.2.5"], at: [place("www", zone)])
        try await Self.deliver(try await publisher(of: other), on: other)
        try await stage.publish(["192.0.2.1"], at: [place("www", zone, adopt: true)])

        let said = try await refusal(try await publisher())

        let installation = try await other.storage.installation()
        #expect(
            said.hasPrefix(
                "www.\(zone) A belongs to the policy www of another installation, "
                    + "\(installation), as its comment says."))
        #expect(try server.dig("www.\(zone)") == ["192.0.2.5"])
    }
}

// What becomes of it later.
extension PowerDNSTests {
    @Test(arguments: Drift.allCases)
    func `what somebody changes by hand is mended or told`(_ drift: Drift) async throws {
        let zone = try await server.makeZone()
        let publisher = try await publisher()
        try await stage.publish(["192.0.2.1"], at: [place("www", zone, drift: drift)])
        try await deliver(publisher)
        try await server.write("www.\(zone)", "A", ["192.0.2.9"], in: zone)

        _ = try await publisher.publisher.reconcile(publisher.sink)
        try await Self.publish(publisher, on: stage)

        let told = try await stage.holdings().map(\.difference)
        switch drift {
        case .mend:
            #expect(try server.dig("www.\(zone)") == ["192.0.2.1"])
            #expect(told == [nil])
        case .report:
            #expect(try server.dig("www.\(zone)") == ["192.0.2.9"])
            #expect(
                told == [
                    "www.\(zone) is A 192.0.2.9 (TTL 300) instead of A 192.0.2.1 (TTL 30)."
                ])
        }
    }

    @Test func `many names of one zone are compared, each by itself`() async throws {
        let zone = try await server.makeZone()
        let publisher = try await publisher()
        for number in 1...6 {
            try await stage.publish(
                ["192.0.2.\(number)"], of: "p\(number)",
                at: [place("n\(number)", zone, drift: number == 5 ? .report : .mend)])
        }
        try await deliver(publisher)
        for number in 4...5 {
            try await server.write("n\(number).\(zone)", "A", ["192.0.2.99"], in: zone)
        }

        _ = try await publisher.publisher.reconcile(publisher.sink)
        let waiting = try await stage.pending.map(\.name)
        try await Self.publish(publisher, on: stage)

        #expect(waiting == [String("n4.\(zone)".dropLast())])
        for number in 1...6 {
            #expect(
                try server.dig("n\(number).\(zone)")
                    == ["192.0.2.\(number == 5 ? 99 : number)"])
        }
        #expect(
            try await stage.holdings(of: "p5").map(\.difference)
                == ["n5.\(zone) is A 192.0.2.99 (TTL 300) instead of A 192.0.2.5 (TTL 30)."])
    }

    @Test(arguments: OnDelete.allCases)
    func `a deleted policy leaves, removes or restores`(_ onDelete: OnDelete) async throws {
        let zone = try await server.makeZone()
        let publisher = try await publisher()
        try await stage.publish(["192.0.2.1"], at: [place("www", zone, onDelete: onDelete)])
        try await deliver(publisher)
        try await server.write("www.\(zone)", "TXT", ["\\\"kept\\\""], in: zone)

        try await stage.delete()
        try await Self.publish(publisher, on: stage)

        #expect(try server.dig("www.\(zone)") == (onDelete == .leave ? ["192.0.2.1"] : []))
        #expect(try server.dig("www.\(zone)", "TXT") == ["\"kept\""])
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `a policy that observes writes nothing and tells what would be`() async throws {
        let zone = try await server.makeZone()
        let publisher = try await publisher()
        try await stage.publish(["192.0.2.1"], mode: .observe, at: [place("www", zone)])

        try await Self.publish(publisher, on: stage)
        _ = try await publisher.publisher.reconcile(publisher.sink)

        #expect(try server.dig("www.\(zone)") == [])
        #expect(
            try await stage.holdings().map(\.difference)
                == ["www.\(zone) is without A instead of A 192.0.2.1 (TTL 30)."])
    }

    @Test func `a test tells what it found and what mends it, and writes nothing`() async throws {
        let (good, secondary) = (try await server.makeZone(), try await server.makeZone("Slave"))
        let publisher = try await publisher()
        try await stage.publish(
            ["192.0.2.1"], at: [place("www", good), place("www", secondary)])

        let places = try await stage.storage.places(at: "dns", after: 0, limit: 9)
        let found = await publisher.sink.sink.test(places)
        let wrong = await (try await self.publisher(key: "wrong")).sink.sink.test(places)

        #expect(found.map(\.word) == [.ok, .ok, .problem])
        #expect(
            found[0].sentence.hasSuffix("answers at \(server.url) and takes the API key."))
        #expect(found[1].sentence == "www.\(good) in the zone \(good) can be written.")
        #expect(found[2].mend == "Let the sink's url be its primary's API.")
        #expect(wrong.map(\.word) == [.problem])
        #expect(try server.dig("www.\(good)") == [])
    }
}

// Where others are at work, too.
extension PowerDNSTests {
    @Test func `a zone that knows a later generation gets a newer one yet`() async throws {
        let zone = try await server.makeZone()
        let publisher = try await publisher()
        try await stage.publish(["192.0.2.1"], at: [place("www", zone)])
        try await deliver(publisher)
        let known = try #require(try await stage.holdings().first?.generation)
        // Written after the backup that the storage was restored from.
        let installation = try await stage.storage.installation()
        try await server.write(
            "www.\(zone)", "A", ["192.0.2.7"],
            comment: (
                "health-worker", "health-worker \(installation) 1 \(known + 1_000_000) www"
            ), in: zone)

        try await stage.publish(["192.0.2.2"], at: [place("www", zone)])
        for _ in 1...2 { try await Self.publish(publisher, on: stage) }

        #expect(try server.dig("www.\(zone)") == ["192.0.2.2"])
        #expect(try await stage.holdings().map(\.generation) == [known + 1_000_001])
        #expect(try await stage.pending.isEmpty)
    }

    @Test(arguments: OnDelete.allCases)
    func `a name that goes over to another policy has what that one publishes`(
        _ onDelete: OnDelete
    ) async throws {
        let zone = try await server.makeZone()
        let publisher = try await publisher()
        // So many in one second that the new policy's generation is lower than the old one's.
        for value in 1...9 {
            try await stage.publish(
                ["192.0.2.\(value)"], of: "old", at: [place("www", zone, onDelete: onDelete)])
        }
        try await deliver(publisher)
        let old = try #require(try await stage.holdings(of: "old").first?.generation)

        try await stage.delete("old")
        try await stage.publish(["192.0.2.1"], of: "new", at: [place("WWW", zone)])
        try await Self.publish(publisher, on: stage)

        let new = try #require(try await stage.holdings(of: "new").first?.generation)
        #expect(new < old)
        #expect(try server.dig("www.\(zone)") == ["192.0.2.1"])
        let set = try #require(try await recordSets("www", zone).first)
        #expect(set.comments.first?.content.hasSuffix(" new") == true)
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `what was taken over is restored though the program died before its word`()
        async throws
    {
        let zone = try await server.makeZone()
        try await server.write("www.\(zone)", "A", ["192.0.2.9"], in: zone)
        let running = try await publisher()
        try await stage.publish(
            ["192.0.2.1"], at: [place("www", zone, adopt: true, onDelete: .restore)])

        // As the publisher does, but for the acknowledgement.
        var delivery = try #require(
            try await stage.storage.claimDeliveries(
                to: ["dns"], of: .state, limit: 1, lease: .seconds(60)
            ).first)
        let first = try await running.sink.sink.deliver(delivery)
        let untouched = try server.dig("www.\(zone)")
        let memory = try #require(first.memory)
        #expect(try await stage.storage.remember(memory, of: delivery))
        delivery.remember(memory)
        let second = try await running.sink.sink.deliver(delivery)
        let written = try server.dig("www.\(zone)")
        stage.pass(.minutes(2))
        try await deliver(running)
        try await stage.delete()
        try await deliver(running)

        #expect([first.isTaken, second.isTaken] == [false, true])
        #expect(untouched == ["192.0.2.9"])
        #expect(written == ["192.0.2.1"])
        #expect(try server.dig("www.\(zone)") == ["192.0.2.9"])
    }

    @Test func `equal values that were there before stay where they are restored`() async throws {
        let zone = try await server.makeZone()
        try await server.write("www.\(zone)", "A", ["192.0.2.1"], in: zone)
        let publisher = try await publisher()
        try await stage.publish(["192.0.2.1"], at: [place("www", zone, onDelete: .restore)])
        try await deliver(publisher)

        try await stage.delete()
        try await deliver(publisher)

        let sets = try await recordSets("www", zone)
        #expect(sets.map(\.contents) == [["192.0.2.1"]])
        #expect(sets.map(\.ttl) == [300])
        #expect(sets.map(\.comments.count) == [0])
    }

    @Test func `disabled records of others are not written over`() async throws {
        let zone = try await server.makeZone()
        try await server.write("www.\(zone)", "A", ["192.0.2.9"], disabled: true, in: zone)
        try await stage.publish(["192.0.2.1"], at: [place("www", zone)])

        let said = try await refusal(try await publisher())

        #expect(said.hasPrefix("www.\(zone) is A 192.0.2.9 (disabled) (TTL 300) already"))
        #expect(try server.dig("www.\(zone)") == [])
    }
}

extension PowerDNSTests {
    struct Running {
        var publisher: Publisher
        var sink: NamedSink
    }

    private func place(
        _ label: String, _ zone: String, adopt: Bool = false, drift: Drift = .mend,
        onDelete: OnDelete = .leave
    ) -> Publication {
        Publication(
            sink: "dns", name: String("\(label).\(zone)".dropLast()), adopt: adopt, drift: drift,
            onDelete: onDelete)
    }

    /// A publisher to the sink that a configuration file makes.
    private func publisher(
        of other: Stage? = nil, url: String? = nil, key: String = "secret",
        keyFile: String? = nil, observe: [String] = []
    ) async throws -> Running {
        let stage = other ?? stage
        let file = FileManager.default.temporaryDirectory.appending(
            path: "health-worker-sink-\(UInt64.random(in: 0 ... .max)).toml")
        defer { try? FileManager.default.removeItem(at: file) }
        let secret = keyFile.map { "api_key_file = \"\($0)\"" } ?? "api_key = \"\(key)\""
        try Data(
            """
            [sinks.dns]
            type = "powerdns"
            url = "\(url ?? server.url)"
            \(secret)
            timeout = "30s"
            observe = [\(observe.map { "\"\($0)\"" }.joined(separator: ", "))]
            """.utf8
        ).write(to: file)
        let settings = try Settings.load(
            file: file.path, environment: [:], sinks: SinkTable.types)
        let installation = try await stage.storage.installation()
        let sinks = try settings.sinks.map {
            try SinkTable.sink(
                $0,
                SinkContext(
                    name: $0.name, installation: installation, http: Self.http,
                    askNameServer: Self.ask, logger: Stage.quiet))
        }
        return Running(
            publisher: Publisher(
                storage: stage.storage, sinks: LiveSinks(sinks), logger: Stage.quiet),
            sink: sinks[0])
    }

    /// By `dig`, which asks as anybody does.
    private static let ask: AskNameServer = {
        (server, name, family) async throws(SinkError) in
        do {
            return try PowerDNSServer.answers(name, family.rawValue, at: server.port).map {
                AnsweredRecord(value: $0.value, ttl: $0.ttl)
            }
        } catch {
            throw .unreachable("\(server): \(error)")
        }
    }

    /// As the program's: a refused connection is an answer.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Delivers what is due, and again what found PowerDNS's SQLite locked by somebody else.
    private static func publish(_ running: Running, on stage: Stage) async throws {
        for _ in 0..<100 {
            _ = try await running.publisher.publish(to: running.sink)
            let isLocked = try await stage.pending.contains {
                $0.lastError?.contains("answered 500") ?? false
            }
            if !isLocked { return }
            stage.pass(.minutes(2))
        }
    }

    private func deliver(_ running: Running) async throws {
        try await Self.deliver(running, on: stage)
    }

    private static func deliver(_ running: Running, on stage: Stage) async throws {
        try await publish(running, on: stage)
        let waiting = try await stage.pending
        #expect(waiting.map(\.lastError) == [])
    }

    /// What the sink said to the only delivery that waits.
    private func refusal(_ running: Running) async throws -> String {
        try await Self.publish(running, on: stage)
        let waiting = try #require(try await stage.pending.first)
        return try #require(waiting.lastError)
    }

    private struct Held: Decodable {
        struct Set: Decodable {
            struct Record: Decodable { var content: String }
            struct Comment: Decodable {
                var content: String
                var account: String
            }
            var type: String
            var ttl: Int
            var records: [Record]
            var comments: [Comment]

            var contents: [String] { records.map(\.content) }
        }
        var rrsets: [Set]
    }

    private func recordSets(_ label: String, _ zone: String) async throws -> [Held.Set] {
        let text = try await server.call("GET", "/zones/\(zone)?rrset_name=\(label).\(zone)")
        return try JSONDecoder().decode(Held.self, from: Data(text.utf8)).rrsets
    }
}
