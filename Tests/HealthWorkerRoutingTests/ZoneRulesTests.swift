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

        for values in [["192.0.2.1"], [], ["2001:db8::1"], ["cdn.example.net"]] {
            let error = #expect(throws: SinkError.self) {
                try rules.writing(Self.route(values), to: Self.zone([later]))
            }
            #expect(error == .superseded(by: 101))
        }
    }

    @Test
    func `what another policy of ours published there is replaced, however late it was`()
        throws
    {
        let other = Self.set("A", ["192.0.2.9"], ttl: 30, Self.mark("ours", 8, 5000))

        let writing = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([other]))

        #expect(writing.changes.map(\.changetype) == [.replace])
        #expect(writing.memory.before == [])
    }

    @Test func `equal values get the mark of the policy that publishes them now`() throws {
        let other = Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 8, 90))

        let writing = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([other]))

        #expect(writing.changes.map(\.comments) == [[Self.mark("ours", 7, 100)]])
    }

    @Test func `a second attempt marks also what the zone holds already`() throws {
        let held = Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 7, 90))
        let marked = Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 7, 100))
        let route = Self.route(["192.0.2.1"])

        let again = try rules.writing(route, to: Self.zone([held]), marksAgain: true)
        let done = try rules.writing(route, to: Self.zone([marked]), marksAgain: true)

        #expect(again.changes.map(\.comments) == [[Self.mark("ours", 7, 100)]])
        #expect(done.changes == [])
    }

    @Test func `comments of people stay beside ours`() throws {
        let note = RecordSet.Comment(content: "asked for by Ann", account: "ann")
        var held = Self.set("A", ["192.0.2.9"], ttl: 30, Self.mark("ours", 7, 90))
        held.comments?.append(note)

        let writing = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([held]))

        #expect(writing.changes.map(\.comments) == [[note, Self.mark("ours", 7, 100)]])
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
        var later = rules
        later.memory = writing.memory
        let ours = Self.zone([Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 7, 100))])

        #expect(writing.changes.map(\.changetype) == [.replace])
        // It was there before us, and is there after us.
        #expect(later.withdrawal(.restore, from: ours) == [.replace(with: zone.recordSets![0])])
    }

    @Test func `what is taken over is to be remembered before, and once`() throws {
        let foreign = Self.set("A", ["192.0.2.9"], ttl: 300)
        var rules = rules
        rules.adopts = true

        let first = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([foreign]))
        rules.memory = first.memoryBefore
        let second = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([foreign]))

        // What is not written yet is nobody's yet.
        #expect(first.memoryBefore == PowerDNSMemory(types: [], before: [foreign]))
        #expect(second.memoryBefore == nil)
        #expect(second.memory == PowerDNSMemory(types: ["A"], before: [foreign]))
        #expect(second.changes == first.changes)
    }

    @Test func `a type is looked at in the whole zone before it is written first`() throws {
        let ours = Self.set("A", ["192.0.2.9"], ttl: 30, Self.mark("ours", 7, 90))
        var disabled = Self.set("A", ["192.0.2.9"], ttl: 30)
        disabled.records[0].disabled = true
        let route = Self.route(["192.0.2.1"])

        #expect(try rules.writing(route, to: Self.zone([])).isFirst)
        #expect(try !rules.writing(route, to: Self.zone([ours])).isFirst)
        let error = #expect(throws: SinkError.self) {
            try rules.writing(route, to: Self.zone([disabled]))
        }
        #expect(error?.description.contains("A 192.0.2.9 (disabled) (TTL 30) already") == true)
    }

    @Test func `an alias that a policy left is no hindrance, and none is made of a zone itself`()
        throws
    {
        let left = Self.set("CNAME", ["cdn.example.net."], ttl: 30, Self.mark("ours", 8, 90))
        var apex = rules
        apex.name = "example.org."

        let writing = try rules.writing(Self.route(["192.0.2.1"]), to: Self.zone([left]))
        let error = #expect(throws: SinkError.self) {
            try apex.writing(Self.route(["cdn.example.net"]), to: Self.zone([]))
        }

        #expect(writing.changes.map(\.changetype) == [.delete, .replace])
        #expect(
            error?.finding.mend == "Let policy www publish addresses there, or another name.")
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
            try rules.difference(from: route, in: other)
                == SinkDifference(
                    """
                    www.example.org. is A 192.0.2.9 (TTL 30) instead of A 192.0.2.1, 192.0.2.2 \
                    (TTL 30); www.example.org. is without AAAA instead of AAAA 2001:db8::1 (TTL 30).
                    """))
    }

    @Test(arguments: [(7 as PolicyID, 90, true), (7, 100, false), (7, 101, true), (8, 100, true)])
    func `a difference is ours where the mark is of another generation or policy`(
        _ policy: PolicyID, _ generation: Int64, _ isOurs: Bool
    ) throws {
        let zone = Self.zone([
            Self.set("A", ["192.0.2.9"], ttl: 30, Self.mark("ours", policy, generation))
        ])

        let difference = try rules.difference(from: Self.route(["192.0.2.1"]), in: zone)

        #expect(difference?.isOurs == isOurs)
    }

    @Test func `a withdrawal takes what is ours, restores what was there, and leaves the rest`() {
        let before = Self.set("A", ["192.0.2.8"], ttl: 300)
        let alias = Self.set("CNAME", ["old.example.net."], ttl: 300)
        var rules = rules
        rules.memory = PowerDNSMemory(types: ["A"], before: [before])
        let zone = Self.zone([
            Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 7, 90)),
            Self.set("AAAA", ["2001:db8::1"], ttl: 30, Self.mark("ours", 8, 90)),
            Self.set("TXT", ["\"v=1\""], ttl: 30),
        ])

        #expect(rules.withdrawal(.leave, from: zone) == [])
        #expect(rules.withdrawal(.remove, from: zone).map(\.type) == ["A"])
        #expect(rules.withdrawal(.restore, from: zone) == [.replace(with: before)])
        // An alias comes back where nothing else is.
        rules.memory?.before = [alias]
        #expect(rules.withdrawal(.restore, from: zone).map(\.changetype) == [.delete])
        let alone = Self.zone([Self.set("A", ["192.0.2.1"], ttl: 30, Self.mark("ours", 7, 90))])
        #expect(
            rules.withdrawal(.restore, from: alone).map(\.type) == ["A", "CNAME"])
        // Another policy of ours has it by now.
        let taken = Self.zone([Self.set("A", ["192.0.2.5"], ttl: 30, Self.mark("ours", 9, 99))])
        #expect(rules.withdrawal(.remove, from: taken) == [])
        // Another policy will have it: it is not taken away before.
        #expect(rules.withdrawal(.remove, taken: [.a], from: zone) == [])
        #expect(rules.withdrawal(.restore, taken: [.a], from: zone) == [])
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
