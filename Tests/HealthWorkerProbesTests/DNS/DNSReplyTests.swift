import HealthWorkerModel
import HealthWorkerProbes
import Testing

@Suite struct DNSReplyTests {
    static let first = IPAddress.v4(0xc000_0201)
    static let second = IPAddress.v4(0xc000_0202)

    private func meaning(_ bytes: [UInt8], of query: Query) throws -> ReplyMeaning {
        let question = Question(
            name: try DomainName(query.name), type: RecordType(rawValue: query.type))
        return try DNSReply(bytes).meaning(for: question)
    }

    @Test func `a query asks one question, for recursion, and says how long an answer may be`()
        throws
    {
        let question = Question(name: try DomainName("Shop.example.com"), type: .aaaa)

        let bytes = question.query(id: 0xabcd, withEDNS: true)

        let header: [UInt8] = [0xab, 0xcd, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1]
        let name = [4] + Array("shop".utf8) + [7] + Array("example".utf8) + [3] + Array("com".utf8)
        let options: [UInt8] = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]
        #expect(bytes == header + name + [0, 0, 28, 0, 1] + options)
        #expect(question.query(id: 0xabcd, withEDNS: false).count == bytes.count - options.count)
    }

    @Test func `addresses hold as long as the record that ends first`() throws {
        let query = try query("shop.example.com")

        let meaning = try meaning(
            .reply(
                to: query,
                answers: [
                    .a("shop.example.com", 1, seconds: 300), .a("SHOP.example.com", 2, seconds: 20),
                    .a("other.example.com", 3, seconds: 1), .a("shop.example.com", 1),
                    .aaaa("shop.example.com", 9),
                ]), of: query)

        #expect(meaning == .answer(.addresses([Self.first, Self.second]), holds: 20))
    }

    @Test func `aliases are followed within the answer, in whatever order they stand`() throws {
        let query = try query("www.example.com")

        let meaning = try meaning(
            .reply(
                to: query,
                answers: [
                    .a("c.example.net", 1, seconds: 300),
                    .alias("b.example.net", "c.example.net", seconds: 30),
                    .alias("www.example.com", "b.example.net", seconds: 100),
                ]), of: query)

        #expect(meaning == .answer(.addresses([Self.first]), holds: 30))
    }

    @Test func `aliases that lead out of the answer are asked for again`() throws {
        let query = try query("www.example.com")

        let meaning = try meaning(
            .reply(
                to: query, answers: [.alias("www.example.com", "b.example.net", seconds: 40)]),
            of: query)

        #expect(meaning == .answer(.alias(try DomainName("b.example.net")), holds: 40))
    }

    @Test func `aliases in a circle are the server's trouble`() throws {
        let query = try query("a.example.com")

        let meaning = try meaning(
            .reply(
                to: query,
                answers: [
                    .alias("a.example.com", "b.example.com"),
                    .alias("b.example.com", "a.example.com"),
                ]), of: query)

        #expect(meaning == .trouble("more than 16 aliases in a row"))
    }

    @Test(arguments: [
        (3600 as UInt32, 300 as UInt32, 300 as UInt32), (60, 300, 60), (0x8000_0001, 300, 0),
    ])
    func `that there is nothing holds as long as the zone says`(
        _ seconds: UInt32, _ negative: UInt32, _ holds: UInt32
    ) throws {
        let query = try query("gone.example.com")
        let zone = WrittenRecord.zone("example.com", negative: negative, seconds: seconds)

        let gone = try meaning(.reply(to: query, code: 3, authority: [zone]), of: query)
        let empty = try meaning(.reply(to: query, authority: [zone]), of: query)

        #expect(gone == .answer(.nothing(.noSuchName), holds: holds))
        #expect(empty == .answer(.nothing(.noError), holds: holds))
    }

    @Test func `without the zone's word a negative answer is not kept`() throws {
        let query = try query("gone.example.com")

        #expect(
            try meaning(.reply(to: query, code: 3), of: query)
                == .answer(.nothing(.noSuchName), holds: 0))
        #expect(
            try meaning(.reply(to: query), of: query) == .answer(.nothing(.noError), holds: 0))
    }

    @Test func `an alias whose target has nothing is nothing`() throws {
        let query = try query("www.example.com")
        let alias = WrittenRecord.alias("www.example.com", "b.example.net", seconds: 5)
        let zone = WrittenRecord.zone("example.net", negative: 300)

        #expect(
            try meaning(.reply(to: query, answers: [alias], authority: [zone]), of: query)
                == .answer(.nothing(.noError), holds: 5))
        #expect(
            try meaning(.reply(to: query, code: 3, answers: [alias], authority: [zone]), of: query)
                == .answer(.nothing(.noSuchName), holds: 5))
    }

    @Test func `a referral is trouble, not an answer`() throws {
        let query = try query("shop.example.com")

        let meaning = try meaning(
            .reply(to: query, authority: [.nameServer("example.com")]), of: query)

        #expect(meaning == .trouble("a referral to other servers"))
    }

    @Test(arguments: [
        (1 as UInt8, ReplyMeaning.notUnderstood(.formatError)), (2, .trouble("SERVFAIL")),
        (4, .notUnderstood(.notImplemented)), (5, .trouble("REFUSED")), (9, .trouble("RCODE9")),
    ])
    func `other codes say that the server cannot say`(
        _ code: UInt8, _ expected: ReplyMeaning
    ) throws {
        let query = try query("shop.example.com")

        #expect(try meaning(.reply(to: query, code: code), of: query) == expected)
    }

    @Test func `the upper bits of a code stand in the options`() throws {
        let query = try query("shop.example.com")

        let reply = try DNSReply(
            .reply(to: query, answers: [.a(query.name, 1)], additional: [.options(upperCode: 1)]))

        #expect(reply.code == ResponseCode(rawValue: 16))
    }

    @Test func `a truncated reply means nothing else, cut anywhere`() throws {
        let query = try query("shop.example.com")
        let whole = [UInt8].reply(
            to: query, isTruncated: true, answers: [.a(query.name, 1), .a(query.name, 2)])

        #expect(try meaning(Array(whole.dropLast(9)), of: query) == .truncated)
    }

    @Test func `an answer has the id and the question`() throws {
        let query = try query("shop.example.com")
        let question = Question(name: try DomainName("shop.example.com"), type: .a)
        let others = [("shop.example.net", RecordType.a), ("shop.example.com", .aaaa)]

        let right = try DNSReply(.reply(to: query, code: 3))
        let bare = try DNSReply([0x12, 0x34, 0x81, 0x85, 0, 0, 0, 0, 0, 0, 0, 0])
        let bareSuccess = try DNSReply([0x12, 0x34, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0])

        #expect(right.isAnswer(to: question, id: 0x1234))
        #expect(!right.isAnswer(to: question, id: 0x1235))
        for (name, type) in others {
            let other = Question(name: try DomainName(name), type: type)
            #expect(!right.isAnswer(to: other, id: 0x1234))
        }
        // REFUSED without the question is believed; that there is nothing is not.
        #expect(bare.isAnswer(to: question, id: 0x1234))
        #expect(!bareSuccess.isAnswer(to: question, id: 0x1234))
    }

    @Test func `names are compressed to any depth, backwards`() throws {
        let query = try query("a.example.com")
        var bytes = [UInt8].reply(to: query, answers: [])
        bytes[7] = 1
        // "b" and a pointer to "example.com" of the question: the name of an alias to the question's.
        bytes += [1, UInt8(ascii: "b"), 0xc0, 14, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12]

        let reply = try DNSReply(bytes)

        let record = try #require(reply.answers.first)
        #expect(record.name.description == "b.example.com")
        let target = try DomainName("a.example.com")
        #expect(record.data == .alias(target))
    }

    @Test(arguments: [
        // A pointer to itself, one forward, and two that point at each other.
        ([0xc0, 31] as [UInt8], DNSReplyError.pointer), ([0xc0, 40], .pointer),
        ([0xc0, 33, 0xc0, 31], .pointer), ([0x40, 0], .label), ([0x80, 0], .label),
        ([63, 1], .short), ([], .short), ([0xc0], .short),
    ])
    func `a name that leads nowhere is refused`(_ name: [UInt8], _ error: DNSReplyError) throws {
        var bytes = [UInt8].reply(to: try query("a.example.com"))
        #expect(bytes.count == 31)
        bytes[7] = 1

        #expect(throws: error) { try DNSReply(bytes + name) }
    }

    @Test func `a name that grows past 255 bytes through pointers is refused`() throws {
        var bytes = [UInt8].reply(to: try query("a.example.com"))
        bytes[7] = 5
        var last: Int?
        for _ in 0..<5 {
            let start = bytes.count
            bytes += [63] + [UInt8](repeating: UInt8(ascii: "x"), count: 63)
            bytes += last.map { [0xc0 | UInt8($0 >> 8), UInt8($0 & 0xff)] } ?? [0]
            bytes += [0, 16, 0, 1, 0, 0, 0, 60, 0, 0]
            last = start
        }

        #expect(throws: DNSReplyError.long) { try DNSReply(bytes) }
    }

    @Test(arguments: [
        ([0, 1, 0, 1, 0, 0, 0, 60, 0, 3, 1, 2, 3] as [UInt8], DNSReplyError.data),
        ([0, 28, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4], .data),
        ([0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3], .short),
        ([0, 5, 0, 1, 0, 0, 0, 60, 0, 3, 0xc0, 12, 0], .data),
        ([0, 5, 0, 1, 0, 0, 0, 60, 0, 1, 0xc0, 12], .data),
        ([0, 6, 0, 1, 0, 0, 0, 60, 0, 4, 0xc0, 12, 0xc0, 12], .short),
        ([0, 1, 0, 1, 0, 0, 0, 60, 0xff, 0xff], .short),
    ])
    func `data that do not fit their type or length are refused`(
        _ record: [UInt8], _ error: DNSReplyError
    ) throws {
        var bytes = [UInt8].reply(to: try query("a.example.com"))
        bytes[7] = 1

        #expect(throws: error) { try DNSReply(bytes + [0xc0, 12] + record) }
    }

    @Test func `counts that lie are refused`() throws {
        let query = try query("a.example.com")
        let bytes = [UInt8].reply(to: query, answers: [.a(query.name, 1)])

        for place in [6, 8, 10] {
            var lying = bytes
            lying[place] = 0xff
            #expect(throws: DNSReplyError.short) { try DNSReply(lying) }
        }
        var severalQuestions = bytes
        severalQuestions[5] = 2
        #expect(throws: DNSReplyError.questions) { try DNSReply(severalQuestions) }
    }

    @Test func `what is no reply is refused`() throws {
        let query = try query("a.example.com")
        var update = [UInt8].reply(to: query)
        update[2] |= 0x28

        #expect(throws: DNSReplyError.query) { try DNSReply(query.bytes) }
        #expect(throws: DNSReplyError.operation) { try DNSReply(update) }
        #expect(throws: DNSReplyError.short) { try DNSReply([]) }
        #expect(throws: DNSReplyError.short) { try DNSReply([UInt8](repeating: 0x80, count: 11)) }
    }
}
