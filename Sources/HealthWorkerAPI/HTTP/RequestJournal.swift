import HTTPTypes
import HealthWorkerModel
import Hummingbird
import Logging
import Metrics

/// Gives each request an id, and says in log and metrics what became of it.
///
/// Neither names a URL, a header or a query: keys and secrets travel there.
struct RequestJournal: MiddlewareProtocol {
    typealias Input = Request
    typealias Output = Response
    typealias Context = APIContext

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.requestID = Self.id(of: request)
        context.logger[metadataKey: "request_id"] = "\(context.requestID)"
        let start = ContinuousClock.now

        var response = try await next(request, context)

        response.headers[.requestID] = context.requestID
        response.headers[.xContentTypeOptions] = "nosniff"
        let duration = ContinuousClock.now - start
        let route = context.endpointPath ?? "none"
        Timer(
            label: MetricName.apiRequest.rawValue,
            dimensions: [
                ("route", route), ("method", request.method.knownName),
                ("status", String(response.status.code)),
            ]
        ).record(duration: duration)
        context.logger.debug(
            "Answered",
            metadata: [
                "route": "\(route)", "method": "\(request.method.knownName)",
                "status": "\(response.status.code)", "duration": "\(duration)",
            ])
        return response
    }

    /// The caller's id where it is one that can stand in a log, else a random one.
    private static func id(of request: Request) -> String {
        if let given = request.headers[.requestID], (1...64).contains(given.utf8.count),
            // An own key sent in the wrong header must not come back.
            KeyMint.parts(of: given) == nil,
            given.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            })
        {
            return given
        }
        return randomID()
    }

    static func randomID() -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension HTTPField.Name {
    static let requestID = Self("X-Request-Id")!  // a token (RFC 9110 §5.1)
}

extension HTTPTypes.HTTPRequest.Method {
    /// A label of bounded values: a caller may send any word as its method.
    fileprivate var knownName: String {
        switch self {
        case .get, .head, .post, .put, .patch, .delete, .options: rawValue
        default: "other"
        }
    }
}
