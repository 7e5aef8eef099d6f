import HTTPTypes
import HealthWorkerStorage
import Hummingbird
import Logging
import Metrics

/// Knows callers by their key: `Authorization: Bearer KEY`, the configured header, or `X-API-Key`.
///
/// Keys that are refused are counted for each address, and logged without a word of what was sent.
/// From an address that sent too many, only keys are let in that are known already; others wait.
struct KeyAuthentication: Authentication {
    let keys: KeyRing
    let header: HTTPField.Name
    let refusals: RateLimiter

    var schemes: [SecurityScheme] {
        [
            .bearer,
            .header(
                header.rawName, "The same key, for clients that cannot send the other header."),
        ]
    }

    func caller(
        of request: Request, context: APIContext
    ) async throws(AuthenticationError) -> Caller {
        guard let text = presentedKey(in: request.headers) else {
            throw .missing("Send a key as Authorization: Bearer KEY or \(header.rawName): KEY.")
        }
        let address = context.address
        if let wait = refusals.wait(of: address), !keys.remembers(text) { throw .tooMany(wait) }
        let judgement: KeyRing.Judgement
        do {
            judgement = try await keys.judge(text)
        } catch {
            throw .storage(error)
        }
        switch judgement {
        case .known(let caller):
            return caller
        case .unknown(let why, let id):
            note(why, id: id, address: address, context)
            throw .refused("The key is not known, has expired or was revoked.")
        }
    }

    private func note(
        _ why: KeyRing.Fault, id: String?, address: String, _ context: APIContext
    ) {
        Counter(
            label: "health_worker_api_keys_refused_total", dimensions: [("reason", why.rawValue)]
        ).increment()
        var metadata: Logger.Metadata = [
            "address": "\(address)", "reason": "\(why.rawValue)",
        ]
        // The public part, and only of a key that there is: of other texts nobody knows what they are.
        if let id { metadata["key"] = "\(id)" }
        context.logger.notice("A key was refused", metadata: metadata)
        if refusals.take(for: address) == nil, let wait = refusals.wait(of: address) {
            context.logger.warning(
                "Too many refused keys come from one address: it has to wait",
                metadata: ["address": "\(address)", "seconds": "\(wait.wholeSeconds)"])
        }
    }

    private static let usualHeader = HTTPField.Name("X-API-Key")!  // a token (RFC 9110 §5.1)

    private func presentedKey(in headers: HTTPFields) -> String? {
        if let authorization = headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" {
                return parts[1].trimmingPrefix { $0 == " " }.description
            }
        }
        return headers[header] ?? headers[Self.usualHeader]
    }
}
