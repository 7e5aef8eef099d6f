import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerSecrets
import HealthWorkerStorage
import Logging

/// What handlers work with.
struct Backend: Sendable {
    var storage: any Storage
    /// Nil: there is the storage alone.
    var board: (any FleetBoard)?
    var compiler: Compiler
    /// Nil: nothing is probed before it is stored.
    var trials: Trials?
    let applies = AppliesUnderWay()
    /// Finds out who asks.
    var authentication: any Authentication
    var sinks: SinkDoor
    var keys: KeyRing
    /// Seals what is stored by `/v1/secrets`.
    var sealing: SealingKeys
    var watch: RouteWatch
    var events: EventWatch
    var listeners: Listeners
    var settings: APISettings
    var logger: Logger

    func check(_ name: String) async throws -> Check {
        guard let check = try await storage.checks(named: [name]).first else {
            throw ProblemDetails.missing(.check, name)
        }
        return check
    }

    func policy(_ name: String) async throws -> Policy {
        guard let policy = try await storage.policies(named: [name]).first else {
            throw ProblemDetails.missing(.policy, name)
        }
        return policy
    }

    func route(of policy: Policy) async throws -> StoredRoute {
        // Made with its policy: without it the policy was deleted meanwhile.
        guard let route = try await storage.route(of: policy.id) else {
            throw ProblemDetails.missing(.policy, policy.spec.name)
        }
        return route
    }
}
