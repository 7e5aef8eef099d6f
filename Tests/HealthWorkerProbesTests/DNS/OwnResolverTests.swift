import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite struct OwnResolverTests {
    static func address(_ last: UInt8) -> IPAddress { .v4(0xc000_0200 | UInt32(last)) }

    // MARK: What it goes by

    @Test func `a name of the hosts file is not asked for`() async throws {
        let server = try await ScriptedNameServer(answering: 1)
        let hosts = "192.0.2.9 shop.example.com\n2001:db8::9 shop.example.com\n"

        try await withResolver(asking: server.port, hosts: hosts) { resolver async throws in
            #expect(
                try await resolver.addresses(of: "Shop.example.com")
                    == [Self.address(9), .v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9])])
            #expect(
                try await resolver.addresses(of: "shop.example.com.", family: .v4)
                    == [Self.address(9)])
        }
        #expect(server.names.isEmpty)
        try await server.stop()
    }

    @Test func `the hosts file and the servers are those that the files name now`() async throws {
        let before = try await ScriptedNameServer(answering: 1)
        let after = try await ScriptedNameServer(answering: 2)
        let files = try ResolverFiles(
            configuration: "nameserver [127.0.0.1]:\(before.port)\nsearch .\n")
        let resolver = OwnResolver(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, hosts: files.hosts,
            configuration: files.configuration, checkFilesEvery: .zero)
        #expect(try await resolver.addresses(of: "shop.example.com") == [Self.address(1)])

        try files.write(configuration: "nameserver [127.0.0.1]:\(after.port)\nsearch .\n")
        try await eventually {
            try await resolver.addresses(of: "shop.example.com") == [Self.address(2)]
        }
        try files.write(hosts: "192.0.2.3 shop.example.com\n")
        try await eventually {
            try await resolver.addresses(of: "shop.example.com") == [Self.address(3)]
        }

        await resolver.shutdown()
        try files.remove()
        try await before.stop()
        try await after.stop()
    }

    @Test func `an answer of servers that were replaced meanwhile is not kept`() async throws {
        let before = try await ScriptedNameServer { query in
            .hold(.reply(to: query, answers: [.a(query.name, 1)]))
        }
        let after = try await ScriptedNameServer(answering: 2)
        let files = try ResolverFiles(
            configuration: "nameserver [127.0.0.1]:\(before.port)\nsearch .\n")
        let resolver = OwnResolver(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, hosts: files.hosts,
            configuration: files.configuration, checkFilesEvery: .zero)
        let early = resolver.future(of: "shop.example.com")
        try await eventually { before.names.contains("shop.example.com") }

        try files.write(configuration: "nameserver [127.0.0.1]:\(after.port)\nsearch .\n")
        var number = 0
        try await eventually {
            number += 1
            let name = "n\(number).example.com"
            // As long as the old one is asked there is no answer.
            let found = try? await resolver.addresses(of: name, within: .milliseconds(200))
            return found == [Self.address(2)]
        }
        before.release()

        #expect(try await early.get() == [Self.address(1)])
        #expect(try await resolver.addresses(of: "shop.example.com") == [Self.address(2)])
        await resolver.shutdown()
        try files.remove()
        try await before.stop()
        try await after.stop()
    }

    @Test func `missing files are empty ones`() async throws {
        let resolver = OwnResolver(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, hosts: "/nonexistent/hosts",
            configuration: "/nonexistent/resolv.conf")

        #expect(try await resolver.addresses(of: "localhost", family: .v4) == [.v4(0x7f00_0001)])
        await resolver.shutdown()
    }

    @Test func `the search list is asked in turn`() async throws {
        let server = try await ScriptedNameServer { query in
            query.name == "shop.b.example"
                ? .send([.reply(to: query, answers: [.a(query.name, 1)])])
                : .send([.reply(to: query, code: 3)])
        }

        let options = "search a.example b.example\n"
        try await withResolver(asking: server.port, options: options) { resolver async throws in
            #expect(try await resolver.addresses(of: "shop") == [Self.address(1)])
        }
        #expect(server.names == ["shop.a.example", "shop.b.example"])
        try await server.stop()
    }

    @Test func `a server on IPv6 is asked`() async throws {
        let server = try await ScriptedNameServer(host: "::1") { query in
            .send([.reply(to: query, answers: [.a(query.name, 1)])])
        }
        let files = try ResolverFiles(configuration: "nameserver [::1]:\(server.port)\nsearch .\n")
        let resolver = OwnResolver(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, hosts: files.hosts,
            configuration: files.configuration)

        #expect(try await resolver.addresses(of: "shop.example.com") == [Self.address(1)])

        await resolver.shutdown()
        try files.remove()
        try await server.stop()
    }

    @Test func `what cannot be a name does not exist`() async throws {
        try await withResolver(asking: 1) { resolver async throws in
            await #expect(
                throws: NameResolverError.noSuchName(
                    "a..b cannot exist: two dots follow each other, or one begins the name")
            ) {
                try await resolver.addresses(of: "a..b")
            }
        }
    }

    // MARK: What it keeps

    @Test func `an answer is asked for once while it holds`() async throws {
        let server = try await ScriptedNameServer { query in
            .send([
                .reply(
                    to: query,
                    answers: [
                        .a(query.name, 1, seconds: query.name == "short.example.com" ? 0 : 60)
                    ])
            ])
        }

        try await withResolver(asking: server.port) { resolver async throws in
            for _ in 0..<3 {
                for name in ["long.example.com", "short.example.com"] {
                    #expect(try await resolver.addresses(of: name) == [Self.address(1)])
                }
            }
        }
        #expect(server.names.filter { $0 == "long.example.com" }.count == 1)
        #expect(server.names.filter { $0 == "short.example.com" }.count == 3)
        try await server.stop()
    }

    @Test func `that a name does not exist is kept as long as the zone says`() async throws {
        let server = try await ScriptedNameServer { query in
            let seconds: UInt32 = query.name == "short.example.com" ? 0 : 60
            return .send([
                .reply(
                    to: query, code: 3, authority: [.zone("example.com", negative: seconds)])
            ])
        }
        let limits = AnswerCache.Limits(longestNegative: .seconds(60))

        try await withResolver(asking: server.port, cache: limits) { resolver async throws in
            for _ in 0..<3 {
                for name in ["long.example.com", "short.example.com"] {
                    await #expect(throws: NameResolverError.noSuchName("\(name) does not exist")) {
                        try await resolver.addresses(of: name)
                    }
                }
            }
        }
        #expect(server.names.filter { $0 == "long.example.com" }.count == 1)
        #expect(server.names.filter { $0 == "short.example.com" }.count == 3)
        try await server.stop()
    }

    @Test func `trouble is not kept`() async throws {
        let count = Mutex(0)
        let server = try await ScriptedNameServer { query in
            let isFirst = count.withLock { count in
                count += 1
                return count == 1
            }
            return .send([
                isFirst
                    ? .reply(to: query, code: 2) : .reply(to: query, answers: [.a(query.name, 1)])
            ])
        }

        try await withResolver(asking: server.port) { resolver async throws in
            await #expect(
                throws: NameResolverError.failed(
                    "shop.example.com A: [127.0.0.1]:\(server.port): SERVFAIL")
            ) {
                try await resolver.addresses(of: "shop.example.com")
            }
            #expect(try await resolver.addresses(of: "shop.example.com") == [Self.address(1)])
        }
        try await server.stop()
    }

    // MARK: Many at once

    @Test func `a hundred callers of one name make one query`() async throws {
        let server = try await ScriptedNameServer { query in
            .hold(.reply(to: query, answers: [.a(query.name, 1, seconds: 0)]))
        }

        try await withResolver(asking: server.port) { resolver async throws in
            let futures = (0..<100).map { _ in resolver.future(of: "shop.example.com") }
            // None that waits for the files, and no second question.
            try await eventually {
                try await resolver.underWay() == OwnResolver.UnderWay(lookups: 100, questions: 1)
            }
            try await eventually { server.names.count == 1 }
            server.release()
            for future in futures { #expect(try await future.get() == [Self.address(1)]) }
        }
        #expect(server.names == ["shop.example.com"])
        try await server.stop()
    }

    @Test func `a name that nobody answers delays no other`() async throws {
        let server = try await ScriptedNameServer { query in
            query.name == "hole.example.com"
                ? .silence : .send([.reply(to: query, answers: [.a(query.name, 1)])])
        }

        try await withResolver(asking: server.port) { resolver async throws in
            let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
            let hole = resolver.lookUp(
                "hole.example.com", family: .any, by: .now() + .hours(1), on: eventLoop)
            let futures = (0..<1000).map { resolver.future(of: "good\($0).example.com") }
            var found = 0
            for future in futures where try await future.get() == [Self.address(1)] { found += 1 }

            #expect(found == 1000)
            // All thousand came and went while the one was still open.
            #expect(
                try await resolver.underWay() == OwnResolver.UnderWay(lookups: 1, questions: 1))
            hole.cancel()
            await #expect(throws: NameResolverError.timedOut) { try await hole.addresses.get() }
        }
        try await server.stop()
    }

    @Test func `ids and ports cannot be foretold`() async throws {
        let server = try await ScriptedNameServer(answering: 1)

        try await withResolver(asking: server.port) { resolver async throws in
            let futures = (0..<400).map { resolver.future(of: "n\($0).example.com") }
            for future in futures { _ = try await future.get() }
        }
        let queries = server.queries
        let steps = zip(queries, queries.dropFirst()).map { $1.id &- $0.id }
        #expect(queries.count == 400)
        // Of 400 out of 65,536 some two may be equal, and hardly ever ten.
        #expect(Set(queries.map(\.id)).count > 390)
        #expect(Set(steps).count > 380)
        #expect(Set(queries.map(\.port)).count == 8)
        try await server.stop()
    }

    @Test func `who joins a question has its own time, not that of who asked first`() async throws {
        let server = try await ScriptedNameServer { query in
            .hold(.reply(to: query, answers: [.a(query.name, 1)]))
        }

        try await withResolver(asking: server.port) { resolver async throws in
            let hasty = resolver.future(of: "shop.example.com", within: .milliseconds(300))
            let patient = resolver.future(of: "shop.example.com", within: .seconds(60))
            await #expect(throws: NameResolverError.timedOut) { try await hasty.get() }
            // The wait for the server was as long as the first had time.
            try await eventually { try await resolver.underWay().lookups == 1 }
            try await eventually { !server.names.isEmpty }
            server.release()
            #expect(try await patient.get() == [Self.address(1)])
        }
        try await server.stop()
    }

    // MARK: Those who leave

    @Test func `nothing is left of a lookup that is cancelled, or whose time is up`() async throws {
        let server = try await ScriptedNameServer(
            stream: { _ in [] },
            { query in
                .send(
                    query.name == "tcp.example.com" ? [.reply(to: query, isTruncated: true)] : [])
            })

        try await withResolver(asking: server.port) { resolver async throws in
            let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
            let cancelled = ["a.example.com", "a.example.com", "tcp.example.com"].map {
                resolver.lookUp($0, family: .any, by: .now() + .hours(1), on: eventLoop)
            }
            let late = resolver.future(of: "b.example.com", within: .milliseconds(200))
            try await eventually { server.streamQueries.count == 1 }
            await #expect(throws: NameResolverError.timedOut) { try await late.get() }
            #expect(
                try await resolver.underWay()
                    == OwnResolver.UnderWay(lookups: 3, questions: 2, streams: 1))

            for lookup in cancelled {
                lookup.cancel()
                await #expect(throws: NameResolverError.timedOut) {
                    try await lookup.addresses.get()
                }
            }
            #expect(
                try await resolver.underWay() == OwnResolver.UnderWay())
        }
        try await server.stop()
    }

    @Test func `one who leaves takes nothing from the others`() async throws {
        let server = try await ScriptedNameServer { query in
            .hold(.reply(to: query, answers: [.a(query.name, 1)]))
        }

        try await withResolver(asking: server.port) { resolver async throws in
            let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
            let leaving = resolver.lookUp(
                "shop.example.com", family: .any, by: .now() + .hours(1), on: eventLoop)
            let staying = resolver.future(of: "shop.example.com")
            try await eventually { try await resolver.underWay().lookups == 2 }
            leaving.cancel()
            await #expect(throws: NameResolverError.timedOut) { try await leaving.addresses.get() }
            try await eventually { !server.names.isEmpty }
            server.release()
            #expect(try await staying.get() == [Self.address(1)])
        }
        try await server.stop()
    }

    @Test func `a probe that is cancelled leaves nothing behind`() async throws {
        let server = try await ScriptedNameServer { _ in .silence }

        try await withResolver(asking: server.port) { resolver async throws in
            let task = Task {
                await probe(
                    check(at: "shop.example.com", port: 80, timeout: .seconds(60)),
                    resolver: Lent(resolver))
            }
            try await eventually { try await resolver.underWay().lookups == 1 }
            task.cancel()
            #expect(await task.value.outcome == .inconclusive(.shuttingDown))
            try await eventually {
                try await resolver.underWay()
                    == OwnResolver.UnderWay()
            }
        }
        try await server.stop()
    }

    @Test func `shutting down answers all who wait, and takes nothing new`() async throws {
        let server = try await ScriptedNameServer { _ in .silence }

        try await withResolver(asking: server.port) { resolver async throws in
            let waiting = ["a.example.com", "b.example.com"].map { resolver.future(of: $0) }
            await resolver.shutdown()
            for future in waiting + [resolver.future(of: "c.example.com")] {
                await #expect(throws: NameResolverError.shutDown) { try await future.get() }
            }
        }
        try await server.stop()
    }
}

/// Not shut down with the probers that borrow it.
private struct Lent: NameResolver {
    private let resolver: OwnResolver

    init(_ resolver: OwnResolver) {
        self.resolver = resolver
    }

    func lookUp(
        _ name: String, family: IPFamily, by deadline: NIODeadline, on eventLoop: any EventLoop
    ) -> NameLookup {
        resolver.lookUp(name, family: family, by: deadline, on: eventLoop)
    }

    func shutdown() async {}
}
