import ArgumentParser
import AsyncHTTPClient
import Foundation
import HealthWorkerModel
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Calls the API and turns its refusals into sentences and exit codes.
struct APIClient {
    let server: String
    let key: String?

    /// Lives as long as the process.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        // A refused connection is an answer, not a reason to try for half a minute.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    struct Answer {
        var status: Int
        var headers: HTTPHeaders
        var body: Data

        func json() throws -> JSONValue {
            try JSONDecoder().decode(JSONValue.self, from: body)
        }
    }

    func get(_ path: String) async throws -> JSONValue {
        try await call(.GET, path).json()
    }

    /// `path` comes with its query, percent-encoded.
    func call(
        _ method: NIOHTTP1.HTTPMethod, _ path: String,
        headers: [(name: String, value: String)] = [], body: String? = nil,
        type: String = "application/json", accept: String = "application/json",
        timeout: TimeAmount = .seconds(60)
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: server + path)
        request.method = method
        request.headers.add(name: "Accept", value: accept)
        request.headers.add(name: "User-Agent", value: "health-worker/\(Version.current)")
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        if let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = .bytes(ByteBuffer(string: body))
        }
        let answer: Answer
        do {
            let response = try await Self.http.execute(request, timeout: timeout)
            let bytes = try await response.body.collect(upTo: 256 << 20)
            answer = Answer(
                status: Int(response.status.code), headers: response.headers,
                body: Data(buffer: bytes))
        } catch {
            let isLate = [.deadlineExceeded, .connectTimeout].contains(error as? HTTPClientError)
            let why = isLate ? "does not answer in time" : "cannot be reached"
            throw Exit.error(
                Exit.unreachable,
                "\(server) \(why). Is it running there? --server or HEALTH_WORKER_SERVER says where."
            )
        }
        guard answer.status >= 400 else { return answer }
        throw Exit.error(Self.exitCode(of: answer.status), sentence(of: answer))
    }

    private static func exitCode(of status: Int) -> ExitCode {
        switch status {
        case 401, 403: Exit.notAllowed
        case 409, 412: Exit.refused
        case 400, 413, 415, 422: Exit.documentInvalid
        case 502, 503, 504: Exit.unreachable
        default: Exit.failed
        }
    }

    private func sentence(of answer: Answer) -> String {
        guard let problem = try? answer.json() else {
            return "\(server) answered \(answer.status)."
        }
        var lines: [String] = []
        if case .array(let errors)? = problem["errors"] {
            for error in errors {
                let parts = [
                    error["pointer"]?.text, error["message"]?.text ?? error["detail"]?.text,
                ]
                lines.append(parts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": "))
            }
        }
        if lines.isEmpty, let detail = problem["detail"]?.text ?? problem["title"]?.text {
            lines.append(detail)
        }
        if answer.status == 401, key == nil {
            lines.append(
                "No key was given: --key-file, HEALTH_WORKER_KEY_FILE or HEALTH_WORKER_KEY.")
        }
        return lines.isEmpty
            ? "\(server) answered \(answer.status)." : lines.joined(separator: "\n")
    }
}

extension JSONValue {
    /// The text of a string, the digits of a number; nil for anything else.
    var text: String? {
        switch self {
        case .string(let text): text
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .bool(let value): String(value)
        case .null, .array, .object: nil
        }
    }

    var elements: [JSONValue] {
        if case .array(let elements) = self { elements } else { [] }
    }
}

extension String {
    /// As a part of a URL's path or query.
    var percentEncoded: String {
        // Nil only for a text that is no Unicode, which no String is.
        addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }
}
