import Glibc
import HealthWorkerModel
import HealthWorkerPatterns
internal import NIOCore
internal import NIOHTTP1

/// One request of HTTP/1.1 and what its answer must be.
struct HTTPCall: Sendable {
    var method: HealthWorkerModel.HTTPMethod
    /// Path and query.
    var path: String
    var headers: HTTPHeaders
    var body: String
    var expect: Expectation
    var followsRedirects: Bool
}

/// Sends one request and judges the answer.
///
/// The `first_byte` phase ends with the head of the final answer, which is one packet with its first
/// byte in nearly all answers; what is interim (1xx) is passed over. Without a rule for the body the
/// probe ends there: the body is not waited for, and there is no `body` phase.
final class HTTPExchange: ChannelInboundHandler, Exchange {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// The most that a head may have, interim answers included.
    static let headLimit = 65_536

    private let call: HTTPCall
    private let connection: ProbeConnection
    private var body = ByteBuffer()
    /// Takes gzip or deflate off the body, where it is matched.
    private var decoder: BodyDecoder?
    private var hasHead = false

    init(_ call: HTTPCall, on connection: ProbeConnection) {
        self.call = call
        self.connection = connection
    }

    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Self.headLimit
        limits.maxHeaderListSize = Self.headLimit
        limits.maxHeaderFieldCount = 1000
        let decoder = HTTPResponseDecoder(
            leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop,
            limitConfiguration: limits)
        try pipeline.addHandlers(HTTPRequestEncoder(), ByteToMessageHandler(decoder), self)
    }

    func begin(on channel: any Channel) {
        connection.enter(.write)
        let head = HTTPRequestHead(
            version: .http1_1, method: NIOHTTP1.HTTPMethod(rawValue: call.method.rawValue),
            uri: call.path, headers: call.headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if !call.body.isEmpty {
            channel.write(
                HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(string: call.body))), promise: nil
            )
        }
        let connection = connection
        channel.writeAndFlush(HTTPClientRequestPart.end(nil)).whenComplete { result in
            switch result {
            // A server may answer before it has read everything.
            case .success: if connection.runningPhase == .write { connection.enter(.firstByte) }
            case .failure(let error): connection.end(on: error)
            }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard connection.isRunning else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            hasHead = true
            connection.httpStatus = Int(head.status.code)
            judge(head)
        case .body(let part):
            read(part)
        case .end:
            if let decoder, !decoder.isComplete {
                connection.end(
                    .ended(.protocolError, "the body ends in the middle of its content-encoding"))
            } else {
                judgeBody(isWhole: true)
            }
        }
    }

    func hasRead(total: Int) {
        if !hasHead, total > Self.headLimit {
            connection.end(.ended(.tooLarge, "no head within \(Self.headLimit) bytes"))
        } else if total > Self.headLimit + mostForBody {
            // What stands between chunks is no body, and may go on for ever.
            connection.end(
                .ended(
                    .tooLarge,
                    "\(total) bytes, of which only \(body.readableBytes) are of the body"))
        }
    }

    /// What a body of the limit may take, in chunks of one byte each.
    private var mostForBody: Int {
        6 * call.expect.bodyLimit.bytes + Self.headLimit
    }

    func findingAtDeadline() -> Finding? {
        nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard connection.isRunning else { return }
        switch error {
        case HTTPParserError.invalidEOFState:
            connection.end(
                .ended(.connectionClosed, "closed by the target before the answer was complete"))
        case HTTPParserError.headerOverflow:
            connection.end(
                .ended(.tooLarge, "more than \(Self.headLimit) bytes or 1000 fields of headers"))
        case HTTPParserError.unknown:
            connection.end(.ended(.protocolError, "the answer breaks the rules of HTTP/1.1"))
        case is HTTPParserError, is NIOHTTPDecoderError:
            connection.end(.ended(.protocolError, "the answer is no HTTP/1.1: \(error)"))
        default:
            connection.end(on: error)
        }
    }

    // MARK: Judging

    private func judge(_ head: HTTPResponseHead) {
        let status = Int(head.status.code)
        if call.followsRedirects, [301, 302, 303, 307, 308].contains(status) {
            if let location = head.headers.first(name: "location") {
                connection.end(.redirect(to: location))
            } else {
                connection.end(.ended(.redirectBlocked, "status \(status) without a Location"))
            }
        } else if !call.expect.accepts(status: status) {
            let expected = call.expect.status.map(\.description).joined(separator: ", ")
            connection.end(.ended(.statusMismatch, "expected status \(expected), got \(status)"))
        } else if !call.expect.readsBody {
            connection.end(.success)
        } else {
            connection.enter(.body)
            begin(head.headers[canonicalForm: "content-encoding"])
        }
    }

    /// - Parameter codings: What the body is coded in, the last one outermost.
    private func begin(_ codings: [Substring]) {
        let codings = codings.map { $0.lowercased() }.filter { !$0.isEmpty && $0 != "identity" }
        guard let coding = codings.first else { return }
        decoder = codings.count > 1 ? nil : BodyDecoder(coding, limit: call.expect.bodyLimit.bytes)
        if decoder == nil, call.method != .head {
            connection.end(
                .ended(
                    .bodyMismatch,
                    "the body cannot be matched: it is coded as \(Self.shown(codings)), and gzip and "
                        + "deflate are what is decoded"))
        }
    }

    private static func shown(_ codings: [String]) -> String {
        let text = codings.joined(separator: ", ").prefix(40)
        return "\"" + text.filter { $0.isASCII && $0 != "\"" } + "\""
    }

    private func read(_ part: ByteBuffer) {
        let limit = call.expect.bodyLimit.bytes
        let before = body.readableBytes
        var part = part
        if let decoder {
            do {
                try decoder.decode(part, into: &body)
            } catch {
                switch error {
                case .malformed(let words):
                    connection.end(
                        .ended(.protocolError, "the body is not in its content-encoding: \(words)"))
                case .inflated:
                    connection.end(
                        .ended(.tooLarge, "the coded body is far larger than what it holds"))
                }
                return
            }
        } else if let slice = part.readSlice(length: min(part.readableBytes, limit - before)) {
            body.writeImmutableBuffer(slice)
        }
        let hasOneRule = call.expect.bodyNotContains == nil && call.expect.bodyMatches == nil
        if hasOneRule, let text = call.expect.bodyContains,
            // What was read before has been searched, but for a match across the edge.
            body.contains(text, from: max(0, before - text.utf8.count + 1))
        {
            connection.end(.success)
        } else if body.readableBytes >= limit {
            judgeBody(isWhole: false)
        }
    }

    private func judgeBody(isWhole: Bool) {
        let expect = call.expect
        let seen =
            isWhole
            ? "in the body of \(body.readableBytes) bytes"
            : "in the first \(body.readableBytes) bytes of the body"
        if let text = expect.bodyContains, !body.contains(text) {
            connection.end(.ended(.bodyMismatch, "\"\(text)\" is not \(seen)"))
        } else if let text = expect.bodyNotContains, body.contains(text) {
            connection.end(.ended(.bodyMismatch, "\"\(text)\" is \(seen)"))
        } else if let text = expect.bodyMatches {
            connection.judge { [body] in Self.finding(of: text, in: body, seen: seen) }
        } else {
            connection.end(.success)
        }
    }

    private static func finding(of text: String, in body: ByteBuffer, seen: String) -> Finding {
        let pattern: Pattern
        do {
            pattern = try Pattern(text)
        } catch {
            return .ended(.internal, "expect.body_matches is no pattern: \(error)")
        }
        return switch body.withUnsafeReadableBytes({ pattern.matches($0) }) {
        case .matched: .success
        case .notMatched: .ended(.bodyMismatch, "the pattern matches nothing \(seen)")
        // The pattern is ours, the body theirs: nobody knows whether it would have matched.
        case .gaveUp: .ended(.internal, "the pattern needs too many steps \(seen)")
        }
    }
}

extension ByteBuffer {
    /// Whether the bytes of `text` are among the readable ones, from `offset` on.
    func contains(_ text: String, from offset: Int = 0) -> Bool {
        var text = text
        return text.withUTF8 { needle in
            guard let start = needle.baseAddress, !needle.isEmpty else { return true }
            return withUnsafeReadableBytes { bytes in
                guard let end = bytes.baseAddress.map({ $0 + bytes.count }) else { return false }
                var place = bytes.baseAddress.map { $0 + offset }
                // memmem would be the word for it, but glibc shows it to GNU sources only.
                while let from = place, end - from >= needle.count,
                    let found = memchr(from, CInt(start.pointee), end - from - needle.count + 1)
                {
                    if memcmp(found, start, needle.count) == 0 { return true }
                    place = UnsafeRawPointer(found) + 1
                }
                return false
            }
        }
    }
}
