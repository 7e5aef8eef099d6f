import HTTPTypes
import HealthWorkerStorage
import Hummingbird
import Logging

/// Lets requests through whose header carries a key with the role that the operation needs.
///
/// The key comes as `Authorization: Bearer KEY` or in the configured header.
struct HeaderAuthentication: MiddlewareProtocol {
    typealias Input = Request
    typealias Output = Response
    typealias Context = APIContext

    let keys: KeyRing
    let header: HTTPField.Name
    let role: KeyRole

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let text = presentedKey(in: request.headers) else {
            throw challenge(
                "Send a key as Authorization: Bearer KEY or \(header.rawName): KEY.", error: nil)
        }
        guard case .known(let caller) = try await keys.judge(text) else {
            throw challenge(
                "The key is not known, has expired or was revoked.", error: "invalid_token")
        }
        guard caller.role >= role else {
            throw ProblemDetails(
                .forbidden,
                "This needs a key with the role \(role.rawValue); this key has "
                    + "\(caller.role.rawValue).")
        }
        var context = context
        context.caller = caller
        context.logger[metadataKey: "key"] = "\(caller.keyID)"
        return try await next(request, context)
    }

    private func presentedKey(in headers: HTTPFields) -> String? {
        if let authorization = headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" {
                return parts[1].trimmingPrefix { $0 == " " }.description
            }
        }
        return headers[header]
    }

    private func challenge(_ detail: String, error: String?) -> ProblemDetails {
        // RFC 6750 §3: without a key no error is named.
        let parameters = error.map { #", error="\#($0)""# } ?? ""
        return ProblemDetails(
            .unauthenticated, detail,
            headers: [.wwwAuthenticate: #"Bearer realm="health-worker"\#(parameters)"#])
    }
}
