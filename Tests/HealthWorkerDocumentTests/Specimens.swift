import HealthWorkerDocument
import HealthWorkerModel

/// Valid specifications of every shape, the same ones for the same seed.
struct Specimens {
    // SplitMix64: small, and the same on every machine.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    private var generator: Generator

    init(seed: UInt64) {
        generator = Generator(state: seed)
    }

    /// Texts that a careless writer of YAML would spoil.
    private static let texts = [
        "plain", "yes", "no", "null", "~", "12", "1.10", "0x1f", "1e3", "1:30", "a: b", "a #b",
        "- a",
        "'quoted'", "\"db\":\"ok\"", "back\\slash", "tab\there", "two\nlines\n", " lead", "trail ",
        "*alias", "&anchor", "!tag", "%d", "@at", "`tick`", "{a: b}", "[a]", "a, b", "ümlaut",
        "日本語",
        "\u{1f600}", "\u{85}\u{2028}", "a\u{feff}bom", "\u{f700}private", "? key", "<<", "=",
        "true",
        ".inf", "2026-01-31", "\r\n", "#", "---", "a:", ":", "\u{7f}\u{1}", "|", ">", "1_000",
        "10s",
        "64KiB", "192.0.2.1", "2001:db8::1", "on", "N", "+1", "-1", "a'b\"c",
        String(repeating: "long ", count: 60),
    ]

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &generator)]
    }

    private mutating func text() -> String { pick(Self.texts) }

    private mutating func maybe<Value>(_ make: (inout Self) -> Value) -> Value? {
        chance(50) ? make(&self) : nil
    }

    private mutating func labels() -> [String: String] {
        var labels: [String: String] = [:]
        for key in ["customer", "site", "a/b", "1", "on"] where chance(30) {
            let value = text()
            let isLabel = !value.unicodeScalars.contains {
                $0.value < 0x20 || $0.value == 0x7f || $0 == ","
            }
            labels[key] = isLabel && value.utf8.count <= 255 ? value : "x"
        }
        return labels
    }

    private mutating func host() -> String {
        pick(["192.0.2.1", "2001:db8::1", "example.com", "www.example.com", "no"])
    }

    private mutating func expectation(_ type: CheckType, _ method: HTTPMethod?) -> Expectation {
        var expect = Expectation()
        if type == .tcp {
            expect.tcpContains = maybe { $0.text() }
            return expect
        }
        if chance(50) {
            expect.status = pick([
                [StatusRange(200...200)], [StatusRange(200...299), StatusRange(404...404)],
                [StatusRange(100...599)],
            ])
        }
        expect.bodyLimit = pick([.kibibytes(64), ByteCount(1), ByteCount(1000), .mebibytes(1)])
        if method != .head {
            expect.bodyContains = maybe { $0.text() }
            expect.bodyNotContains = maybe { $0.text() }
            expect.bodyMatches = maybe { $0.pick(["^ok", "a|b", "\\d+", "[^x]{2,}", "# no"]) }
        }
        return expect
    }

    mutating func check(_ name: String) -> CheckSpec {
        let type = pick([CheckType.http, .https, .tcp])
        let interval = pick([TimeSpan.seconds(1), .seconds(10), .seconds(90), .hours(24)])
        let host = host()
        let family: IPFamily =
            switch IPAddress(host) {
            case .v4?: pick([.any, .v4])
            case .v6?: pick([.any, .v6])
            case nil: pick(IPFamily.allCases)
            }
        var http: HTTPRequest?
        if type != .tcp, chance(70) {
            let method = pick(HTTPMethod.allCases)
            http = HTTPRequest(
                method: method, path: pick(["/", "/health?deep=1", "/a:b", "/%20"]),
                host: maybe {
                    $0.pick(["shop.example.com", "[2001:db8::1]:8443", "a.example.com:81"])
                },
                headers: chance(50) ? ["Accept": pick(["a/b", "no", "1", "x: y", "\ttab"])] : [:],
                secretHeaders: chance(30) ? ["Authorization": "secret:shop-probe"] : [:],
                body: method == .post ? text() : "", followRedirects: chance(30))
        }
        return CheckSpec(
            name: name, description: chance(50) ? text() : "", labels: labels(),
            isEnabled: chance(80), type: type,
            target: Target(
                host: host, port: type == .tcp ? 8080 : maybe { $0.pick([1, 443, 65_535]) },
                ipFamily: family),
            locations: chance(30) ? ["fra1", "ams1"] : [], interval: interval,
            fastInterval: maybe { _ in .seconds(1) },
            timeout: maybe { $0.pick([.milliseconds(100), .milliseconds(1), .seconds(1)]) }
                .map { max($0, .milliseconds(100)) },
            confirm: pick(Confirmation.allCases), fall: pick([1, 3, 100]), rise: pick([1, 2, 100]),
            dnsFailure: pick(DNSFailure.allCases), http: http,
            tls: type == .http
                ? nil
                : maybe {
                    TLSOptions(
                        serverName: $0.maybe { _ in "shop.example.com" }, verify: $0.chance(70),
                        ca: $0.pick(["system", "/etc/ssl/a b.pem"]))
                },
            tcp: type == .tcp ? maybe { TCPExchange(send: $0.text()) } : nil,
            expect: expectation(type, http?.method)
        ).normal
    }

    mutating func policy(_ name: String) -> PolicySpec {
        let type = pick(PolicyType.allCases)
        let isNamed = chance(20)
        let count = type == .failover ? pick([2, 3]) : pick([1, 3])
        let members = (0..<count).map { index in
            Member(
                name: pick(["m", "on", "1"]) + "-\(index)",
                value: isNamed
                    ? "m\(index).example.com" : pick(["192.0.2.\(index)", "2001:db8::\(index)"]),
                priority: type == .failover ? index * 10 : maybe { _ in 5 },
                weight: pick([0, 1, 100]), labels: labels(),
                check: maybe { $0.pick(["some-check", "no"]) }, isEnabled: chance(80))
        }
        let allUnhealthy = maybe { generator in
            generator.pick(
                type == .failover
                    ? AllUnhealthy.allCases : AllUnhealthy.allCases.filter { $0 != .primary })
        }
        var memberCheck: JSONValue?
        if chance(50) {
            var check = check("x")
            check.target.host = "x"
            check.target.ipFamily = .any
            // A specification that can be encoded: it holds only what JSON can say.
            if case .object(var members)? = try? JSONValue(encoding: check) {
                members["name"] = nil
                if case .object(var target)? = members["target"] {
                    target["host"] = nil
                    members["target"] = .object(target)
                }
                for key in ["interval", "enabled", "expect"] where chance(50) { members[key] = nil }
                if members["interval"] == nil {
                    members["timeout"] = nil
                    members["fast_interval"] = nil
                }
                memberCheck = .object(members)
            }
        }
        return PolicySpec(
            name: name, description: chance(50) ? text() : "", labels: labels(), type: type,
            mode: pick(PolicyMode.allCases), memberCheck: memberCheck, members: members,
            minHealthy: 1, failback: pick(Return.allCases),
            failbackDelay: pick([.minutes(5), .seconds(0), .hours(168)]),
            reattach: pick(Return.allCases), reattachDelay: pick([.seconds(30), .seconds(90)]),
            onAllUnhealthy: allUnhealthy,
            fallback: allUnhealthy == .fallback
                ? [isNamed ? "sorry.example.com" : "203.0.113.1"] : [],
            ttl: pick([1, 30, 86_400]), ttlDegraded: maybe { _ in 10 },
            publish: chance(70)
                ? [
                    Publication(
                        sink: "dns", name: "\(name).example.com", adopt: chance(50),
                        drift: pick(Drift.allCases), onDelete: pick(OnDelete.allCases)),
                    Publication(sink: "hooks", name: "*.\(name).example.com"),
                ] : [])
    }
}
