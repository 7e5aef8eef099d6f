import HealthWorkerModel
import Testing

@testable import HealthWorkerRouting

struct ZoneRulesTests {
    let rules = ZoneRules(
        installation: "ours", policy: 7, policyName: "www", name: "www.example.org.",
        adopts: false, memory: nil)

    @Test func `addresses of both families are written in one change, marked as ours`() throws {
        let route = Self.route(["192.0.2.2", "2001:DB8::1", "192.0.2.1"], ttl: 10)

        let writing = try rules.writing(route, to: Self.zone([]))

        let mark = RecordSet.Comment(
            content: "health-worker ours 7 100 www", account: "health-worker")
        #expect(
            writing.changes == [
                .replace(with: Self.set("A", ["192.0.2.1", "192.0.2.2"], ttl: 10, mark)),
                .replace(with: Self.set("AAAA", ["2001:db8::1"], ttl: 10, mark)),
            ])
        #expect(writing.memory == PowerDNSMemory(types: ["A", "AAAA"]))
    }

    @Test func `what the zone holds already is not written again`() throws {
        let held = Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 7, 90))

        #expect(try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([held])).changes == [])
        // Another TTL is another answer.
        #expect(
            try rules.writing(Self.route(["192.0.2.1"], ttl: 10), to: Self.zone([held]))
                .changes.count == 1)
    }

    @Test func `a late delivery leaves a later generation alone`() throws {
        let later = Self.set("A", ["192.0.2.9"], ttl: 30, Self.mark("ours", 7, 101))

        #expect(try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([later])).changes == [])
    }

    @Test func `a family that is not published any more goes, and nobody else's does`() throws {
        let zone = Self.zone([
            Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 7, 90)),
            Self.set("AAAA", ["2001:db8::1"], ttl: 30, Self.mark("ours", 8, 90)),
            Self.set("TXT", ["\"v=1\""], ttl: 30),
        ])

        let writing = try rules.writing(Self.route([]), to: zone)

        #expect(writing.changes.map(\.type) == ["A"])
        #expect(writing.changes.map(\.changetype) == [.delete])
    }

    @Test func `values that are not ours are refused, with both ways out`() throws {
        let zone = Self.zone([Self.set("A", ["192.0.2.9"], ttl: 300)])

        let error = #expect(throws: SinkError.self) {
            try rules.writing(Self.route(["192.0.2.1"]), to: zone)
        }

        #expect(
            error?.description == """
                www.example.org. is A 192.0.2.9 (TTL 300) already, which Health Worker did not \
                write. Write adopt: true where the policy publishes it to take it over, or \
                pdnsutil delete-rrset example.org. www A
                """)
    }

    @Test func `equal values that nobody marked are taken over without a word`() throws {
        let zone = Self.zone([Self.set("A", ["192.0.2.1"], ttl: 300)])

        let writing = try rules.writing(Self.route(["192.0.2.1"]), to: zone)

        #expect(writing.changes.map(\.changetype) == [.replace])
        #expect(writing.memory.before == [])
    }

    @Test func `adopt takes values over and remembers them`() throws {
        let foreign = Self.set("A", ["192.0.2.9"], ttl: 300)
        var rules = rules
        rules.adopts = true

        let writing = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([foreign]))

        #expect(writing.changes.map(\.changetype) == [.replace])
        #expect(writing.memory == PowerDNSMemory(types: ["A"], before: [foreign]))
    }

    @Test func `what was written once is ours also where its comment is gone`() throws {
        let bare = Self.set("A", ["192.0.2.9"], ttl: 30)
        var rules = rules
        rules.memory = PowerDNSMemory(types: ["A"])

        let writing = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([bare]))

        #expect(writing.changes.map(\.changetype) == [.replace])
        #expect(writing.memory.before == [])
    }

    @Test(arguments: [false, true])
    func `another installation's record set is refused, adopt or not`(_ adopts: Bool) throws {
        let zone = Self.zone([
            Self.set("A", ["192.0.2.9"], ttl: 30, Self.mark("theirs", 3, 5000))
        ])
        var rules = rules
        rules.adopts = adopts

        let error = #expect(throws: SinkError.self) {
            try rules.writing(Self.route(["192.0.2.1"]), to: zone)
        }

        #expect(
            error?.description.hasPrefix(
                "www.example.org. A belongs to the policy www of another installation, theirs")
                == true)
    }

    @Test func `a CNAME in the way is refused, and replaced by adopt`() throws {
        let alias = Self.set("CNAME", ["cdn.example.net."], ttl: 300)
        var rules = rules

        let error = #expect(throws: SinkError.self) {
            try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([alias]))
        }
        rules.adopts = true
        let writing = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([alias]))

        #expect(
            error?.description.hasPrefix(
                "www.example.org. is CNAME cdn.example.net. (TTL 300), beside which there can be "
                    + "no address.") == true)
        #expect(writing.changes.map(\.changetype) == [.delete, .replace])
        #expect(writing.memory.before == [alias])
    }

    @Test func `a CNAME beside other records is refused, and adopt replaces no mail exchanger`()
        throws
    {
        var rules = rules
        rules.adopts = true
        let zone = Self.zone([Self.set("MX", ["10 mail.example.org."], ttl: 300)])

        #expect(throws: SinkError.self) {
            try rules.writing(Self.route(["cdn.example.net"]), to: zone)
        }
    }

    @Test func `our own CNAME gives way to addresses and back`() throws {
        let alias = Self.set("CNAME", ["cdn.example.net."], ttl: 30, Self.mark("ours", 7, 90))
        let address = Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 7, 90))

        let toAddress = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([alias]))
        let toAlias = try rules.writing(Self.route(["CDN.example.net"]), to: Self.zone([address]))

        #expect(toAddress.changes.map(\.changetype) == [.delete, .replace])
        #expect(toAlias.changes.map(\.type) == ["A", "CNAME"])
        #expect(toAlias.changes.last?.records?.map(\.content) == ["cdn.example.net."])
    }

    @Test(arguments: [["a.example.net", "b.example.net"], ["a.example.net", "192.0.2.1"]])
    func `what no name can be is refused`(_ values: [String]) throws {
        #expect(throws: SinkError.self) {
            try rules.writing(Self.route(values), to: Self.zone([]))
        }
    }

    @Test func `a secondary and a zone whose serial stays are refused, a native zone is not`()
        throws
    {
        for (kind, edit, isTaken) in [
            ("Native", "", true), ("Master", "DEFAULT", true), ("Primary", "INCREASE", true),
            ("Master", "", false), ("Primary", "", false), ("Slave", "DEFAULT", false),
            ("Secondary", "DEFAULT", false), ("Consumer", "DEFAULT", false),
            ("Forwarded", "DEFAULT", false),
        ] {
            var zone = Self.zone([])
            zone.kind = kind
            zone.soaEditAPI = edit
            zone.masters = ["192.0.2.53"]
            var error: SinkError?
            do throws(SinkError) { try rules.refuseZone(zone) } catch let thrown { error = thrown }

            #expect((error == nil) == isTaken, "\(kind) with \(edit)")
            if kind == "Master", !isTaken {
                #expect(
                    error?.finding.mend == "pdnsutil set-meta example.org. SOA-EDIT-API DEFAULT")
            }
        }
    }

    @Test func `drift is told with both values, whatever their spelling and order`() throws {
        let route = Self.route(["192.0.2.1", "192.0.2.2", "2001:db8::1"])
        let same = Self.zone([
            Self.set("A", ["192.0.2.2", "192.0.2.1"], ttl: 30),
            Self.set("AAAA", ["2001:0db8:0:0:0:0:0:1"], ttl: 30),
        ])
        let other = Self.zone([Self.set("A", ["192.0.2.9"], ttl: 30)])

        #expect(try rules.difference(from: route, in: same) == nil)
        #expect(
            try rules.difference(from: route, in: other) == """
                www.example.org. is A 192.0.2.9 (TTL 30) instead of A 192.0.2.1, 192.0.2.2 (TTL 30); \
                www.example.org. is without AAAA instead of AAAA 2001:db8::1 (TTL 30).
                """)
    }

    @Test func `a withdrawal takes what is ours, restores what was there, and leaves the rest`() {
        let before = Self.set("CNAME", ["old.example.net."], ttl: 300)
        var rules = rules
        rules.memory = PowerDNSMemory(types: ["A"], before: [before])
        let zone = Self.zone([
            Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 7, 90)),
            Self.set("AAAA", ["2001:db8::1"], ttl: 30, Self.mark("ours", 8, 90)),
            Self.set("TXT", ["\"v=1\""], ttl: 30),
        ])

        #expect(rules.withdrawal(.leave, from: zone) == [])
        #expect(rules.withdrawal(.remove, from: zone).map(\.type) == ["A"])
        #expect(
            rules.withdrawal(.restore, from: zone)
                == [.delete(zone.recordSets![0]), .replace(with: before)])  // It was just given.
        // Another policy of ours has it by now.
        let taken = Self.zone([Self.set("A", ["192.0.2.5"], ttl: 30, Self.mark("ours", 9, 99))])
        #expect(rules.withdrawal(.remove, from: taken) == [])
    }

    private static func route(_ values: [String], ttl: Int = 30) -> Route {
        Route(
            generation: 100, cause: .first, decidedAt: Timestamp(seconds: 100),
            answer: Answer(
                records: values.map {
                    PublishedMember(name: $0, value: $0, weight: 1, family: RecordFamily(of: $0))
                }, ttl: ttl), memory: RouteMemory(), members: [])
    }

    private static func zone(_ sets: [RecordSet]) -> Zone {
        Zone(
            name: "example.org.", kind: "Native", soaEditAPI: "", masters: [], recordSets: sets)
    }

    private static func set(
        _ type: String, _ values: [String], ttl: Int, _ comment: RecordSet.Comment? = nil
    ) -> RecordSet {
        RecordSet(
            name: "www.example.org.", type: type, ttl: ttl,
            records: values.map { RecordSet.Record(content: $0, disabled: false) },
            comments: comment.map { [$0] } ?? [])
    }

    private static func mark(
        _ installation: String, _ policy: PolicyID, _ generation: Int64
    ) -> RecordSet.Comment {
        OwnerMark(
            installation: installation, policy: policy, policyName: "www", generation: generation
        ).comment
    }
}
