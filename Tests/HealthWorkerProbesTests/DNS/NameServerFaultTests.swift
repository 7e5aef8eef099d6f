import FreePorts
import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import Testing

@Suite struct NameServerFaultTests {
    static let right = [IPAddress.v4(0xc000_0201)]
    static let forged: UInt8 = 66
    /// A second for each server, in the minute that a lookup is given.
    static let quick = "search .\noptions timeout:1 attempts:2\n"

    private func answer(to query: Query, _ last: UInt8 = 1) -> [UInt8] {
        .reply(to: query, answers: [.a(query.name, last)])
    }

    @Test func `a server that does not answer is followed by the next`() async throws {
        let silent = try await ScriptedNameServer { _ in .silence }
        let next = try await ScriptedNameServer(answering: 1)

        try await withResolver(asking: silent.port, next.port, options: Self.quick) {
            resolver async throws in
            #expect(
                try await resolver.addresses(of: "shop.example.com")
                    == Self.right)
        }
        #expect(silent.names == ["shop.example.com"])
        #expect(next.names == ["shop.example.com"])
        try await silent.stop()
        try await next.stop()
    }

    @Test func `a dead server delays a few questions, not all`() async throws {
        let dead = try await ScriptedNameServer { _ in .silence }
        let alive = try await ScriptedNameServer(answering: 1)

        try await withResolver(asking: dead.port, alive.port, options: Self.quick) {
            resolver async throws in
            for number in 0..<20 {
                #expect(
                    try await resolver.addresses(of: "n\(number).example.com") == Self.right)
            }
        }
        // After these it is asked last.
        #expect(dead.names == ["n0.example.com", "n1.example.com", "n2.example.com"])
        #expect(alive.names.count == 20)
        try await dead.stop()
        try await alive.stop()
    }

    @Test func `nobody listening is seen at once`() async throws {
        let next = try await ScriptedNameServer(answering: 1)

        try await withResolver(asking: try freePort(), next.port) { resolver async throws in
            #expect(try await resolver.addresses(of: "shop.example.com") == Self.right)
        }
        // An hour is a wait that no test survives: the refusal came in its place.
        let port = try freePort()
        try await withResolver(asking: port) { resolver async throws in
            await #expect(
                throws: NameResolverError.failed(
                    "shop.example.com A: [127.0.0.1]:\(port): Connection refused")
            ) {
                try await resolver.addresses(of: "shop.example.com", within: .hours(1))
            }
        }
        try await next.stop()
    }

    @Test func `nobody answering is inconclusive`() async throws {
        let server = try await ScriptedNameServer { _ in .silence }

        try await withResolver(asking: server.port, options: Self.quick) { resolver async throws in
            await #expect(throws: NameResolverError.timedOut) {
                try await resolver.addresses(of: "late.example.com", within: .milliseconds(500))
            }
            await #expect(
                throws: NameResolverError.failed(
                    "shop.example.com A: no answer from [127.0.0.1]:\(server.port)")
            ) {
                try await resolver.addresses(of: "shop.example.com", within: .hours(1))
            }
        }
        #expect(server.names.filter { $0 == "shop.example.com" }.count == 2)
        try await server.stop()
    }

    @Test func `an answer with another id or question is passed over`() async throws {
        let server = try await ScriptedNameServer { query in
            var otherName = query
            otherName.name = "other.example.com"
            var otherType = query
            otherType.type = 28
            let right = answer(to: query)
            let forged = answer(to: query, Self.forged)
            return .send([
                forged.with(id: query.id &+ 1), forged.with(id: ~query.id),
                answer(to: otherName, Self.forged), answer(to: otherType, Self.forged), [], [1],
                query.bytes.with(id: query.id &+ 1), right,
            ])
        }

        try await withResolver(asking: server.port) { resolver async throws in
            #expect(try await resolver.addresses(of: "shop.example.com") == Self.right)
        }
        #expect(server.names == ["shop.example.com"])
        try await server.stop()
    }

    @Test func `an answer from another source is passed over`() async throws {
        let server = try await ScriptedNameServer { query in
            .forge(answer(to: query, Self.forged), then: answer(to: query))
        }

        try await withResolver(asking: server.port) { resolver async throws in
            #expect(try await resolver.addresses(of: "shop.example.com") == Self.right)
        }
        try await server.stop()
    }

    @Test(arguments: [
        (2 as UInt8, "SERVFAIL"), (5, "REFUSED"), (9, "RCODE9"),
    ])
    func
        `a server that cannot say is followed by the next, and where there is none is inconclusive`(
            _ code: UInt8, _ word: String
        ) async throws
    {
        let troubled = try await ScriptedNameServer { query in
            .send([.reply(to: query, code: code)])
        }
        let next = try await ScriptedNameServer(answering: 1)

        try await withResolver(asking: troubled.port, next.port) { resolver async throws in
            #expect(try await resolver.addresses(of: "shop.example.com") == Self.right)
        }
        try await withResolver(asking: troubled.port) { resolver async throws in
            await #expect(
                throws: NameResolverError.failed(
                    "shop.example.com A: [127.0.0.1]:\(troubled.port): \(word)")
            ) {
                try await resolver.addresses(of: "shop.example.com")
            }
        }
        // Once each: asking again what was just answered would change nothing.
        #expect(troubled.names.count == 2)
        try await troubled.stop()
        try await next.stop()
    }

    @Test func `a malformed answer is the server's trouble`() async throws {
        let troubled = try await ScriptedNameServer { query in
            .send([Array(answer(to: query).dropLast(3))])
        }
        let next = try await ScriptedNameServer(answering: 1)

        try await withResolver(asking: troubled.port, next.port) { resolver async throws in
            #expect(try await resolver.addresses(of: "shop.example.com") == Self.right)
        }
        try await withResolver(asking: troubled.port) { resolver async throws in
            let error = await #expect(throws: NameResolverError.self) {
                try await resolver.addresses(of: "shop.example.com")
            }
            guard case .failed(let sentence) = error else {
                Issue.record("\(String(describing: error)) is another error")
                return
            }
            #expect(
                sentence.hasSuffix("a malformed answer: it ends before its counts and lengths say"))
        }
        try await troubled.stop()
        try await next.stop()
    }

    @Test func `the late answer of the first server still counts`() async throws {
        let first = try await ScriptedNameServer { query in .hold(answer(to: query)) }
        let second = try await ScriptedNameServer { _ in
            first.release()
            return .silence
        }

        try await withResolver(asking: first.port, second.port, options: Self.quick) {
            resolver async throws in
            #expect(
                try await resolver.addresses(of: "shop.example.com")
                    == Self.right)
        }
        #expect(second.names == ["shop.example.com"])
        try await first.stop()
        try await second.stop()
    }

    @Test func `a server that knows no extensions is asked without them`() async throws {
        let server = try await ScriptedNameServer { query in
            .send([query.hasEDNS ? .reply(to: query, code: 1) : answer(to: query)])
        }

        try await withResolver(asking: server.port) { resolver async throws in
            #expect(try await resolver.addresses(of: "shop.example.com") == Self.right)
        }
        #expect(server.queries.map(\.hasEDNS) == [true, false])
        try await server.stop()
    }

    @Test func `with rotate all servers have their share`() async throws {
        let first = try await ScriptedNameServer(answering: 1)
        let second = try await ScriptedNameServer(answering: 1)

        try await withResolver(
            asking: first.port, second.port, options: "search .\noptions rotate\n"
        ) { resolver async throws in
            for number in 0..<10 {
                #expect(
                    try await resolver.addresses(of: "n\(number).example.com") == Self.right)
            }
        }
        #expect(first.names.count == 5)
        #expect(second.names.count == 5)
        try await first.stop()
        try await second.stop()
    }

    // MARK: Over TCP

    @Test func `a truncated answer is asked for over TCP`() async throws {
        let many = (1...250).map { UInt8($0) }
        let server = try await ScriptedNameServer(
            stream: { query in
                [UInt8].reply(to: query, answers: many.map { .a(query.name, $0) }).framed
            },
            { query in .send([.reply(to: query, isTruncated: true)]) })

        try await withResolver(asking: server.port) { resolver async throws in
            let addresses = try await resolver.addresses(of: "shop.example.com")
            #expect(addresses == many.map { .v4(0xc000_0200 | UInt32($0)) })
        }
        #expect(server.streamQueries.map(\.name) == ["shop.example.com"])
        try await server.stop()
    }

    @Test(arguments: [
        nil, [] as [UInt8], [0], [0, 0], [0, 5, 1, 2, 3, 4, 5], [0xff, 0xff, 1],
        [0, 12, 0, 0, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0],
    ])
    func `TCP that leads nowhere is followed by the next server`(_ bytes: [UInt8]?) async throws {
        let troubled = try await ScriptedNameServer(
            stream: { _ in bytes }, { query in .send([.reply(to: query, isTruncated: true)]) })
        let next = try await ScriptedNameServer(answering: 1)

        try await withResolver(asking: troubled.port, next.port, options: Self.quick) {
            resolver async throws in
            #expect(
                try await resolver.addresses(of: "shop.example.com")
                    == Self.right)
        }
        #expect(troubled.streamQueries.count == 1)
        try await troubled.stop()
        try await next.stop()
    }

    @Test func `nobody listening at TCP is the server's trouble`() async throws {
        let server = try await ScriptedNameServer { query in
            .send([.reply(to: query, isTruncated: true)])
        }

        try await withResolver(asking: server.port) { resolver async throws in
            await #expect(
                throws: NameResolverError.failed(
                    "shop.example.com A: [127.0.0.1]:\(server.port): Connection refused")
            ) {
                try await resolver.addresses(of: "shop.example.com")
            }
        }
        try await server.stop()
    }

    @Test func `more answers that need TCP than there may be connections all come`() async throws {
        let server = try await ScriptedNameServer(
            stream: { query in answer(to: query).framed },
            { query in .send([.reply(to: query, isTruncated: true)]) })

        try await withResolver(asking: server.port) { resolver async throws in
            let futures = (0..<300).map { resolver.future(of: "n\($0).example.com") }
            for future in futures { #expect(try await future.get() == Self.right) }
            #expect(try await resolver.underWay().streams == 0)
        }
        #expect(server.streamQueries.count == 300)
        try await server.stop()
    }

    // MARK: Seen by a probe

    @Test(arguments: [
        (3 as UInt8, DNSFailure.inconclusive, Outcome.failure(.dnsNXDomain)),
        (2, .inconclusive, .inconclusive(.dnsError)), (2, .failure, .failure(.dnsError)),
    ])
    func `what the server says becomes the probe's outcome`(
        _ code: UInt8, _ dnsFailure: DNSFailure, _ outcome: Outcome
    ) async throws {
        let server = try await ScriptedNameServer { query in .send([.reply(to: query, code: code)])
        }

        try await withResolver(asking: server.port) { resolver async throws in
            let report = await probe(
                check(at: "shop.example.com", port: 80, dnsFailure: dnsFailure), resolver: resolver)
            #expect(report.outcome == outcome)
        }
        try await server.stop()
    }
}
