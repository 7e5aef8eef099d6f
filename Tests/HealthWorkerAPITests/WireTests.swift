import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import Logging
import NIOCore
import Testing

/// What clients send and do that is no request, over a real connection.
@Suite struct WireTests {
    @Test(arguments: [
        ("hello\r\n\r\n", "501 Not Implemented", "not-implemented"),
        ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", "400 Bad Request", "malformed-request"),
        ("GET /livez HTTP/1.1\r\n\r\n", "400 Bad Request", "malformed-request"),
        (
            "GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request",
            "malformed-request"
        ),
        (
            "GET /livez HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n", "400 Bad Request",
            "malformed-request"
        ),
        (
            "POST /v1/checks HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
            "400 Bad Request", "malformed-request"
        ),
        (
            "POST /v1/checks HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "400 Bad Request", "malformed-request"
        ),
        ("get /livez HTTP/1.1\r\nHost: a\r\n\r\n", "501 Not Implemented", "not-implemented"),
        ("FETCH /livez HTTP/1.1\r\nHost: a\r\n\r\n", "501 Not Implemented", "not-implemented"),
        (
            "GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: \(String(repeating: "x", count: 20_000))\r\n\r\n",
            "431 Request Header Fields Too Large", "headers-too-large"
        ),
        (
            "GET /livez HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X-Many: x\r\n", count: 200))\r\n",
            "431 Request Header Fields Too Large", "headers-too-large"
        ),
        (
            "GET /livez?\(String(repeating: "x", count: 20_000)) HTTP/1.1\r\nHost: a\r\n\r\n",
            "431 Request Header Fields Too Large", "headers-too-large"
        ),
    ])
    func `what is no request is answered by a problem, and the connection ends`(
        sent: String, status: String, kind: String
    ) async throws {
        try await serving { wire in
            let answer = try await wire.answer(to: sent)

            #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"), "\(answer)")
            #expect(answer.contains("Content-Type: application/problem+json\r\n"))
            #expect(answer.contains("Connection: close\r\n"))
            #expect(answer.contains("X-Request-Id: "))
            #expect(answer.contains("urn:problem-type:health-worker:\(kind)"))
            #expect(!answer.contains("xxxx"))
        }
    }

    @Test func `HTTP/1.0 needs no host, and its connection ends with the answer`() async throws {
        try await serving { wire in
            let answer = try await wire.answer(to: "GET /livez HTTP/1.0\r\n\r\n")

            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
            #expect(answer.hasSuffix(#"{"status":"alive"}"#))
        }
    }

    @Test func `a connection serves one request after the other`() async throws {
        try await serving { wire in
            let one = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
            let last = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

            let answer = try await wire.answer(to: one + one + last)

            #expect(answer.components(of: "HTTP/1.1 200 OK\r\n") == 3, "\(answer)")
            #expect(answer.components(of: "Connection: close\r\n") == 1)
        }
    }

    @Test func `what breaks in the middle of a body is a problem and stores nothing`()
        async throws
    {
        try await serving { wire in
            let body =
                "{format: 1, checks: [{name: a, type: tcp, target: {host: a.example, port: 1}}]}"
            let head =
                "POST /v1/apply HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(wire.key)\r\n"
                + "Content-Type: application/yaml\r\n"

            let chunk = try await wire.answer(
                to: head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{form\r\nnone\r\n")
            // The whole of a document, and not the whole of what was announced.
            let short = try await wire.answer(
                to: head + "Content-Length: \(body.utf8.count + 10)\r\n\r\n" + body, thenEnds: true)

            #expect(chunk.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(chunk)")
            #expect(chunk.contains("malformed-request"))
            #expect(!short.hasPrefix("HTTP/1.1 2"), "\(short)")
            let stored = try await wire.storage.checks(named: ["a"])
            #expect(stored.isEmpty)
        }
    }

    @Test func `who waits for the word to go on gets it`() async throws {
        try await serving { wire in
            let body = Samples.tcpCheck("mail")

            let answer = try await wire.answer(
                to: "POST /v1/checks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(wire.key)\r\n"
                    + "Content-Type: application/json\r\nExpect: 100-continue\r\nConnection: close\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n", then: body, after: "\r\n\r\n")

            #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n"))
        }
    }

    @Test func `a body that does not arrive is not waited for`() async throws {
        let limits = ConnectionLimits(bodyGrace: .milliseconds(200))
        try await serving(limits) { wire in
            let answer = try await wire.answer(
                to: "POST /v1/checks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(wire.key)\r\n"
                    + "Content-Length: 100\r\n\r\n{")

            #expect(answer.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"), "\(answer)")
            #expect(answer.contains("Connection: close\r\n"))
            #expect(answer.contains("too-slow"))
        }
    }

    @Test(arguments: ["", "GET /livez HTT"])
    func `a connection without a request ends`(sent: String) async throws {
        try await serving(ConnectionLimits(idle: .milliseconds(200))) { wire in
            let answer = try await wire.answer(to: sent)

            #expect(answer.isEmpty)
        }
    }

    @Test func `a body that nobody wants is read to a limit only`() async throws {
        let limits = ConnectionLimits(unreadBytes: 10_000)
        try await serving(limits) { wire in
            // No key: it is refused before its body is read.
            let head = "POST /v1/checks HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"

            let answer = try await wire.answer(
                to: head, then: String(repeating: "x", count: 1_000_000), after: "}")

            #expect(answer.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"), "\(answer)")
        }
    }

    @Test func `answers that nobody reads are given up`() async throws {
        let limits = ConnectionLimits(stalledAnswer: .milliseconds(200))
        try await serving(limits) { wire in
            let bundle = try #require(
                APIServer.undescribedPaths.first { $0.hasSuffix("/swagger-ui-bundle.js") })
            let request = "GET \(bundle) HTTP/1.1\r\nHost: a\r\n\r\n"

            try await wire.writeUntilRefused(String(repeating: request, count: 200))
        }
    }

    @Test func `what comes over the limit of connections waits`() async throws {
        try await serving(ConnectionLimits(connections: 1)) { wire in
            let request = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

            // The first one holds its connection until the second one has sent its request.
            async let held = wire.answer(to: "GET /livez HT", then: "TP/1.0\r\n\r\n", after: nil)
            async let waiting = wire.answer(to: request)

            let answers = try await [held, waiting]
            #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 200 OK\r\n") }, "\(answers)")
        }
    }
}

// MARK: - A server, and connections to it

extension WireTests {
    private func serving(
        _ limits: ConnectionLimits = ConnectionLimits(),
        _ test: @escaping @Sendable (Wire) async throws -> Void
    ) async throws {
        let storage = MemoryStorage()
        let (key, text) = KeyMint.mint(role: .write, name: "test", now: try await storage.now())
        try await storage.insertKey(key)
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = try APIServer(
            storage: storage, compiler: Compiler { _ in nil },
            settings: APISettings(port: 0, connections: limits), logger: Logger(label: "test"),
            onListening: { listening.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.application.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            try await test(Wire(port: port, storage: storage, key: text))
            group.cancelAll()
            // The error of being cancelled, if there is one, is what was asked for.
            try? await group.waitForAll()
        }
    }
}

private struct Wire: Sendable {
    let port: Int
    let storage: MemoryStorage
    let key: String

    /// Everything that is answered until the server ends the connection.
    ///
    /// - Parameters:
    ///   - more: Sent once `word` was answered; nil: at once, in a packet of its own.
    ///   - ends: Whether the client says that it sends no more.
    func answer(
        to text: String, then more: String? = nil, after word: String? = nil,
        thenEnds ends: Bool = false
    ) async throws -> String {
        try await TestConnection.open(port: port).executeThenClose { inbound, outbound in
            var heard = ""
            var owed = more
            do {
                try await outbound.write(ByteBuffer(string: text))
                if word == nil, let now = owed {
                    try await outbound.write(ByteBuffer(string: now))
                    owed = nil
                }
                if ends { outbound.finish() }
                for try await bytes in inbound {
                    heard += String(buffer: bytes)
                    if let word, let later = owed, heard.contains(word) {
                        owed = nil
                        try await outbound.write(ByteBuffer(string: later))
                    }
                }
            } catch is IOError {
                // The server hung up while more was sent: what it said before is what counts.
            } catch is ChannelError {
            }
            return heard
        }
    }

    /// Sends and never reads, until the server hangs up.
    func writeUntilRefused(_ text: String) async throws {
        try await TestConnection.open(port: port).executeThenClose { _, outbound in
            let deadline = ContinuousClock.now + .seconds(600)
            do {
                try await outbound.write(ByteBuffer(string: text))
                while ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(20))
                    try await outbound.write(ByteBuffer(string: "\r\n"))
                }
                Issue.record("the server still waits for its reader")
            } catch is IOError {
            } catch is ChannelError {
            }
        }
    }
}
