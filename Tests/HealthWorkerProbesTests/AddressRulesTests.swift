import FreePorts
import HealthWorkerModel
import HealthWorkerProbes
import Logging
import NIOCore
import Synchronization
import Testing

@Suite struct AddressRulesTests {
    private func denies(
        _ address: String, port: Int = 80, by rules: AddressRules = AddressRules()
    ) throws -> Bool {
        rules.denial(of: try #require(IPAddress(address)), port: port) != nil
    }

    private func networks(_ texts: String...) throws -> [Network] {
        try texts.map { try Network($0) }
    }

    @Test(arguments: [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.2.1", "::1",
        "fd00::1", "2001:db8::1", "169.253.255.255", "169.255.0.0", "223.255.255.255",
        "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1",
        "64:ff9b:1:a00:0:100::", "2002:a00:1::1", "2001:db8::5efe:10.0.0.1",
        "2001:0:102:304:0:0:f5ff:fffe",
    ])
    func `loopback, private and public addresses may be probed`(_ address: String) throws {
        #expect(try !denies(address))
    }

    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "169.254.0.1", "169.254.169.254", "169.254.255.255", "224.0.0.1",
        "239.255.255.255", "255.255.255.255", "100.100.100.200", "168.63.129.16", "::", "fe80::1",
        "febf::1", "ff02::1", "fd00:ec2::254", "::ffff:169.254.169.254", "::ffff:0.0.0.0",
        "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1",
        // Compatible, translated, NAT64 by a local prefix of 96, 48, 56 and 64 bits, Teredo's server and
        // its client behind the mask, ISATAP.
        "::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b:1::169.254.169.254",
        "64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:a9:fe:a9fe::", "64:ff9b:1:0:a9:fea9:fe00::",
        "2001:0:a9fe:a9fe::1", "2001:0:102:304::5601:5601", "2001:db8::5efe:169.254.169.254",
        "2001:db8::200:5efe:169.254.169.254",
    ])
    func `link-local, multicast, unspecified and metadata addresses may not`(
        _ address: String
    ) throws {
        #expect(try denies(address))
    }

    @Test func `the configuration denies networks and makes exceptions`() throws {
        let rules = AddressRules(
            deny: try networks("10.0.0.0/8", "2001:db8::/32"),
            allow: try networks("10.1.0.0/16", "169.254.7.0/24"))

        #expect(try denies("10.2.0.1", by: rules))
        #expect(try !denies("10.1.0.1", by: rules))
        #expect(try denies("2001:db8::1", by: rules))
        #expect(try denies("::ffff:10.2.0.1", by: rules))
        #expect(try !denies("169.254.7.7", by: rules))
        #expect(try denies("169.254.8.8", by: rules))
    }

    @Test func `only some networks may be all that is allowed`() throws {
        let rules = AddressRules(
            deny: try networks("0.0.0.0/0", "::/0"), allow: try networks("192.0.2.0/24"))

        #expect(try denies("127.0.0.1", by: rules))
        #expect(try denies("::1", by: rules))
        #expect(try !denies("192.0.2.9", by: rules))
    }

    @Test func `allowing everything opens nothing that is denied by itself`() throws {
        let rules = AddressRules(allow: try networks("0.0.0.0/0", "::/0"))

        #expect(try denies("169.254.169.254", by: rules))
        #expect(try denies("fe80::1", by: rules))
    }

    @Test func `an address may be opened by naming it, and denying it again holds`() throws {
        let address = try networks("169.254.169.254/32")

        #expect(try !denies("169.254.169.254", by: AddressRules(allow: address)))
        #expect(try denies("169.254.169.254", by: AddressRules(deny: address, allow: address)))
    }

    @Test func `a service of our own is denied at its port only`() throws {
        let rules = AddressRules(services: [.init(address: .v4(0x7f00_0001), port: 5432)])

        #expect(try denies("127.0.0.1", port: 5432, by: rules))
        #expect(try denies("::ffff:127.0.0.1", port: 5432, by: rules))
        #expect(try !denies("127.0.0.1", port: 80, by: rules))
    }

    @Test func `a service on this machine is denied at every address that leads here`() throws {
        let machine = try #require(IPAddress("192.0.2.7"))
        let rules = [IPAddress.v4(0x7f00_0001), machine].map { address in
            AddressRules(services: [.init(address: address, port: 5432)], machine: [machine])
        }

        for rules in rules {
            for address in [
                "127.0.0.1", "127.8.8.8", "::1", "192.0.2.7", "::ffff:127.0.0.2", "::192.0.2.7",
            ] {
                #expect(try denies(address, port: 5432, by: rules))
                #expect(try !denies(address, port: 5433, by: rules))
            }
            #expect(try !denies("192.0.2.8", port: 5432, by: rules))
        }
    }

    @Test func `a service of our own may be probed where its address is allowed by name`() throws {
        let service = AddressRules.Service(address: .v4(0xc000_0207), port: 5432)

        #expect(
            try !denies(
                "192.0.2.7", port: 5432,
                by: AddressRules(allow: try networks("192.0.2.7/32"), services: [service])))
        #expect(
            try denies(
                "192.0.2.7", port: 5432,
                by: AddressRules(allow: try networks("192.0.2.0/24"), services: [service])))
    }

    @Test func `rules that change hold for the next probe`() async throws {
        let server = try await LocalServer(.init())
        let probers = Probers(
            resolver: FixedResolver(), addressRules: AddressRules(), secrets: { _ in nil },
            logger: Logger(label: "test"))
        let prober = try #require(probers.prober(for: .tcp))
        let spec = check(.tcp, port: server.port)
        #expect(await prober.probe(spec).outcome == .success)

        probers.use(
            AddressRules(services: [.init(address: .v4(0x7f00_0001), port: server.port)]))

        let report = await prober.probe(spec)
        #expect(report.outcome == .inconclusive(.targetBlocked))
        #expect(report.detail == "127.0.0.1:\(server.port) is a service of this installation")
        // The process itself may: what it was told to reach is nobody's check.
        #expect(
            await probers.reach("127.0.0.1", port: server.port, within: .seconds(5)) == .success)
        await probers.shutdown()
        try await server.stop()
    }

    @Test func `a name that answers differently each time is judged by the answer that is used`()
        async throws
    {
        let server = try await LocalServer(answering: .send(HTTPProberTests.ok))
        let rebinding = RebindingResolver([.v4(0x7f00_0001), .v4(0xa9fe_a9fe)])

        let first = await probe(
            check(at: "evil.example.com", port: server.port), resolver: rebinding)
        let second = await probe(
            check(at: "evil.example.com", port: server.port), resolver: rebinding)

        #expect(first.outcome == .success)
        #expect(first.address == "127.0.0.1:\(server.port)")
        #expect(second.outcome == .inconclusive(.targetBlocked))
        // Nobody asked again between the judgement and the connection.
        #expect(rebinding.questions == 2)
        try await server.stop()
    }

    @Test(arguments: [
        "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.01",
        "fe80::1%lo", "::1%lo", "127.0.0.1.", "1.2.3.0x4",
    ])
    func `an address in another form than the usual one is none`(_ host: String) async throws {
        // What the C library would read there.
        let resolver = FixedResolver([host: .success([.v4(0x7f00_0001)])])

        let report = await probe(check(.tcp, at: host, port: try freePort()), resolver: resolver)

        #expect(report.outcome == .failure(.dnsNXDomain))
        #expect(report.detail == "\(host) is neither a name nor an address")
        #expect(resolver.names.isEmpty)
    }

    @Test func `the rule is applied to what a name resolves to`() async throws {
        let resolver = FixedResolver([
            "meta.example.com": .success([.v4(0xa9fe_a9fe)]),
            "six.example.com": .success([.v6([0xfe80, 0, 0, 0, 0, 0, 0, 1])]),
        ])

        let report = await probe(check(at: "meta.example.com", port: 80), resolver: resolver)
        let second = await probe(check(.tcp, at: "six.example.com", port: 22), resolver: resolver)

        #expect(report.outcome == .inconclusive(.targetBlocked))
        #expect(report.address == "169.254.169.254:80")
        #expect(report.detail == "169.254.169.254:80 is a metadata address")
        #expect(report.phases.reached == ["resolve"])
        #expect(second.outcome == .inconclusive(.targetBlocked))
        #expect(second.address == "[fe80::1]:22")
    }
}

/// Answers with the next address at each question.
private final class RebindingResolver: NameResolver {
    private let answers: [IPAddress]
    private let asked = Mutex(0)

    init(_ answers: [IPAddress]) {
        self.answers = answers
    }

    var questions: Int { asked.withLock { $0 } }

    func lookUp(
        _ name: String, family: IPFamily, by deadline: NIODeadline, on eventLoop: any EventLoop
    ) -> NameLookup {
        let index = asked.withLock { asked in
            defer { asked += 1 }
            return asked
        }
        return NameLookup(
            eventLoop.makeSucceededFuture([answers[min(index, answers.count - 1)]]))
    }

    func shutdown() async {}
}

@Suite struct NetworkTests {
    @Test(arguments: [
        ("192.0.2.0/24", "192.0.2.0/24"), ("192.0.2.1", "192.0.2.1/32"), ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8:0:0::/32", "2001:db8::/32"), ("::1", "::1/128"), ("::/0", "::/0"),
        ("fe80::/10", "fe80::/10"),
    ])
    func `a network is read and written`(_ text: String, _ written: String) throws {
        #expect(try Network(text).description == written)
    }

    @Test(arguments: [
        ("", "\"\" is no network: write an address and a length, as in 192.0.2.0/24"),
        (
            "localhost/8",
            "\"localhost/8\" is no network: write an address and a length, as in 192.0.2.0/24"
        ),
        ("10.0.0.0/33", "\"10.0.0.0/33\" has no length of 0 … 32 after the \"/\""),
        ("10.0.0.0/", "\"10.0.0.0/\" has no length of 0 … 32 after the \"/\""),
        ("10.0.0.0/+8", "\"10.0.0.0/+8\" has no length of 0 … 32 after the \"/\""),
        ("10.0.0.0/08", "\"10.0.0.0/08\" has no length of 0 … 32 after the \"/\""),
        ("::/129", "\"::/129\" has no length of 0 … 128 after the \"/\""),
        ("10.1.2.3/8", "\"10.1.2.3/8\" has bits beyond its length; the network is 10.0.0.0/8"),
        ("fe81::/10", "\"fe81::/10\" has bits beyond its length; the network is fe80::/10"),
    ])
    func `a wrong network says what is wrong`(_ text: String, _ sentence: String) {
        let error = #expect(throws: NetworkError.self) { try Network(text) }

        #expect(error?.description == sentence)
    }

    @Test(arguments: [
        "::", "::1", "1::", "1:2:3:4:5:6:7:8", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "1:0:0:2::3",
        "1::2:0:0:3", "fe80::1", "1:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:8",
    ])
    func `an IPv6 address is written as RFC 5952 says`(_ text: String) {
        #expect(IPAddress(text)?.text == text)
    }
}
