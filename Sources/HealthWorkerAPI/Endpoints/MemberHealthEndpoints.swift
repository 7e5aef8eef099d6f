import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/routes/{policy}/members/{member}/health`: yes or no by the status alone, for programs that
/// read nothing else, such as the `ifurlup` of PowerDNS and the health checks of load balancers.
struct MemberHealthEndpoints {
    let backend: Backend

    private enum Question: String, CaseIterable {
        case published
        case healthy
    }

    var all: [Endpoint] { [health] }

    private var health: Endpoint {
        Endpoint(
            .get, "/v1/routes/{policy}/members/{member}/health", "getMemberHealth", tag: .routes,
            role: .read, summary: "Ask whether a member is to be used, by the status alone",
            description: "Overrides and rules count, and not only what is measured. 503 with "
                + "`application/problem+json` is another one: that nothing is known.",
            parameters: [
                RouteEndpoints.policy, .path("member", .name, "The member's name."),
                .query(
                    "if",
                    .choice(of: Question.self).standing(at: .string(Question.published.rawValue)),
                    "`published`: 200 for a member that the route publishes now, also for want of a "
                        + "healthy one. `healthy`: 200 for one that counts as healthy, published or "
                        + "not."),
            ],
            answers: [
                Endpoint.Answer(.ok, "Yes.", .reference("MemberVerdict")),
                Endpoint.Answer(.serviceUnavailable, "No.", .reference("MemberVerdict")),
            ], problems: [.notFound]
        ) { [backend] call in
            let policy = call.name("policy")
            guard let known = try await backend.watch.route(ofPolicy: policy) else {
                throw ProblemDetails.missing(.policy, policy)
            }
            let name = call.name("member")
            guard let member = known.route.members.first(where: { $0.name == name }) else {
                throw ProblemDetails([.noSuchMember(policy: policy, member: name)])
            }
            let isYes =
                switch call.text("if").flatMap(Question.init) ?? .published {
                case .published: member.isPublished
                case .healthy: member.effective == .healthy
                }
            return .json(
                Node.encoding(member), status: isYes ? .ok : .serviceUnavailable,
                headers: [.cacheControl: "no-store"])
        }
    }
}
