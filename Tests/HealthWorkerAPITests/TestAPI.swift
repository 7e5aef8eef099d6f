import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerSecrets
import HealthWorkerStorage
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import Testing

/// The API over the reference storage, with a key for each role.
///
/// Whatever a test does, every answer is held against the endpoint's own description, and no answer
/// and no line of the log may contain the secret of a key.
struct TestAPI: Sendable {
    let storage: MemoryStorage
    let clock: StorageClock
    let server: APIServer
    let client: any TestClientProtocol
    let keys: [KeyRole: String]
    let log: LogLines

    /// - Parameter trials: probe checks before they are stored; nil: nothing is probed.
    static func run(
        settings: APISettings = APISettings(version: "1.2.3", routeMemory: .zero),
        trials: Trials? = nil, sealing: SealingKeys = .none, sinks: SinkDoor = .none,
        _ test: @Sendable (TestAPI) async throws -> Void
    ) async throws {
        let clock = StorageClock(standingAt: Timestamp(seconds: 1_800_000_000))
        let storage = MemoryStorage(clock: clock)
        var keys: [KeyRole: String] = [:]
        for role in KeyRole.allCases {
            let (key, text) = KeyMint.mint(
                role: role, name: "test-\(role.rawValue)", now: clock.now)
            try await storage.insertKey(key)
            keys[role] = text
        }
        try await run(
            storage: storage, apiStorage: storage, keys: keys, settings: settings, trials: trials,
            sealing: sealing, sinks: sinks, test)
    }

    /// - Parameter apiStorage: what the API works with, where that differs.
    static func run(
        storage: MemoryStorage, apiStorage: any Storage, keys: [KeyRole: String],
        settings: APISettings, trials: Trials? = nil, sealing: SealingKeys = .none,
        sinks: SinkDoor = .none,
        _ test: @Sendable (TestAPI) async throws -> Void
    ) async throws {
        let log = LogLines()
        var logger = Logger(label: "test") { _ in LineHandler(lines: log) }
        logger.logLevel = .trace
        let server = try APIServer(
            storage: apiStorage, sealing: sealing, compiler: Compiler { _ in nil },
            trials: trials, sinks: sinks, settings: settings, logger: logger)
        try await server.application.test(.router) { client in
            let api = TestAPI(
                storage: storage, clock: storage.shared.clock, server: server, client: client,
                keys: keys, log: log)
            try await test(api)
        }
        for text in keys.values { expectNoSecret(of: text, in: log.joined) }
    }

    // MARK: - Requests

    func send(
        _ method: HTTPTypes.HTTPRequest.Method, _ uri: String, as role: KeyRole? = .admin,
        headers: HTTPFields = [:], body: String? = nil, type: String? = "application/json"
    ) async throws -> TestAnswer {
        var headers = headers
        if let role { headers[.authorization] = "Bearer \(keys[role] ?? "")" }
        if body != nil, headers[.contentType] == nil { headers[.contentType] = type }
        let response = try await client.executeRequest(
            uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
        let answer = TestAnswer(response)
        for text in keys.values { Self.expectNoSecret(of: text, in: answer.text) }
        hold(answer, against: method, uri)
        return answer
    }

    func get(
        _ uri: String, as role: KeyRole? = .read, headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        try await send(.get, uri, as: role, headers: headers)
    }

    func post(
        _ uri: String, _ body: String? = nil, as role: KeyRole? = .admin, headers: HTTPFields = [:],
        type: String? = "application/json"
    ) async throws -> TestAnswer {
        try await send(.post, uri, as: role, headers: headers, body: body, type: type)
    }

    func put(
        _ uri: String, _ body: String, as role: KeyRole? = .write, headers: HTTPFields = [:],
        type: String? = "application/json"
    ) async throws -> TestAnswer {
        try await send(.put, uri, as: role, headers: headers, body: body, type: type)
    }

    func patch(
        _ uri: String, _ body: String, headers: HTTPFields = [:],
        type: String? = "application/merge-patch+json"
    ) async throws -> TestAnswer {
        try await send(.patch, uri, as: .write, headers: headers, body: body, type: type)
    }

    func delete(_ uri: String, headers: HTTPFields = [:]) async throws -> TestAnswer {
        try await send(.delete, uri, as: .admin, headers: headers)
    }

    // MARK: - What every answer must be

    private static func expectNoSecret(of key: String, in text: String) {
        let secret = key.split(separator: "_").last.map(String.init) ?? key
        #expect(!text.contains(secret), "the secret of a key is shown")
    }

    private func hold(
        _ answer: TestAnswer, against method: HTTPTypes.HTTPRequest.Method, _ uri: String
    ) {
        #expect(answer.headers[.requestID]?.isEmpty == false)
        let path = uri.prefix { $0 != "?" }.split(separator: "/")
        let endpoint = server.endpoints.first { endpoint in
            let template = endpoint.path.split(separator: "/")
            return endpoint.method == method && template.count == path.count
                && zip(template, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        let status = answer.status.code
        // An answer may say no by its status, as the health of a member does.
        let isAnswer =
            answer.headers[.contentType] == "application/json"
            && endpoint?.answers.contains { $0.status == answer.status } == true
        if status >= 400, !isAnswer, method != .head {
            #expect(answer.headers[.contentType] == "application/problem+json")
            let problems = Schema.reference("Problem").problems(
                in: answer.node, components: server.components)
            #expect(problems.isEmpty, "\(problems) in \(answer.text)")
            if let endpoint {
                #expect(
                    endpoint.allProblems.contains { $0.status == answer.status },
                    "\(endpoint.operationID) does not describe \(status)")
            }
            return
        }
        guard let endpoint else { return }
        guard let described = endpoint.answers.first(where: { $0.status == answer.status }) else {
            Issue.record("\(endpoint.operationID) does not describe \(status)")
            return
        }
        for header in described.headers where header.name != "Link" {
            #expect(
                HTTPField.Name(header.name).flatMap { answer.headers[$0] } != nil,
                "\(endpoint.operationID) has no \(header.name)")
        }
        if let schema = described.schema, answer.headers[.contentType] == "application/json" {
            let problems = schema.problems(in: answer.node, components: server.components)
            #expect(problems.isEmpty, "\(problems) in \(answer.text)")
        }
    }
}

struct TestAnswer: Sendable {
    let status: HTTPResponse.Status
    let headers: HTTPFields
    let body: ByteBuffer

    init(_ response: TestResponse) {
        status = response.status
        headers = response.headers
        body = response.body
    }

    var text: String { String(decoding: body.readableBytesView, as: UTF8.self) }

    /// The body as JSON; null where it is none.
    var node: Node { (try? Node.readJSON(text)) ?? Node(.null) }

    /// The value at a JSON pointer without escapes; nil where there is none.
    subscript(pointer: String) -> Node? {
        pointer.split(separator: "/").reduce(node as Node?) { node, step in
            if let index = Int(step), let elements = node?.elements {
                return elements.indices.contains(index) ? elements[index] : nil
            }
            return node?[String(step)]
        }
    }

    func string(_ pointer: String) -> String? { self[pointer]?.text }
    func integer(_ pointer: String) -> Int64? { self[pointer]?.integer }

    func number(_ pointer: String) -> Double? {
        if case .number(let number)? = self[pointer]?.value { number } else { nil }
    }
    func names(_ pointer: String = "/items") -> [String] {
        (self[pointer]?.elements ?? []).compactMap { $0["name"]?.text ?? $0.text }
    }

    /// The part of a problem's `type` that tells kinds apart.
    var kind: String? { string("/type")?.split(separator: ":").last.map(String.init) }

    /// Where each thing is that is wrong.
    var places: [String] {
        (self["/errors"]?.elements ?? []).map {
            ($0["pointer"] ?? $0["parameter"] ?? $0["header"])?.text ?? ""
        }
    }
}

extension HTTPField.Name {
    static let requestID = Self("X-Request-Id")!  // a token
}

final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    func append(_ line: String) {
        lines.withLock { $0.append(line) }
    }

    var joined: String { lines.withLock { $0.joined(separator: "\n") } }
}

struct LineHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        lines.append("\(event.level) \(event.message) \(all)")
    }
}
