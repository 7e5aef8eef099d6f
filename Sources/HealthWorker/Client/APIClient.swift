import ArgumentParser
import AsyncHTTPClient
import Foundation
import HealthWorkerModel
import HealthWorkerTelling
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

    /// All objects of a listing, page by page. `path` may have a query.
    func all(_ path: String) async throws -> [JSONValue] {
        let sign = path.contains("?") ? "&" : "?"
        var items: [JSONValue] = []
        var cursor = ""
        while true {
            let page = try await get("\(path)\(sign)limit=500\(cursor)")
            items += page["items"]?.elements ?? []
            guard let next = page["next_cursor"]?.text else { return items }
            cursor = "&cursor=\(next.percentEncoded)"
        }
    }

    /// `path` comes with its query, percent-encoded.
    ///
    /// - Parameters:
    ///   - waiting: what is done meanwhile, for the line that is shown on a terminal.
    ///   - progress: how far that is.
    ///   - place: where a pointer of a problem is, for whoever wrote what was sent.
    func call(
        _ method: NIOHTTP1.HTTPMethod, _ path: String,
        headers: [(name: String, value: String)] = [], body: String? = nil,
        type: String = "application/json", accept: String = "application/json",
        timeout: TimeAmount = .seconds(60), waiting: String? = nil,
        progress: @escaping @Sendable () async -> String? = { nil },
        place: (String) -> String? = { _ in nil }
    ) async throws -> Answer {
        var request = self.request(method, path, accept: accept)
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = .bytes(ByteBuffer(string: body))
        }
        let ready = request
        let answer = try await WaitingLine.showing(
            waiting ?? "waiting for \(server)", progress: progress
        ) {
            try await patiently(ready, timeout)
        }
        guard answer.status >= 400 else { return answer }
        throw Exit.error(Self.exitCode(of: answer.status), sentence(of: answer, place))
    }

    /// What is nice to know and not waited for: nil where it does not come at once.
    func quickly(get path: String) async -> JSONValue? {
        let request = request(.GET, path, accept: "application/json")
        guard let response = try? await Self.http.execute(request, timeout: .seconds(1)),
            response.status == .ok, let body = try? await response.body.collect(upTo: 1 << 20)
        else { return nil }
        return try? JSONDecoder().decode(JSONValue.self, from: Data(buffer: body))
    }

    private func request(
        _ method: NIOHTTP1.HTTPMethod, _ path: String, accept: String
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: server + path)
        request.method = method
        request.headers.add(name: "Accept", value: accept)
        request.headers.add(name: "User-Agent", value: "health-worker/\(Version.current)")
        if let key { request.headers.add(name: "Authorization", value: "Bearer \(key)") }
        return request
    }

    /// Asks, and asks again where the API says that this key asks too often, for a minute at most.
    private func patiently(
        _ request: HTTPClientRequest, _ timeout: TimeAmount
    ) async throws -> Answer {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            let answer = try await ask(request, timeout)
            guard answer.status == 429,
                let pause = answer.headers.first(name: "Retry-After").flatMap(Int.init),
                ContinuousClock.now + .seconds(pause) < end
            else { return answer }
            try await Task.sleep(for: .seconds(max(1, pause)))
        }
    }

    private func ask(_ request: HTTPClientRequest, _ timeout: TimeAmount) async throws -> Answer {
        do {
            let response = try await Self.http.execute(request, timeout: timeout)
            let bytes = try await response.body.collect(upTo: 256 << 20)
            return Answer(
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
    }

    private static func exitCode(of status: Int) -> ExitCode {
        switch status {
        case 401, 403: Exit.notAllowed
        case 409, 412: Exit.refused
        case 400, 413, 415, 422: Exit.documentInvalid
        case 429, 502, 503, 504: Exit.unreachable
        default: Exit.failed
        }
    }

    private func sentence(of answer: Answer, _ place: (String) -> String?) -> String {
        guard let problem = try? answer.json() else {
            return "\(server) answered \(answer.status)."
        }
        var lines: [String] = []
        for error in problem["errors"]?.elements ?? [] {
            let pointer = error["pointer"]?.text ?? ""
            let location =
                place(pointer)
                ?? [pointer, error["parameter"]?.text, error["header"]?.text].compactMap(\.self)
                .first { !$0.isEmpty }
            var said = error["detail"]?.shown ?? ""
            if let suggestion = error["suggestion"]?.shown {
                said += "; did you mean \(suggestion)?"
            }
            lines.append([location, said].compactMap(\.self).joined(separator: ": "))
        }
        if lines.isEmpty, let detail = problem["detail"]?.shown ?? problem["title"]?.shown {
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
