import HTTPTypes
import HealthWorkerStorage
import Hummingbird
import Logging
import Metrics

/// Knows callers by their key: `Authorization: Bearer KEY`, the configured header, or `X-API-Key`.
///
/// Keys that are refused are logged without a word of what was sent. From an address that sent too
/// many, a text that is not remembered is held against a list of all keys, so that a client with a
/// wrong key keeps nobody out who shares its address, and costs no read for each of its tries.
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
        let judgement: KeyRing.Judgement?
        let wait = refusals.wait(of: context.address)
        do {
            if wait != nil, !keys.remembers(text), try await !keys.lists(text) {
                judgement = nil
            } else {
                judgement = try await keys.judge(text)
            }
        } catch {
            throw .storage(error)
        }
        switch judgement {
        case .known(let caller)?:
            return caller
        case .unknown(let why, let id)?:
            note(why, id: id, context)
            throw .refused("The key is not known, has expired or was revoked.")
        case nil:
            throw .tooMany(wait ?? .zero)
        }
    }

    private func note(_ why: KeyRing.Fault, id: String?, _ context: APIContext) {
        Counter(
            label: "health_worker_api_keys_refused_total", dimensions: [("reason", why.rawValue)]
        ).increment()
        var metadata: Logger.Metadata = [
            "address": "\(context.address)", "reason": "\(why.rawValue)",
        ]
        // The public part, and only of a key that there is: of other texts nobody knows what they are.
        if let id { metadata["key"] = "\(id)" }
        context.logger.notice("A key was refused", metadata: metadata)
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
