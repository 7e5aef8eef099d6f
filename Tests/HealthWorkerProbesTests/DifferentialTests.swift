import Foundation
import HealthWorkerModel
import Synchronization
import Testing

/// The same servers, asked by the engine and by others who have probed for years.
///
/// Verdict, status, redirects and the end of the certificate must be the same. Where we mean
/// something else on purpose it is listed with the reason, and what is listed must show.
@Suite struct DifferentialTests {
    private typealias Question = @Sendable (Comparison) async throws -> Void

    /// What we find beside what the oracle finds, of one server after the other.
    private final class Comparison: Sendable {
        private let oracle: any Oracle
        private let differences: [String: Difference]
        /// How often each field was there to be compared.
        let compared = Mutex<[Sighting.Field: Int]>([:])

        init(_ oracle: any Oracle, _ differences: [String: Difference]) {
            self.oracle = oracle
            self.differences = differences
        }

        /// - Parameter requests: How many requests of ours the server has seen.
        func compare(_ name: String, _ check: CheckSpec, seen requests: () -> Int) async throws {
            guard let theirs = try await oracle.sight(check) else { return }
            let before = requests()
            let report = try await conclusive(check)
            var ours = Sighting(
                isSuccess: report.outcome == .success, status: report.httpStatus,
                certificateEnd: report.certificateEnd)
            // Whether a redirect is counted whose end nobody got to see is a matter of taste.
            if let status = report.httpStatus, !(300...399).contains(status),
                let redirects = theirs.redirects
            {
                // A log is written when the answer is out, which is when we leave.
                let deadline = ContinuousClock.now + .seconds(2)
                while requests() - before < redirects + 1, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(5))
                }
                ours.redirects = max(0, requests() - before - 1)
            }

            let fields = ours.comparable(with: theirs)
            compared.withLock { for field in fields { $0[field, default: 0] += 1 } }
            let listed = differences[name]
            #expect(
                fields.filter { ours.differs(from: theirs, in: $0) } == listed?.fields ?? [],
                """
                \(name): we say \(report.outcome) \(report.detail ?? ""), \
                they say \(theirs.isSuccess ? "success" : "failure"), \(theirs.remark); \
                listed: \(listed?.because ?? "nothing"); ours \(ours), theirs \(theirs)
                """)
        }

        private func conclusive(_ check: CheckSpec) async throws -> ProbeReport {
            for _ in 0..<2 {
                let report = await probe(check)
                if !report.wasLate { return report }
            }
            return await probe(check)
        }
    }

    /// Servers whose question an oracle cannot be asked, or may not be.
    private static let unasked = Set(
        NastyServer.all.filter { server in
            // Names are answered by the test alone; and only loopback may be called.
            !server.names.isEmpty || server.check.target.host != "127.0.0.1"
        }.map(\.does) + [
            "redirects to a metadata address", "redirects to a metadata address within IPv6",
            "redirects from https to http",
        ])

    private func ask(_ oracle: (URL) -> any Oracle, _ differences: [String: Difference])
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "oracle-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let comparison = Comparison(oracle(folder), differences)
        let nginx = try await Nginx.start(in: folder)
        defer { nginx.stop() }

        var questions: [Question] = NastyServer.all.filter { !Self.unasked.contains($0.does) }
            .map { server in
                { comparison in
                    try await server.running { check, local in
                        try await comparison.compare(server.does, check) {
                            local?.requests.count ?? 0
                        }
                    }
                }
            }
        let nginxChecks = try self.nginxChecks(nginx)
        questions += nginxChecks.map { name, check in
            { comparison in
                var check = check
                var request = check.http ?? HTTPRequest()
                request.headers = ["X-Asked": name]
                check.http = request
                try await comparison.compare(name, check) { nginx.requests(of: name) }
            }
        }
        // Most of the time is waiting for what never comes.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, question) in questions.enumerated() {
                if index >= 8 { try await group.next() }
                group.addTask { try await question(comparison) }
            }
            try await group.waitForAll()
        }

        let names = NastyServer.all.map(\.does) + nginxChecks.map(\.name)
        #expect(
            Set(differences.keys).subtracting(names).union(
                Self.unasked.intersection(differences.keys))
                == [], "listed, and never asked")
        let compared = comparison.compared.withLock { $0 }
        #expect(compared[.verdict, default: 0] >= 100, "\(compared)")
        #expect(compared[.status, default: 0] >= 40, "\(compared)")
        #expect(compared[.redirects, default: 0] >= 30, "\(compared)")
        #expect(compared[.certificate, default: 0] >= 10, "\(compared)")
    }

    @Test func `curl sees what we see`() async throws {
        try await ask({ Curl(folder: $0) }, Difference.fromCurl)
    }

    @Test func `blackbox_exporter sees what we see`() async throws {
        try await ask({ BlackboxExporter(folder: $0) }, Difference.fromBlackboxExporter)
    }

    /// What nginx is asked for.
    private func nginxChecks(_ nginx: Nginx) throws -> [(name: String, check: CheckSpec)] {
        let authority = try Certificates.shared.get().authority
        let follow = HTTPRequest(followRedirects: true)
        func path(_ path: String, _ request: HTTPRequest = HTTPRequest()) -> HTTPRequest {
            var request = request
            request.path = path
            return request
        }
        func plain(_ request: HTTPRequest, _ expect: Expected = Expected()) -> CheckSpec {
            check(port: nginx.plain, timeout: .seconds(5), http: request, expect: expect)
        }
        func secure(
            _ certificate: String, _ request: HTTPRequest = HTTPRequest(path: "/up"),
            name: String? = "shop.example.com", verify: Bool = true, port: Int? = nil,
            expect: Expected = Expected()
        ) -> CheckSpec {
            check(
                .https, port: port ?? nginx.secure[certificate] ?? 0, timeout: .seconds(5),
                http: request,
                tls: TLSOptions(serverName: name, verify: verify, ca: authority), expect: expect)
        }
        return [
            ("nginx: good", plain(path("/up"))),
            ("nginx: a text that is there", plain(path("/up"), .init(bodyContains: "up"))),
            ("nginx: a text that is not there", plain(path("/up"), .init(bodyContains: "down"))),
            ("nginx: a text behind the limit", plain(path("/big"), .init(bodyContains: "up"))),
            (
                "nginx: a text within a higher limit",
                plain(path("/big"), .init(bodyContains: "up", bodyLimit: .kibibytes(256)))
            ),
            ("nginx: 204", plain(path("/empty"), .init(status: [StatusRange(204...204)]))),
            ("nginx: 404", plain(path("/nothing"))),
            ("nginx: 503", plain(path("/busy"))),
            (
                "nginx: 503 as expected",
                plain(path("/busy"), .init(status: [StatusRange(500...599)]))
            ),
            ("nginx: HEAD", plain(HTTPRequest(method: .head, path: "/up"))),
            ("nginx: OPTIONS", plain(HTTPRequest(method: .options, path: "/big"))),
            ("nginx: redirects that nobody follows", plain(path("/there"))),
            ("nginx: one redirect", plain(path("/there", follow))),
            ("nginx: two redirects", plain(path("/thence", follow))),
            ("nginx: a circle", plain(path("/circle", follow))),
            ("nginx: hangs up", plain(path("/hangup"))),
            (
                "nginx: crawls",
                check(
                    port: nginx.plain, timeout: short, http: path("/crawl"),
                    expect: .init(bodyContains: "up", bodyLimit: .kibibytes(256)))
            ),
            ("nginx: good, in TLS", secure("good")),
            ("nginx: good, in TLS, by address", secure("good", name: nil)),
            ("nginx: another name", secure("good", name: "www.example.com")),
            ("nginx: expired", secure("expired")),
            ("nginx: expired, unverified", secure("expired", verify: false)),
            ("nginx: not yet valid", secure("early")),
            ("nginx: signed by itself", secure("self")),
            ("nginx: from TLS to plain", secure("good", path("/in", follow))),
            ("nginx: a redirect in TLS", secure("good", path("/there", follow))),
            ("nginx: wants a certificate", secure("good", port: nginx.exclusive)),
            (
                "nginx: plain HTTP to TLS",
                check(port: nginx.secure["good"] ?? 0, timeout: .seconds(5), http: path("/up"))
            ),
            (
                "nginx: TLS to plain HTTP",
                check(
                    .https, port: nginx.plain, timeout: .seconds(5), tls: TLSOptions(verify: false))
            ),
        ]
    }
}

/// Where we mean something else than an oracle does.
struct Difference: Sendable {
    var fields: Set<Sighting.Field>
    var because: String

    init(in fields: Sighting.Field..., because: String) {
        self.fields = Set(fields)
        self.because = because
    }

    private static let lineEnds = Difference(
        in: .verdict,
        because: """
            RFC 9112 §2.2 lets a recipient take a line feed alone; the parser that we share with \
            servers does not
            """)
    private static let smuggled = Difference(
        in: .verdict,
        because: "RFC 9112 §6.3 calls this an error that is probably an attack")
    private static let noLocation = Difference(
        in: .verdict, because: "a redirect that was to be followed and leads nowhere is a failure")
    private static let downgrade = Difference(
        in: .verdict, .status,
        because: "what follows a redirect from https to http cannot be believed")
    private static let headAlone = Difference(
        in: .verdict, because: "without a rule for the body we end with the head")

    static let fromCurl: [String: Difference] = [
        "ends its lines without a carriage return": lineEnds,
        "sends a length and chunks, as smugglers do": smuggled,
        "sends two lengths that differ": smuggled,
        "begins a head and hangs up": Difference(
            in: .verdict, because: "curl takes a head that never ended for one without a body"),
        "stalls amid a body that nobody has to read": headAlone,
        "redirects without saying where to": noLocation,
        "nginx: from TLS to plain": downgrade,
    ]

    static let fromBlackboxExporter: [String: Difference] = [
        "ends its lines without a carriage return": lineEnds,
        "sends a length and chunks, as smugglers do": smuggled,
        "sends a zero byte in a header": Difference(
            in: .verdict, because: "RFC 9110 §5.5: a zero byte in a value is invalid and dangerous"),
        "sends the text just behind the limit": Difference(
            in: .verdict, because: "we look within the limit; they read all"),
        "nginx: a text behind the limit": Difference(
            in: .verdict, because: "we look within the limit; they read all"),
        "stalls amid a body that nobody has to read": headAlone,
        "sends a body without end that has nothing unwanted in it": Difference(
            in: .verdict, because: "we stop at the limit; they read until their time is up"),
        "codes its body with gzip, with the text in it": coding,
        "says gzip and sends none": coding,
        "codes its body as nobody asked": coding,
        "redirects without saying where to": noLocation,
        "redirects in a circle": circle,
        "nginx: a circle": circle,
        "nginx: from TLS to plain": downgrade,
    ]

    private static let coding = Difference(
        in: .verdict,
        because: "they look at the body as it came, unless every answer is to have one coding")
    private static let circle = Difference(
        in: .verdict,
        because: "they take the status of the last redirect that they gave up at for the answer")
}
