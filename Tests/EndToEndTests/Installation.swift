import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// A running `health-worker standalone`, asked as a user would: over HTTP, with its first key.
struct Installation {
    let scratch: Scratch
    let port: Int
    let environment: [String: String]
    var program: Program

    var client: Client {
        Client(port: port, keyFile: scratch.file("data/admin.key"))
    }

    /// - Parameter environment: Further variables of the program.
    static func start(
        in scratch: Scratch, port: Int, apply document: URL? = nil,
        environment: [String: String] = [:]
    ) async throws -> Installation {
        var installation = Installation(
            scratch: scratch, port: port, environment: environment,
            program: try launch(scratch, port, document, environment))
        try await installation.awaitReady()
        return installation
    }

    /// Starts the program anew on the same data, as after a crash.
    mutating func startAgain() async throws {
        program = try Self.launch(scratch, port, nil, environment)
        try await awaitReady()
    }

    private static func launch(
        _ scratch: Scratch, _ port: Int, _ document: URL?, _ environment: [String: String] = [:]
    ) throws -> Program {
        var arguments = ["standalone", "--data-dir", scratch.file("data").path]
        if let document { arguments += ["--apply", document.path] }
        return try Program(
            Here.healthWorker, arguments,
            environment: [
                "HEALTH_WORKER_API_LISTEN": "127.0.0.1:\(port)", "HEALTH_WORKER_LOG_LEVEL": "debug",
                "HEALTH_WORKER_LOG_FORMAT": "json",
            ].merging(environment) { $1 },
            log: scratch.file("health-worker.log"))
    }

    private mutating func awaitReady() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            guard program.isRunning else { break }
            if let answer = try? await client.get("/readyz", authorized: false),
                answer.status == 200
            {
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw EndToEndError(
            "health-worker was not ready; it wrote:\n\(program.written.suffix(4000))")
    }
}

/// Asks the API with the installation's first key.
struct Client: Sendable {
    let port: Int
    let keyFile: URL

    struct Answer {
        var status: Int
        var body: Data

        func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(type, from: body)
        }
    }

    func get(_ path: String, authorized: Bool = true) async throws -> Answer {
        try await answer(
            try request(.GET, path, authorized: authorized), within: .seconds(30))
    }

    func send(_ method: HTTPMethod, _ path: String, _ body: String? = nil) async throws -> Answer {
        var request = try request(method, path)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        return try await answer(request, within: .seconds(60))
    }

    func request(
        _ method: HTTPMethod, _ path: String, authorized: Bool = true
    ) throws -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        if authorized { request.headers.add(name: "Authorization", value: "Bearer \(try key)") }
        return request
    }

    private func answer(
        _ request: HTTPClientRequest, within limit: TimeAmount
    ) async throws -> Answer {
        let response = try await HTTPClient.shared.execute(request, timeout: limit)
        let body = try await response.body.collect(upTo: 16 << 20)
        return Answer(status: Int(response.status.code), body: Data(buffer: body))
    }

    func read<Value: Decodable>(_ path: String, as type: Value.Type) async throws -> Value {
        let answer = try await get(path)
        guard answer.status == 200 else {
            throw EndToEndError(
                "\(path) answered \(answer.status): \(String(decoding: answer.body, as: UTF8.self))"
            )
        }
        return try answer.decoded(type)
    }

    private var key: String {
        get throws {
            try String(contentsOf: keyFile, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }
}

struct EndToEndError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// What the tests read of the API's answers.
struct RouteSeen: Decodable, Equatable {
    struct Record: Decodable, Equatable {
        var name: String
        var value: String
    }

    var generation: Int64
    var cause: String
    var decidedAt: String
    var records: [Record]

    var values: [String] { records.map(\.value) }
}

struct HealthChangesSeen: Decodable {
    struct Change: Decodable {
        var at: String
        var from: String
        var to: String
        var cause: String
    }

    var items: [Change]
}

struct QueueSeen: Decodable {
    struct Tally: Decodable {
        var enqueued: Int64
        var completed: Int64
        var lost: Int64
        var void: Int64
        var rescued: Int64
    }

    var live: Int64
    var leased: Int64
    var tally: Tally
}

/// Asks for the route all the time, as a consumer does, until it is cancelled.
/// - Returns: every answer that was seen; no answer, as while the program is down, is none.
func readAllTheTime(_ client: Client) async -> [[String]] {
    var seen: [[String]] = []
    while !Task.isCancelled {
        if let answer = try? await client.get("/v1/routes/www"), answer.status == 200,
            let route = try? answer.decoded(RouteSeen.self)
        {
            seen.append(route.values)
        }
        // Cancelled: the loop ends.
        try? await Task.sleep(for: .milliseconds(50))
    }
    return seen
}
