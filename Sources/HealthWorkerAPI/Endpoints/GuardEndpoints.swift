import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/guard` and `/v1/policies/{name}/release`
struct GuardEndpoints {
    let backend: Backend

    var all: [Endpoint] { [list, releaseAll, release] }

    private static let about =
        "Where more than half of the published members (of at least 10) turn unhealthy within 60 s and "
        + "no second location confirms it, they stay published for 2 minutes: their health may be "
        + "wrong."

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/guard", "getGuard", tag: .policies, role: .read,
            summary: "List the members that are published although they turned unhealthy",
            description: Self.about,
            answers: [Endpoint.Answer(.ok, "By policy and member.", .reference("HoldList"))]
        ) { [backend] _ in
            let holding = try await backend.storage.holdingPolicies()
            let routes = try await backend.storage.routes(of: holding)
            return .json(
                .object([
                    .init(
                        "items",
                        .list(
                            routes.sorted { $0.policyName < $1.policyName }.flatMap { stored in
                                RouteAnswer.holds(of: stored).map {
                                    $0.with([.init("policy", .text(stored.policyName))])
                                }
                            }))
                ]))
        }
    }

    private var releaseAll: Endpoint {
        Endpoint(
            .post, "/v1/guard/release", "releaseGuard", tag: .policies, role: .operate,
            summary: "Let every member leave that is held",
            description: "Of the policies that the key may write. Members that turn unhealthy "
                + "afterwards may be held anew. Each policy is released apart: where an answer is "
                + "lost, send it again.",
            parameters: [ObjectWriting.message],
            answers: [
                Endpoint.Answer(.ok, "The policies that were released.", .reference("Released"))
            ], problems: [.conflict]
        ) { [backend] call in
            let holding = try await backend.storage.holdingPolicies()
            let policies = try await backend.storage.policies(ids: holding)
                .sorted { $0.spec.name < $1.spec.name }
            guard !policies.isEmpty else {
                throw ProblemDetails([.nothingToDo("No policy holds a member.")])
            }
            let allowed = policies.filter {
                (try? backend.mayWrite(call, .policy, $0.spec.name, set: $0.set)) != nil
            }
            if allowed.isEmpty, let first = policies.first {
                try backend.mayWrite(call, .policy, first.spec.name, set: first.set)
            }
            var released: [String] = []
            for policy in allowed {
                do {
                    try await backend.release(policy, call)
                    released.append(policy.spec.name)
                } catch StorageError.refused {
                    // It ended meanwhile.
                }
            }
            return .json(.object([.init("policies", .names(released))]))
        }
    }

    private var release: Endpoint {
        Endpoint(
            .post, "/v1/policies/{name}/release", "releasePolicy", tag: .policies, role: .operate,
            summary: "Let a policy's members leave that are held",
            description: "They turned unhealthy and are published on. " + Self.about,
            parameters: [PolicyEndpoints.name, ObjectWriting.message],
            answers: [Endpoint.Answer(.ok, "What was decided.", .reference("Evaluation"))],
            problems: [.notFound, .conflict]
        ) { [backend] call in
            let policy = try await backend.policy(call.name())
            try backend.mayWrite(call, .policy, policy.spec.name, set: policy.set)
            try await backend.release(policy, call)
            return .json(RouteAnswer.evaluation(try await backend.route(of: policy)))
        }
    }
}
