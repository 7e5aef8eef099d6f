import Foundation
import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import Testing

@Suite struct `Authentication that is replaced` {
    private static let user = HTTPField.Name("X-Forwarded-User")!  // a token
    private static let groups = HTTPField.Name("X-Forwarded-Groups")!  // a token

    private func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// A real server on a free port of loopback, which is where its clients come from.
    private func serve(
        _ authentication: any Authentication, limits: APISettings.Limits = .init(),
        on storage: MemoryStorage = MemoryStorage(),
        _ test: @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
        let server = try APIServer(
            storage: storage, authentication: authentication, compiler: Compiler { _ in nil },
            settings: APISettings(port: 0, limits: limits), logger: Logger(label: "test"))
        try await server.application.test(.live) { try await test($0) }
    }

    @Test func `works as the guide's example says`() async throws {
        let storage = MemoryStorage()
        let server = try APIServer(
            storage: storage,
            authentication: ProxyAuthentication(proxies: ["127.0.0.1"]),
            compiler: Compiler { _ in nil }, settings: APISettings(port: 0),
            logger: Logger(label: "test"))
        let check = ByteBuffer(string: Samples.tcpCheck("mail"))
        let (key, keyText) = KeyMint.mint(role: .admin, name: "key", now: Timestamp(seconds: 0))
        try await storage.insertKey(key)

        try await server.application.test(.live) { client in
            let nobody = try await client.executeRequest(
                uri: "/v1/queue", method: .get, headers: [:], body: nil)
            let withKey = try await client.executeRequest(
                uri: "/v1/queue", method: .get, headers: [.authorization: "Bearer \(keyText)"],
                body: nil)
            let reader = try await client.executeRequest(
                uri: "/v1/queue", method: .get, headers: [Self.user: "ann"], body: nil)
            let tooLittle = try await client.executeRequest(
                uri: "/v1/checks", method: .post,
                headers: [Self.user: "bob", Self.groups: "staff, operators"], body: check)
            let enough = try await client.executeRequest(
                uri: "/v1/checks", method: .post,
                headers: [Self.user: "eve", Self.groups: "staff,admins"], body: check)

            #expect(nobody.status == .unauthorized)
            #expect(withKey.status == .unauthorized)
            #expect(reader.status == .ok)
            #expect(tooLittle.status == .forbidden)
            #expect(enough.status == .created)
        }

        let entry = try await storage.audit(
            matching: AuditFilter(action: "check.created"), before: nil, limit: 1
        ).first
        #expect(entry?.actor == "user:eve")
        let schemes = server.description["components"]?["securitySchemes"]?.entries ?? []
        #expect(schemes.map(\.key) == ["proxy"])
    }

    @Test func `believes nobody but the proxy, and limits each person alone`() async throws {
        try await serve(ProxyAuthentication(proxies: ["192.0.2.1"])) { client in
            let forged = try await client.executeRequest(
                uri: "/v1/queue", method: .get, headers: [Self.user: "eve"], body: nil)
            #expect(forged.status == .unauthorized)
        }
        let start = ContinuousClock.now
        try await serve(
            ProxyAuthentication(proxies: ["127.0.0.1"]), limits: .init(perCaller: 2, now: { start })
        ) { client in
            func ask(_ user: String) async throws -> HTTPResponse.Status {
                try await client.executeRequest(
                    uri: "/v1/queue", method: .get, headers: [Self.user: user], body: nil
                ).status
            }
            var seen: [HTTPResponse.Status] = []
            for user in ["ann", "ann", "ann", "ann", "ann", "bob"] {
                seen.append(try await ask(user))
            }
            #expect(seen == [.ok, .ok, .ok, .ok, .tooManyRequests, .ok])
        }
    }

    @Test func `answers 429 where too much from one address is not believed`() async throws {
        let start = ContinuousClock.now
        try await serve(
            ProxyAuthentication(proxies: ["192.0.2.1"]),
            limits: .init(refusedKeysPerMinute: 2, now: { start })
        ) { client in
            var seen: [HTTPResponse.Status] = []
            for _ in 0..<3 {
                seen.append(
                    try await client.executeRequest(
                        uri: "/v1/queue", method: .get, headers: [Self.user: "eve"], body: nil
                    ).status)
            }

            #expect(seen == [.unauthorized, .unauthorized, .tooManyRequests])
        }
    }

    @Test func `is asked again while somebody listens`() async throws {
        let server = try APIServer(
            storage: MemoryStorage(), authentication: Patience(lasts: 2),
            compiler: Compiler { _ in nil },
            settings: APISettings(port: 0, longPollInterval: .milliseconds(100), keyMemory: .zero),
            logger: Logger(label: "test"))

        try await server.application.test(.live) { client in
            // The whole answer is there once the stream has ended.
            let answer = try await client.executeRequest(
                uri: "/v1/events", method: .get, headers: [.accept: "text/event-stream"],
                body: nil)

            #expect(answer.status == .ok)
            #expect(String(buffer: answer.body).hasPrefix("retry: "))
        }
    }

    @Test func `the guide has its proxy set each header that is believed`() throws {
        let guide = try text("Sources/HealthWorker/HealthWorker.docc/ReplacingAuthentication.md")
        let example = try text("Tests/HealthWorkerAPITests/ProxyAuthentication.swift")
        let headers = example.matches(of: #/HTTPField\.Name\("([^"]+)"\)/#)
            .map { String($0.output.1) }

        #expect(headers.count == 2)
        for header in headers {
            #expect(guide.contains("\nproxy_set_header \(header) "), "\(header)")
        }
    }

    @Test func `is quoted by the guide word for word`() throws {
        let guide = try text("Sources/HealthWorker/HealthWorker.docc/ReplacingAuthentication.md")
        let example = try text("Tests/HealthWorkerAPITests/ProxyAuthentication.swift")
        let test = try text("Tests/HealthWorkerAPITests/ReplacingAuthenticationTests.swift")
        let marker = "import Hummingbird\n\n"
        let body = try #require(example.ranges(of: marker).first.map { example[$0.upperBound...] })
        let line = "            authentication: ProxyAuthentication(proxies: [\"127.0.0.1\"]),\n"

        #expect(guide.contains("```swift\n\(body)```\n"))
        #expect(guide.contains("```swift\n\(line)```\n"))
        #expect(test.contains("\n\(line)"))
    }
}

/// Lets in whoever asks first, and after a number of times nobody.
private final class Patience: Authentication {
    let schemes: [SecurityScheme] = []
    private let left: Mutex<Int>

    init(lasts times: Int) {
        left = Mutex(times)
    }

    func caller(of: Request, context: APIContext) throws(AuthenticationError) -> Caller {
        let isIn = left.withLock { left in
            left -= 1
            return left >= 0
        }
        guard isIn else { throw .refused("Enough.") }
        return Caller(id: "ann", actor: "user:ann", role: .read)
    }
}
