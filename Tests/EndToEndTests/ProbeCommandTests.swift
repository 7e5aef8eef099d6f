import Foundation
import HealthWorkerModel
import Testing

/// `health-worker probe` against servers that are processes of their own.
@Suite struct `The probe command` {
    private func probe(
        _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:]
    ) async throws -> (code: Int32?, text: String) {
        try await Program.run(
            Here.healthWorker, ["probe"] + arguments, in: scratch, environment: environment)
    }

    private func object(_ text: String) throws -> [String: JSONValue] {
        try JSONDecoder().decode([String: JSONValue].self, from: Data(text.utf8))
    }

    @Test func `a success says what was found, with its phases, and exits 0`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try await EchoServer.start(in: scratch)
        defer { server.stop() }

        let probed = try await probe(["http://127.0.0.1:\(server.port)/up"], in: scratch)

        #expect(probed.code == 0, "\(probed.text)")
        let lines = probed.text.split(separator: "\n").map(String.init)
        #expect(lines.first == "success")
        let phases = lines.dropFirst().prefix { !$0.hasPrefix("  total ") }
            .compactMap { $0.split(separator: " ").first }
        #expect(phases == ["connect", "write", "first_byte"])
        #expect(lines.contains("  probed    http://127.0.0.1:\(server.port)/up"))
        #expect(lines.contains("  address   127.0.0.1:\(server.port)"))
        #expect(lines.contains("  status    200"))
        #expect(lines.contains("  expected  status 200-399"))
        #expect(!probed.text.contains("\u{1b}"), "colours where there is no terminal")
    }

    @Test func `a failure says why and what was expected, and exits 3`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try await EchoServer.start(in: scratch)
        defer { server.stop() }
        let url = "http://127.0.0.1:\(server.port)/503"

        let failed = try await probe([url], in: scratch)
        let asked = try await probe([url, "--expect-status", "200,500-503"], in: scratch)
        let refused = try await probe(["tcp://127.0.0.1:\(try Here.freePort())"], in: scratch)

        #expect(failed.code == 3)
        #expect(
            failed.text.hasPrefix(
                "failure: status_mismatch, expected status 200-399, got 503\n"), "\(failed.text)")
        #expect(failed.text.contains(" ✗ status_mismatch\n"))
        #expect(asked.code == 0, "\(asked.text)")
        #expect(refused.code == 3)
        #expect(refused.text.hasPrefix("failure: connect_refused, refused by the target\n"))
    }

    @Test func `an inconclusive probe exits 1, and workers' address rules hold`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try await EchoServer.start(in: scratch)
        defer { server.stop() }
        let url = "http://127.0.0.1:\(server.port)/"

        let metadata = try await probe(["http://169.254.169.254/latest"], in: scratch)
        let denied = try await probe(
            [url], in: scratch,
            environment: ["HEALTH_WORKER_PROBE_DENY_NETWORKS": "127.0.0.0/8"])

        #expect(metadata.code == 1)
        #expect(metadata.text.hasPrefix("inconclusive: target_blocked, "), "\(metadata.text)")
        #expect(denied.code == 1)
        #expect(denied.text.hasPrefix("inconclusive: target_blocked, "), "\(denied.text)")
    }

    @Test func `the object for scripts has the keys of an outcome`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try await EchoServer.start(in: scratch)
        defer { server.stop() }

        let good = try await probe(
            ["http://127.0.0.1:\(server.port)/up?x=1", "-o", "json", "--timeout", "15s"],
            in: scratch)
        let bad = try await probe(
            ["http://127.0.0.1:\(server.port)/404", "-o", "json"], in: scratch)

        #expect(good.code == 0)
        let members = try object(good.text)
        #expect(
            Set(members.keys) == [
                "address", "expected", "http_status", "outcome", "phases", "probed", "started_at",
                "timeout",
            ])
        #expect(members["outcome"] == .string("success"))
        #expect(members["probed"] == .string("http://127.0.0.1:\(server.port)/up?x=1"))
        #expect(members["http_status"] == .integer(200))
        #expect(members["timeout"] == .string("15s"))
        #expect(members["expected"] == .object(["status": .array([.string("200-399")])]))
        guard case .object(let phases)? = members["phases"] else {
            Issue.record("no phases in \(good.text)")
            return
        }
        #expect(Set(phases.keys) == ["connect", "write", "first_byte", "total"])
        #expect(bad.code == 3)
        #expect(try object(bad.text)["reason"] == .string("status_mismatch"))
        #expect(try object(bad.text)["detail"] == .string("expected status 200-399, got 404"))
    }

    @Test func `the connection goes elsewhere while Host, headers and redirects stay`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try await EchoServer.start(in: scratch)
        defer { server.stop() }
        let here = ["--connect", "127.0.0.1:\(server.port)"]

        for (arguments, text) in [
            (["http://shop.example.com/"], "Host: shop.example.com\n"),
            (["http://shop.example.com:81/"], "Host: shop.example.com:81\n"),
            (["http://[2001:db8::1]/"], "Host: [2001:db8::1]\n"),
            (["http://shop.example.com/", "-H", "host: other.example.com"], "other.example.com\n"),
            (["http://shop.example.com/", "-H", "X-Site: fra1:a"], "X-Site: fra1:a\n"),
            (["http://shop.example.com", "--method", "options"], "OPTIONS / HTTP/1.1\n"),
            (["http://shop.example.com?q=1"], "GET /?q=1 HTTP/1.1\n"),
            (["http://shop.example.com/to/echo", "--follow"], "GET /echo HTTP/1.1\n"),
        ] {
            let probed = try await probe(arguments + here + ["--expect-text", text], in: scratch)
            #expect(probed.code == 0, "\(arguments): \(probed.text)")
            #expect(probed.text.contains("address   127.0.0.1:\(server.port)\n"))
        }
        let followed = try await probe(
            ["http://shop.example.com/to/503", "--follow"] + here, in: scratch)
        #expect(followed.code == 3)
    }

    @Test func `a certificate is judged, and told about whether it is trusted or not`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let made = try await Program.run(
            URL(filePath: "/usr/bin/openssl"),
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-keyout", scratch.file("key.pem").path, "-out",
                scratch.file("cert.pem").path, "-days", "30", "-subj", "/CN=shop",
                "-addext", "subjectAltName=DNS:shop.example.com",
            ], in: scratch)
        #expect(made.code == 0, "\(made.text)")
        let server = try await EchoServer.start(
            in: scratch, certificate: scratch.file("cert.pem"), key: scratch.file("key.pem"))
        defer { server.stop() }
        let here = ["--connect", "127.0.0.1:\(server.port)"]
        let ca = ["--ca", scratch.file("cert.pem").path]

        let untrusted = try await probe(["https://shop.example.com/"] + here, in: scratch)
        let trusted = try await probe(["https://shop.example.com/"] + here + ca, in: scratch)
        let other = try await probe(
            ["tcp+tls://www.example.com:443"] + here + ca, in: scratch)
        let named = try await probe(
            ["tcp+tls://www.example.com:443", "--server-name", "shop.example.com"] + here + ca,
            in: scratch)
        let insecure = try await probe(["https://www.example.com/", "-k"] + here, in: scratch)

        #expect(untrusted.code == 3)
        #expect(untrusted.text.hasPrefix("failure: tls_self_signed, "), "\(untrusted.text)")
        // Thirty, where it is probed within the second in which it was made.
        #expect(
            untrusted.text.contains(", in 29 days\n") || untrusted.text.contains(", in 30 days\n"),
            "\(untrusted.text)")
        #expect(trusted.code == 0, "\(trusted.text)")
        #expect(trusted.text.contains("a certificate for shop.example.com that "))
        #expect(other.code == 3)
        #expect(other.text.hasPrefix("failure: tls_name_mismatch, "), "\(other.text)")
        #expect(named.code == 0, "\(named.text)")
        #expect(insecure.code == 0, "\(insecure.text)")
        #expect(!insecure.text.contains("a certificate for"))
    }

    @Test func `a check of a document is probed as it is written, and flags hold over it`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try await EchoServer.start(in: scratch)
        defer { server.stop() }
        let one = try scratch.write(
            """
            format: 1
            checks:
            - name: shop
              type: http
              interval: 2s
              target: {host: 127.0.0.1, port: \(server.port)}
              http: {path: /503, host: shop.example.com, secret_headers: {X-Key: secret:shop}}
              expect: {status: [503], body_contains: "X-Key: 1234"}
            """, to: "one.yaml")
        let two = try scratch.write(
            """
            format: 1
            checks:
            - {name: dead, type: tcp, target: {host: 127.0.0.1, port: 1}}
            policies:
            - name: www
              type: detach
              member_check: {type: http, target: {port: \(server.port)}}
              members: [{name: a, value: 127.0.0.1}]
            """, to: "two.yaml")
        let secret = ["HEALTH_WORKER_SECRETS_SHOP": "1234"]

        let written = try await probe(["--file", one.path], in: scratch, environment: secret)
        let json = try await probe(
            ["-f", one.path, "-o", "json"], in: scratch, environment: secret)
        let flagged = try await probe(
            ["-f", one.path, "--expect-status", "200", "--timeout", "20s"], in: scratch,
            environment: secret)
        let named = try await probe(["-f", two.path, "--name", "dead"], in: scratch)
        let member = try await probe(["-f", two.path, "--name", "www.a"], in: scratch)
        let unnamed = try await probe(["-f", two.path], in: scratch)
        let unknown = try await probe(["-f", two.path, "--name", "ded"], in: scratch)

        #expect(written.code == 0, "\(written.text)")
        #expect(!written.text.contains("1234 "))
        #expect(try object(json.text)["check"] == .string("shop"))
        #expect(flagged.code == 3, "\(flagged.text)")
        #expect(flagged.text.contains("  time-out  20s\n"))
        #expect(named.code == 3, "\(named.text)")
        #expect(member.code == 0, "\(member.text)")
        #expect(unnamed.code == 64)
        #expect(unnamed.text == "\(two.path) has 2 checks: say which with --name: dead, www.a.\n")
        #expect(unknown.code == 64)
        #expect(unknown.text == "\(two.path) has no check ded; it has dead, www.a.\n")
    }

    @Test func `a document that is wrong or missing exits 65`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let bad = try scratch.write(
            "format: 1\nchecks:\n- {name: a, type: htp, target: {host: a}}\n", to: "bad.yaml")
        let empty = try scratch.write("format: 1\nchecks: []\n", to: "empty.yaml")

        let wrong = try await probe(["-f", bad.path], in: scratch)
        let none = try await probe(["-f", empty.path], in: scratch)
        let missing = try await probe(["-f", scratch.file("none.yaml").path], in: scratch)

        #expect(wrong.code == 65)
        #expect(wrong.text.contains("bad.yaml:3: "))
        #expect(none.code == 65)
        #expect(none.text == "\(empty.path) has no check to probe.\n")
        #expect(missing.code == 65)
    }

    @Test(
        arguments: [
            ([], "What is to be probed? "),
            (["shop.example.com"], "\"shop.example.com\" has no scheme: write https://"),
            (["ftp://shop.example.com/"], "\"ftp\" is no scheme that can be probed: "),
            (["tls://shop.example.com:443"], "write tcp+tls://."),
            (["http://user:hunter2@shop.example.com/"], "The address has a user name or password"),
            (["http://shop.example.com:0/"], "\"0\" is no port in the address: "),
            (["http://shop.example.com:http/"], "\"http\" is no port in the address: "),
            (["http://[::1/"], "is no IPv6 address in brackets"),
            (["http:///up"], "The address: is empty: "),
            (["http://sh op/"], "The address: \"sh op\" contains \" \": "),
            (["http://1.2.3/"], "The address: \"1.2.3\" is no IPv4 address: "),
            (
                ["http://shop.example.com/a b"],
                "The address: contains \" \": write it percent-encoded"
            ),
            (["tcp://shop.example.com"], "write tcp://shop.example.com:PORT."),
            (
                ["tcp://shop.example.com:22/x"],
                "A tcp address ends with its port: leave out \"/x\"."
            ),
            (["http://a/", "--timeout", "5"], "--timeout: "),
            (["http://a/", "--timeout", "90s"], "--timeout: "),
            (["http://a/", "--method", "put"], "--method: "),
            (["http://a/", "--header", "X-Key hunter2"], "--header has no colon: "),
            (["http://a/", "--header", "X Key: hunter2"], "--header: "),
            (["http://a/", "--expect-status", "2xx"], "--expect-status: "),
            (["http://a/", "--connect", "b:99999"], "\"99999\" is no port in --connect: "),
            (["http://a/", "--connect", "b/c"], "--connect: "),
            (["http://127.0.0.1/", "-6"], "-6: 127.0.0.1 is an IPv4 address"),
            (["http://a/", "-4", "-6"], "-4 and -6 were given: write one."),
            (["http://a/", "--insecure"], "--insecure is for https and tcp+tls, "),
            (["tcp://a:1", "--follow"], "--follow is for http and https, "),
            (["http://a/", "--name", "b"], "--name is for --file: "),
            (["http://a/", "--file", "b"], "Both a URL and --file were given: "),
        ] as [([String], String)])
    func `bad input is one sentence and exits 64`(_ arguments: [String], _ sentence: String)
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }

        let refused = try await probe(arguments, in: scratch)

        #expect(refused.code == 64)
        #expect(refused.text.contains(sentence), "\(refused.text)")
        #expect(refused.text.split(separator: "\n").count == 1, "\(refused.text)")
        #expect(!refused.text.contains("hunter2"))
    }

    @Test func `no database is opened and nothing is written`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try await EchoServer.start(in: scratch)
        defer { server.stop() }
        let before = try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path)

        let probed = try await probe(
            ["http://127.0.0.1:\(server.port)/"], in: scratch,
            environment: ["DATABASE_URL": "sqlite:\(scratch.file("x.sqlite").path)"])

        #expect(probed.code == 0, "\(probed.text)")
        let after = try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path)
        // What it said, kept by this test, is all that is new.
        #expect(after.count == before.count + 1)
        #expect(!after.contains("x.sqlite"))
    }

    @Test func `a terminal gets colours, unless NO_COLOR is set`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let command = "\(Here.healthWorker.path) probe tcp://127.0.0.1:\(try Here.freePort())"
        let script = URL(filePath: "/usr/bin/script")

        let colored = try await Program.run(
            script, ["-qec", command, "/dev/null"], in: scratch,
            // Whoever runs the tests may have asked for none.
            environment: ["TERM": "xterm", "NO_COLOR": ""])
        let plain = try await Program.run(
            script, ["-qec", command, "/dev/null"], in: scratch,
            environment: ["TERM": "xterm", "NO_COLOR": "1"])

        #expect(colored.code == 3, "\(colored.text)")
        #expect(colored.text.contains("\u{1b}[31mfailure: connect_refused\u{1b}[0m"))
        #expect(plain.code == 3)
        #expect(!plain.text.contains("\u{1b}["))
    }
}

/// A server that answers with the request it got, with the status that the path names, and for
/// `/to/PATH` with a redirect.
private struct EchoServer {
    let port: Int
    private let program: Program

    static func start(
        in scratch: Scratch, certificate: URL? = nil, key: URL? = nil
    ) async throws -> EchoServer {
        let script = try scratch.write(
            """
            import http.server, ssl, sys

            class Handler(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"

                def answer(self):
                    body = f"{self.requestline}\\n{self.headers}".encode()
                    word = self.path[1:]
                    self.send_response(302 if word.startswith("to/") else
                                       int(word) if word.isdigit() else 200)
                    if word.startswith("to/"):
                        self.send_header("Location", word[2:])
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                do_GET = do_OPTIONS = answer

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            if len(sys.argv) > 1:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(sys.argv[1], sys.argv[2])
                server.socket = context.wrap_socket(server.socket, server_side=True)
            print("port", server.server_address[1], flush=True)
            server.serve_forever()
            """, to: "echo.py")
        let program = try Program(
            Here.python, [script.path] + [certificate, key].compactMap { $0?.path },
            log: scratch.file("echo.log"))
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let line = program.written.split(separator: "\n").first, line.hasPrefix("port "),
                program.written.contains("\n"), let port = Int(line.dropFirst(5))
            {
                return EchoServer(port: port, program: program)
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw EndToEndError("the echo server did not start: \(program.written)")
    }

    func stop() {
        program.send(SIGKILL)
    }
}
