import HTTPTypes
import HealthWorkerStorage
import Hummingbird
import Logging

/// Lets requests through of callers who have the role that the operation needs, and do not call too
/// often.
struct CallerMiddleware: MiddlewareProtocol {
    typealias Input = Request
    typealias Output = Response
    typealias Context = APIContext

    let authentication: any Authentication
    let limits: CallLimits
    let role: KeyRole

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let caller = try await caller(of: request, context)
        try limits.admit(caller)
        try caller.need(role)
        var context = context
        context.caller = caller
        context.logger[metadataKey: "caller"] = "\(caller.actor)"
        context.logger[metadataKey: "caller_id"] = "\(caller.id)"
        return try await next(request, context)
    }

    private func caller(of request: Request, _ context: APIContext) async throws -> Caller {
        do {
            return try await authentication.caller(of: request, context: context)
        } catch {
            switch error {
            case .missing(let sentence):
                try limits.admitStranger(context)
                throw Self.challenge(sentence, error: nil)
            case .refused(let sentence):
                try limits.countRefusal(context)
                throw Self.challenge(sentence, error: "invalid_token")
            case .tooMany(let wait):
                throw CallLimits.tooManyRefused(wait)
            case .storage(let error):
                throw error
            }
        }
    }

    private static func challenge(_ detail: String, error: String?) -> ProblemDetails {
        // RFC 6750 §3: without a key no error is named.
        let parameters = error.map { #", error="\#($0)""# } ?? ""
        return ProblemDetails(
            .unauthenticated, detail,
            headers: [.wwwAuthenticate: #"Bearer realm="health-worker"\#(parameters)"#])
    }
}

extension Caller {
    /// - Throws: 403 for a caller of a lesser role.
    func need(_ role: KeyRole) throws {
        guard self.role >= role else {
            throw ProblemDetails(
                .forbidden,
                "This needs a key with the role \(role.rawValue); this key has "
                    + "\(self.role.rawValue).")
        }
    }
}
