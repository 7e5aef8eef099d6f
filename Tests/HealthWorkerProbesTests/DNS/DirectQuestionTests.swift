import HealthWorkerModel
import HealthWorkerProbes
import NIOPosix
import Testing

@Suite struct DirectQuestionTests {
    private func records(
        _ name: String, _ family: RecordFamily, at port: Int, within limit: Duration = .seconds(30)
    ) async throws -> [String] {
        let name = try DomainName(name)
        return try await DirectQuestion.ask(
            Question(name: name, type: RecordType(family)),
            of: NameServer(address: .v4(0x7f00_0001), port: port), waiting: limit,
            on: MultiThreadedEventLoopGroup.singleton
        ).records(of: name, family).map { "\($0.value) \($0.ttl)" }.sorted()
    }

    @Test(arguments: [
        ("a.hw.test", RecordFamily.a, ["192.0.2.1 300"]), ("A.HW.Test.", .a, ["192.0.2.1 300"]),
        ("zero.hw.test", .a, ["192.0.2.7 0"]), ("both.hw.test", .aaaa, ["2001:db8::2 300"]),
        ("www.hw.test", .cname, ["a.hw.test 300"]),
        ("text.hw.test", .txt, ["\"no address\" 300"]),
        // Another name's addresses are not this one's.
        ("www.hw.test", .a, []), ("text.hw.test", .a, []), ("missing.hw.test", .a, []),
    ])
    func `a name server says what a name has, with its TTL`(
        _ name: String, _ family: RecordFamily, _ expected: [String]
    ) async throws {
        #expect(try await records(name, family, at: try Bind().port) == expected)
    }

    @Test func `an answer too long for a datagram comes over TCP`() async throws {
        let found = try await records("big.hw.test", .a, at: try Bind().port)

        #expect(Set(found) == Set((1...100).map { "198.51.100.\($0) 300" }))
    }

    @Test func `a server that cannot say is told from one that says there is nothing`() async throws
    {
        let port = try Bind().port

        await #expect(throws: DirectQuestion.Trouble.failed("it answers SERVFAIL")) {
            try await records("a.broken.test", .a, at: port)
        }
    }

    @Test func `a server that is silent has its time, and no more`() async throws {
        let silent = try await ScriptedNameServer { _ in .silence }

        await #expect(throws: DirectQuestion.Trouble.silent) {
            try await records("a.hw.test", .a, at: silent.port, within: .milliseconds(100))
        }

        #expect(silent.names == ["a.hw.test"])
        try await silent.stop()
    }
}
