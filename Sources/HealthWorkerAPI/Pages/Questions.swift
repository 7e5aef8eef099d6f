import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import HealthWorkerTelling
import Hummingbird
import NIOCore
import Synchronization

/// Operations of the API, asked from within by the status page for whoever looks at it.
///
/// So the page knows what the API tells and can do what the API does, by the same validation, rights and
/// audit log, and nothing else.
struct Questions: Sendable {
    private let endpoints: [String: Endpoint]
    private let mounting: Mounting

    init(endpoints: [Endpoint], mounting: Mounting) {
        self.endpoints = Dictionary(uniqueKeysWithValues: endpoints.map { ($0.operationID, $0) })
        self.mounting = mounting
    }

    var limits: CallLimits { mounting.limits }

    /// The body of the answer; null where there is none.
    ///
    /// - Throws: what the operation throws, and 403 for a caller whose role does not allow it.
    func ask(
        _ operation: String, _ path: [String: String] = [:], query: [(String, String?)] = [],
        body: Node? = nil, by looker: Looker
    ) async throws -> JSONValue {
        let response = try await respond(
            operation, path, query: query, body: body, accepting: .json, by: looker)
        let text = CollectedBody()
        try await response.body.write(text)
        let bytes = text.bytes
        return bytes.isEmpty ? .null : try Node.readJSON(bytes).json()
    }

    /// The answer as it is, also one that goes on for days.
    func respond(
        _ operation: String, _ path: [String: String] = [:], query: [(String, String?)] = [],
        body: Node? = nil, accepting type: MediaType, by looker: Looker
    ) async throws -> Response {
        guard let endpoint = endpoints[operation] else {
            preconditionFailure("there is no operation \(operation)")
        }
        if let role = endpoint.role { try looker.caller.need(role) }
        var context = looker.context
        context.caller = looker.caller
        for (name, value) in path {
            context.coreContext.parameters[name[...]] = value.percentEncoded[...]
        }
        var headers = looker.request.headers
        for name in Self.ownHeaders { headers[name] = nil }
        headers[.accept] = type.rawValue
        if body != nil { headers[.contentType] = endpoint.body?.contents.first?.type.rawValue }
        let asked = query.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : "\(name)=\($0.percentEncoded)" }
        }
        let head = HTTPTypes.HTTPRequest(
            method: endpoint.method, scheme: nil, authority: nil,
            path: endpoint.path + (asked.isEmpty ? "" : "?\(asked.joined(separator: "&"))"),
            headerFields: headers)
        let bytes = body.map { ByteBuffer(bytes: JSONText.bytes($0)) } ?? ByteBuffer()
        return try await endpoint.answer(
            to: Request(head: head, body: RequestBody(buffer: bytes)), context: context, mounting)
    }

    /// What a browser says of its own request for a page, and not of this one. A page that listens again
    /// is asked for as a whole then, so that it needs nothing of what happened meanwhile.
    private static let ownHeaders: [HTTPField.Name] = [
        .accept, .contentLength, .contentType, .contentEncoding, .transferEncoding, .ifMatch,
        .ifNoneMatch, .lastEventID,
    ]
}

/// Somebody who looks at the page and was let in.
struct Looker: Sendable {
    var caller: Caller
    /// What shows who it is, also to whoever asks again while a stream goes on.
    var request: Request
    var context: APIContext
    var hasSession: Bool
}

/// Keeps what is written into it.
private final class CollectedBody: ResponseBodyWriter {
    private let buffer = Mutex(ByteBuffer())

    var bytes: [UInt8] { buffer.withLock { Array($0.readableBytesView) } }

    func write(_ buffer: ByteBuffer) async throws {
        self.buffer.withLock { _ = $0.writeImmutableBuffer(buffer) }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
