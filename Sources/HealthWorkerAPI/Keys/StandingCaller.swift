import HealthWorkerStorage
import Hummingbird

/// A caller who listens: a stream may last for days, and meanwhile a key may be revoked or expire.
///
/// Whoever finds out who sends requests is asked again now and then, with the request that began it.
struct StandingCaller: Sendable {
    private let request: Request
    private let context: APIContext
    private let authentication: any Authentication
    private let interval: Duration
    private var askedAt = ContinuousClock.now

    /// - Parameter call: was let in just now.
    init(of call: Call, _ backend: Backend) {
        request = call.request
        context = call.context
        authentication = backend.authentication
        interval = backend.settings.keyMemory
    }

    /// To be looked at before each thing that is told; a storage that is away says nothing against it.
    mutating func isStillLetIn() async throws -> Bool {
        let now = ContinuousClock.now
        guard now - askedAt >= interval else { return true }
        askedAt = now
        do {
            _ = try await authentication.caller(of: request, context: context)
            return true
        } catch {
            switch error {
            case .storage(.unavailable): return true
            case .storage(let error): throw error
            case .missing, .refused, .tooMany: return false
            }
        }
    }
}
