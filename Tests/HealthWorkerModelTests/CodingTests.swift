import Foundation
import HealthWorkerModel
import Testing

@Suite struct CodingTests {
    private func again<T: Codable>(_ value: T) throws -> T {
        try JSONDecoder().decode(T.self, from: JSONEncoder().encode(value))
    }

    private func read<T: Decodable>(_ json: String, as type: T.Type) throws -> T {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }

    @Test func `a short check has the documented defaults`() throws {
        let check = try read(
            #"{"name": "web", "type": "https", "target": {"host": "192.0.2.1"}}"#,
            as: CheckSpec.self)

        #expect(
            check
                == CheckSpec(
                    name: "web", type: .https, target: Target(host: "192.0.2.1")))
        #expect(check.fall == 3 && check.rise == 2 && check.confirm == .otherWorker)
        #expect(check.interval == .seconds(10) && check.effectiveFastInterval == .seconds(2))
        #expect(check.effectiveTimeout == .seconds(5) && check.effectivePort == 443)
        #expect(check.expect.accepts(status: 399) && !check.expect.accepts(status: 400))
        #expect(try again(check) == check)
    }

    @Test func `a check with everything set is read as it was written`() throws {
        let check = CheckSpec(
            name: "shop", description: "Login", labels: ["site": "fra1"], isEnabled: false,
            type: .https,
            target: Target(host: "shop.example.com", port: 8443, ipFamily: .v6),
            locations: ["fra1", "ams1"], interval: .minutes(1), fastInterval: .milliseconds(1500),
            timeout: .seconds(3), confirm: .none, fall: 5, rise: 1, dnsFailure: .failure,
            http: HTTPRequest(
                method: .post, path: "/health?deep=1", host: "shop.example.com",
                headers: ["Accept": "application/json"],
                secretHeaders: ["Authorization": "secret:shop"], body: "{}",
                followRedirects: true),
            tls: TLSOptions(serverName: "shop.example.com", verify: false, ca: "ca.pem"),
            tcp: TCPExchange(send: "PING\r\n"),
            expect: Expectation(
                status: [StatusRange(200...200), StatusRange(204...299)], bodyContains: "ok",
                bodyNotContains: "error", bodyMatches: "^o", bodyLimit: .mebibytes(1),
                tcpContains: "PONG"))

        #expect(try again(check) == check)
    }

    @Test func `a status is a number or a text`() throws {
        let ranges = try read(#"[200, "204-299", "404"]"#, as: [StatusRange].self)

        #expect(ranges == [200...200, 204...299, 404...404].map { StatusRange($0) })
        #expect(throws: DecodingError.self) { try read("[99]", as: [StatusRange].self) }
    }

    @Test func `a short policy has the documented defaults`() throws {
        let policy = try read(
            #"{"name": "www", "type": "failover", "members": [{"name": "a", "value": "::1"}]}"#,
            as: PolicySpec.self)

        #expect(
            policy
                == PolicySpec(
                    name: "www", type: .failover, members: [Member(name: "a", value: "::1")]))
        #expect(policy.failbackDelay == .minutes(5) && policy.reattachDelay == .seconds(30))
        #expect(policy.ttl == 30 && policy.effectiveOnAllUnhealthy == .primary)
        #expect(policy.members[0].weight == 1 && policy.members[0].family == .aaaa)
        #expect(try again(policy) == policy)
    }

    @Test func `a policy with everything set is read as it was written`() throws {
        let policy = PolicySpec(
            name: "www", description: "Front", labels: ["tier": "gold"], type: .detach,
            mode: .observe,
            memberCheck: .object([
                "type": .string("https"), "fall": .integer(5),
                "http": .object(["path": .string("/health")]),
            ]),
            members: [
                Member(
                    name: "a", value: "192.0.2.1", priority: 10, weight: 3,
                    labels: ["site": "fra1"], check: "some", isEnabled: false),
                Member(name: "b", value: "web.example.com"),
            ],
            minHealthy: 2, failback: .manual, failbackDelay: .hours(1), reattach: .manual,
            reattachDelay: .seconds(7), onAllUnhealthy: .fallback, fallback: ["198.51.100.1"],
            ttl: 60, ttlDegraded: 5,
            publish: [
                Publication(
                    sink: "dns", name: "www.example.com", adopt: true, drift: .report,
                    onDelete: .restore)
            ])

        #expect(try again(policy) == policy)
        #expect(policy.checkName(of: policy.members[0]) == "some")
        #expect(policy.checkName(of: policy.members[1]) == "www.b")
    }

    @Test func `a route is read as it was written`() throws {
        let route = Route(
            generation: 7, cause: .allUnhealthy, decidedAt: .noon,
            answer: Answer(
                records: [
                    PublishedMember(name: "a", value: "192.0.2.1", weight: 1, family: .a)
                ], ttl: 30),
            memory: RouteMemory(
                leftAt: ["tier:A:10": .noon], returns: ["b": [.noon, .noon + .seconds(1)]],
                waitingSince: .noon),
            members: [
                MemberVerdict(
                    name: "a", value: "192.0.2.1", family: .a, isPublished: true,
                    reason: .coldStart, measured: .unknown, effective: .unknown, since: .noon,
                    flags: [.edited, .flapping])
            ])

        #expect(try again(route) == route)
    }

    @Test(arguments: [
        #"{"name": "a", "type": "detach"}"#,
        #"{"name": "a", "type": "other", "members": []}"#,
        #"{"name": "a", "type": "detach", "members": [], "failback_delay": 5}"#,
        #"{"name": "a", "type": "detach", "members": [], "reattach_delay": "soon"}"#,
    ])
    func `a policy that cannot be meant is refused`(json: String) {
        #expect(throws: DecodingError.self) { try read(json, as: PolicySpec.self) }
    }
}
