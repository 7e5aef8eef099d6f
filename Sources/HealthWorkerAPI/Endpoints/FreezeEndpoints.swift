import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/policies/{name}/freeze` and `/thaw`
struct FreezeEndpoints {
    let backend: Backend

    private static let request = Schema.object(
        [
            Answers.required(
                "reason", .text(length: 1...1024).shown(as: .string("Launch of the spring shop")))
        ] + OrderEnd.properties)

    var all: [Endpoint] { [freeze, thaw] }

    private var freeze: Endpoint {
        Endpoint(
            .post, "/v1/policies/{name}/freeze", "freezePolicy", tag: .policies, role: .operate,
            summary: "Stop automatic changes of a policy's route",
            description: "What is published stays, whatever is measured; health is still watched "
                + "and shown. Overrides, edits and a failback by hand go on to work. Replaces a "
                + "freeze that holds. Exactly one of `for`, `until` and `permanent` says when it "
                + "ends.",
            parameters: [PolicyEndpoints.name, ObjectWriting.message],
            body: Endpoint.Body(
                Self.request,
                example: .object([
                    .init("reason", .text("Launch of the spring shop")), .init("for", .text("2h")),
                ])),
            answers: [Endpoint.Answer(.ok, "What was decided.", .reference("Evaluation"))],
            problems: [.notFound]
        ) { [backend] call in
            let document = try call.document
            let until = try OrderEnd.end(of: document, now: await backend.storage.now())
            let policy = try await backend.policy(call.name())
            try backend.mayWrite(call, .policy, policy.spec.name, set: policy.set)
            try await backend.freeze(
                policy, reason: document["reason"]?.text ?? "", until: until, call)
            return .json(RouteAnswer.evaluation(try await backend.route(of: policy)))
        }
    }

    private var thaw: Endpoint {
        Endpoint(
            .post, "/v1/policies/{name}/thaw", "thawPolicy", tag: .policies, role: .operate,
            summary: "Let a frozen policy follow its members' health again",
            description: "What turned meanwhile is decided before this is answered.",
            parameters: [PolicyEndpoints.name, ObjectWriting.message],
            answers: [Endpoint.Answer(.ok, "What was decided.", .reference("Evaluation"))],
            problems: [.notFound, .conflict]
        ) { [backend] call in
            let policy = try await backend.policy(call.name())
            try backend.mayWrite(call, .policy, policy.spec.name, set: policy.set)
            try await backend.thaw(policy, call)
            return .json(RouteAnswer.evaluation(try await backend.route(of: policy)))
        }
    }
}
