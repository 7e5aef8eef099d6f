import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/policies/{name}/simulate`
struct SimulationEndpoints {
    let backend: Backend

    private static let members = Schema.object([
        Answers.optional("members", .list(of: .name, count: 1...10_000, isUnique: true)),
        Answers.optional(
            "checks",
            .list(of: .name, count: 1...10_000, isUnique: true).described(
                "Members that these checks watch.")),
        Answers.optional(
            "selector",
            .selector.described(
                "Members with these labels; those of the policy count for each of its members.")),
    ]).described("Some of the policy's members: named by any of these.")

    private static let request = Schema.object(
        [Health.unhealthy, .healthy, .unknown].map { health in
            Answers.optional(
                health.rawValue,
                members.described("Members whose checks would be \(health.rawValue) from now on."))
        } + [
            Answers.optional(
                "after",
                .timeSpan(.seconds(0)...(.hours(24 * 366))).described(
                    "How far to look: what delays, overrides and freezes bring until then is "
                        + "decided, too."))
        ])

    var all: [Endpoint] { [simulate] }

    private var simulate: Endpoint {
        Endpoint(
            .post, "/v1/policies/{name}/simulate", "simulate", tag: .policies, role: .read,
            summary: "Ask what the route would be if members' health were another",
            description: "Decided by the rules of every evaluation from what holds now; nothing is "
                + "stored. Without a body it tells what an evaluation would decide now.",
            parameters: [PolicyEndpoints.name],
            body: Endpoint.Body(
                Self.request,
                example: .object([
                    .init("unhealthy", .object([.init("selector", .text("site=fra1"))])),
                    .init("after", .text("10m")),
                ]), isRequired: false),
            answers: [Endpoint.Answer(.ok, "What would be.", .reference("Simulation"))],
            problems: [.notFound]
        ) { [backend] call in
            let policy = try await backend.policy(call.name())
            let supposed = try supposedHealth(call.body ?? .object([]), of: policy.spec)
            guard let read = try await backend.storage.evaluationInputs(of: policy.id) else {
                throw ProblemDetails.missing(.policy, call.name())
            }
            let span = call.body?["after"]?.text.flatMap(TimeSpan.init)?.duration ?? .zero
            return .json(
                RouteAnswer.simulation(
                    PolicyEvaluation.simulate(read.inputs, supposing: supposed, for: span),
                    of: read.inputs))
        }
    }

    /// - Throws: ``ProblemDetails`` with everything that names no member, or one twice.
    private func supposedHealth(
        _ document: Node, of spec: PolicySpec
    ) throws -> [String: Health] {
        var supposed: [String: Health] = [:]
        var unknown: [ProblemDetails.Item] = []
        var twice: [ProblemDetails.Item] = []
        for health in Health.allCases {
            guard let choice = document[health.rawValue] else { continue }
            func suppose(_ members: [Member], at place: String, _ missing: String) {
                let place = ProblemDetails.Item.Place.body(pointer: "/\(health.rawValue)/\(place)")
                if members.isEmpty { unknown.append(.init(missing, at: place)) }
                for member in members {
                    if let other = supposed[member.name], other != health {
                        twice.append(
                            .init(
                                "Member \(member.name) cannot be \(other.rawValue) and "
                                    + "\(health.rawValue) at once.", at: place))
                    }
                    supposed[member.name] = health
                }
            }
            for (index, name) in (choice["members"]?.elements ?? []).compactMap(\.text).enumerated()
            {
                suppose(
                    spec.members.filter { $0.name == name }, at: "members/\(index)",
                    "Policy \(spec.name) has no member \(name).")
            }
            for (index, name) in (choice["checks"]?.elements ?? []).compactMap(\.text).enumerated()
            {
                suppose(
                    spec.members.filter { spec.checkName(of: $0) == name }, at: "checks/\(index)",
                    "No member of policy \(spec.name) is watched by a check \(name).")
            }
            if let selector = try choice["selector"]?.text.map(LabelSelector.init) {
                suppose(
                    spec.members.filter { selector.admits(spec.labels(of: $0)) }, at: "selector",
                    "No member of policy \(spec.name) has these labels.")
            }
        }
        if !unknown.isEmpty { throw ProblemDetails(.notFound, listing: unknown) }
        if !twice.isEmpty { throw ProblemDetails(.invalid, listing: twice) }
        return supposed
    }
}
