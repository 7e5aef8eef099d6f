import HTTPTypes
import Hummingbird
import Logging

/// How often may be called, by the memory of this process alone.
struct CallLimits: Sendable {
    /// By ``Caller/id``.
    let callers: RateLimiter
    /// Requests of which nobody says who sends them, by address.
    let strangers: RateLimiter
    /// What was said of who sends a request and is not believed, by address.
    let refusals: RateLimiter

    init(_ settings: APISettings.Limits) {
        callers = RateLimiter(settings.callerRate, now: settings.now)
        strangers = RateLimiter(settings.strangerRate, now: settings.now)
        refusals = RateLimiter(settings.refusalRate, now: settings.now)
    }

    /// Goes by these from now on.
    func use(_ settings: APISettings.Limits) {
        callers.use(settings.callerRate)
        strangers.use(settings.strangerRate)
        refusals.use(settings.refusalRate)
    }

    /// - Throws: 429 where too many such requests come from there.
    func admitStranger(_ context: APIContext) throws {
        if let wait = strangers.take(for: context.address) {
            throw ProblemDetails(
                tooMany: wait, "Too many requests without a key come from this address.")
        }
    }

    /// - Throws: 429 where this one asks too often.
    func admit(_ caller: Caller) throws {
        if let wait = callers.take(for: caller.id) {
            throw ProblemDetails(tooMany: wait, "This key is used too often.")
        }
    }

    /// - Throws: 429 where too many were refused from there already.
    func countRefusal(_ context: APIContext) throws {
        let address = context.address
        if let wait = refusals.take(for: address) { throw Self.tooManyRefused(wait) }
        guard let wait = refusals.wait(of: address) else { return }
        context.logger.warning(
            "Too many refused keys come from one address: it has to wait",
            metadata: ["address": "\(address)", "seconds": "\(wait.wholeSeconds)"])
    }

    static func tooManyRefused(_ wait: Duration) -> ProblemDetails {
        ProblemDetails(
            tooMany: wait, "Too many keys that are not known came from this address.")
    }
}

extension APISettings.Limits {
    // A moment's burst is no flood.
    fileprivate var callerRate: RateLimiter.Rate? {
        perCaller.map { .init(perSecond: Double($0), burst: 2) }
    }

    fileprivate var strangerRate: RateLimiter.Rate? {
        perAddress.map { .init(perSecond: Double($0), burst: 2) }
    }

    fileprivate var refusalRate: RateLimiter.Rate? {
        refusedKeysPerMinute.map { .init(perSecond: Double($0) / 60, burst: 60) }
    }
}

/// Keeps what needs no key from being asked for too often from one address.
struct StrangerMiddleware: MiddlewareProtocol {
    typealias Input = Request
    typealias Output = Response
    typealias Context = APIContext

    let limits: CallLimits

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        if limits.strangers.isLimited { try limits.admitStranger(context) }
        return try await next(request, context)
    }
}

extension ProblemDetails {
    init(tooMany wait: Duration, _ detail: String) {
        let seconds = wait.wholeSeconds
        self.init(
            .tooManyRequests,
            "\(detail) Try again in \(seconds) \(seconds == 1 ? "second" : "seconds").",
            headers: [.retryAfter: "\(seconds)"])
    }
}

extension Duration {
    /// At least one: what is to be waited is never nothing.
    var wholeSeconds: Int64 {
        max(1, components.seconds + (components.attoseconds > 0 ? 1 : 0))
    }
}
