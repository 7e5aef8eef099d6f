import Glibc
import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import NIOPosix
import Testing

/// Against a real name server.
@Suite struct BindTests {
    @Test(arguments: [
        ("a.hw.test", IPFamily.any, ["192.0.2.1"]), ("A.HW.Test.", .v4, ["192.0.2.1"]),
        ("both.hw.test", .any, ["192.0.2.2"]), ("both.hw.test", .v6, ["2001:db8::2"]),
        ("six.hw.test", .any, ["2001:db8::6"]), ("six.hw.test", .v6, ["2001:db8::6"]),
        ("several.hw.test", .any, ["192.0.2.3", "192.0.2.4", "192.0.2.5"]),
        ("www.hw.test", .any, ["192.0.2.1"]), ("chain.hw.test", .v4, ["192.0.2.2"]),
        ("chain.hw.test", .v6, ["2001:db8::2"]), ("out.hw.test", .any, ["203.0.113.1"]),
        ("_sip._tcp.hw.test", .any, ["192.0.2.8"]), ("x.y.wild.hw.test", .any, ["192.0.2.9"]),
    ])
    func `names are found`(
        _ name: String, _ family: IPFamily, _ expected: [String]
    ) async throws {
        try await withResolver(asking: try Bind().port) { resolver async throws in
            let addresses = try await resolver.addresses(of: name, family: family)
            // BIND turns the order of several.
            #expect(addresses.map(\.text).sorted() == expected)
        }
    }

    @Test(arguments: [
        ("missing.hw.test", IPFamily.any, "missing.hw.test does not exist"),
        ("dangling.hw.test", .any, "dangling.hw.test does not exist"),
        ("text.hw.test", .any, "text.hw.test has no address of this family"),
        ("six.hw.test", .v4, "six.hw.test has no address of this family"),
        ("a.hw.test", .v6, "a.hw.test has no address of this family"),
        ("er.hw.test", .any, "er.hw.test has no address of this family"),
    ])
    func `names that have nothing are told from those that do not exist`(
        _ name: String, _ family: IPFamily, _ sentence: String
    ) async throws {
        try await withResolver(asking: try Bind().port) { resolver async throws in
            await #expect(throws: NameResolverError.noSuchName(sentence)) {
                try await resolver.addresses(of: name, family: family)
            }
        }
    }

    @Test func `SERVFAIL and aliases in a circle are trouble`() async throws {
        let port = try Bind().port

        try await withResolver(asking: port) { resolver async throws in
            await #expect(
                throws: NameResolverError.failed("a.broken.test A: [127.0.0.1]:\(port): SERVFAIL")
            ) {
                try await resolver.addresses(of: "a.broken.test")
            }
            await #expect(throws: NameResolverError.self) {
                try await resolver.addresses(of: "loop.hw.test")
            }
        }
    }

    @Test func `an answer too long for a datagram comes over TCP`() async throws {
        try await withResolver(asking: try Bind().port) { resolver async throws in
            let addresses = try await resolver.addresses(of: "big.hw.test")
            #expect(addresses.count == 100)
            #expect(Set(addresses) == Set((1...100).map { IPAddress.v4(0xc633_6400 | $0) }))
        }
    }

    @Test func `a negative answer holds as long as the zone says`() async throws {
        let question = Question(name: try DomainName("missing.hw.test"), type: .a)
        let reply = try await ask(question, port: try Bind().port)

        #expect(reply.meaning(for: question) == .answer(.nothing(.noSuchName), holds: 7))
    }

    /// One query as it is, past the resolver.
    private func ask(_ question: Question, port: Int) async throws -> DNSReply {
        let group = MultiThreadedEventLoopGroup.singleton
        let answer = group.any().makePromise(of: [UInt8].self)
        let channel = try await DatagramBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FirstDatagram(answer))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(bytes: question.query(id: 7, withEDNS: true)))
        let reply = try DNSReply(try await answer.futureResult.get())
        try await channel.close()
        return reply
    }

    /// The system's own resolver has the last word about what names mean. It does not ask for the
    /// target of an alias that the answer lacks, so `out.hw.test` is not among them; and where there is
    /// a search list it calls a name that gets SERVFAIL one that does not exist, hence the dot.
    @Test(arguments: [
        "search hw.test\n", "search other.test hw.test\noptions ndots:3\n", "search .\n",
    ])
    func `the system finds the same`(_ options: String) async throws {
        let bind = try Bind()
        let hosts = """
            127.0.0.1 localhost
            192.0.2.100 listed listed.example # remark
            192.0.2.101 listed
            2001:db8::100 listed
            192.0.2.102 only4 both.hw.test
            2001:db8::103 only6
            """
        let names = [
            "a.hw.test", "A.HW.Test", "a.hw.test.", "a", "a.", "both", "both.hw.test", "six",
            "six.hw.test", "several.hw.test", "www", "www.hw.test", "chain.hw.test",
            "dangling.hw.test", "missing", "missing.hw.test", "text.hw.test", "_sip._tcp.hw.test",
            "_sip._tcp", "x.y.wild.hw.test", "wild.hw.test", "big.hw.test", "deep.er.hw.test",
            "deep.er", "er.hw.test", "zero.hw.test", "a.other.test", "a.other", "localhost",
            "LOCALHOST", "listed", "listed.example", "only4", "only6", "hw.test", "test",
            "a.broken.test.", "nothing.like.this.anywhere",
        ]
        let system = try await SystemOracle.resolve(
            names, hosts: hosts, configuration: "nameserver 127.0.0.1\n" + options, bind: bind)

        try await withResolver(asking: bind.port, hosts: hosts, options: options) {
            resolver async throws in
            for name in names {
                for family in [IPFamily.v4, .v6, .any] {
                    let theirs = try #require(system[name]?[family])
                    let ours = await finding(of: name, family, by: resolver)
                    #expect(agrees(ours, with: theirs, family), "\(name), \(family)")
                }
            }
        }
    }

    private func finding(
        of name: String, _ family: IPFamily, by resolver: OwnResolver
    ) async -> SystemOracle.Finding {
        do {
            let addresses = try await resolver.addresses(of: name, family: family)
            return .addresses(Set(addresses.map(\.text)))
        } catch NameResolverError.noSuchName {
            return .noSuchName
        } catch {
            return .failed
        }
    }

    /// For both families the own resolver leaves IPv6 out where there is IPv4.
    private func agrees(
        _ ours: SystemOracle.Finding, with theirs: SystemOracle.Finding, _ family: IPFamily
    ) -> Bool {
        guard family == .any, case .addresses(let found) = ours, case .addresses(let all) = theirs
        else { return ours == theirs }
        let v4 = all.filter { !$0.contains(":") }
        return found.isSubset(of: all) && (v4.isEmpty ? found == all : v4.isSubset(of: found))
    }

    @Test func `a lookup takes little, cached less`() async throws {
        let names = (0..<2000).map { "n\($0).wild.hw.test" }

        try await withResolver(asking: try Bind().port) { resolver async throws in
            for label in ["uncached", "cached"] {
                let before = processorMicroseconds()
                var found = 0
                for start in stride(from: 0, to: names.count, by: 100) {
                    let futures = names[start..<(start + 100)].map { resolver.future(of: $0) }
                    for future in futures where try await future.get().count == 1 { found += 1 }
                }
                let each = (processorMicroseconds() - before) / names.count
                print("dns lookup, \(label): \(each) µs of CPU each, \(names.count) lookups")
                #expect(found == names.count)
            }
        }
    }

    /// Of this process alone: the name server is another one.
    private func processorMicroseconds() -> Int {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
            + Int(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }
}

private final class FirstDatagram: ChannelInboundHandler, Sendable {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let answer: EventLoopPromise<[UInt8]>

    init(_ answer: EventLoopPromise<[UInt8]>) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        answer.succeed(Array(unwrapInboundIn(data).data.readableBytesView))
    }
}
