import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/checks/{name}/rename` and `/v1/policies/{name}/rename`: the same change that `renamed_from`
/// in a document asks for.
struct RenameEndpoints {
    let backend: Backend

    private static let body = Endpoint.Body(
        .object([Answers.required("to", .name.described("The new name."))]),
        example: .object([.init("to", .text("shop-login-fra1"))]))

    var all: [Endpoint] { [check, policy] }

    private var check: Endpoint {
        Endpoint(
            .post, "/v1/checks/{name}/rename", "renameCheck", tag: .checks, role: .write,
            summary: "Rename a check",
            description: "Id, health, history and set stay, and members that name it follow. A "
                + "check that a policy makes is renamed with that policy.",
            parameters: [CheckEndpoints.name, ObjectWriting.message] + Preconditions.ifMatch,
            body: Self.body,
            answers: [
                Endpoint.Answer(
                    .ok, "The check under its new name.", .reference("CheckObject"),
                    headers: [("Location", "Where it is now."), ("ETag", "Its revision.")])
            ], problems: [.notFound, .conflict, .preconditionFailed]
        ) { [backend] call in
            let precondition = try Preconditions.precondition(of: call.request)
            let stored = try await backend.check(call.name())
            try backend.mayWrite(call, .check, call.name(), set: stored.set)
            let name = try call.document["to"]?.text ?? ""
            _ = try await backend.write(
                [.renameCheck(call.name(), to: name, precondition)], call, isConditional: false)
            return try await CheckEndpoints(backend: backend).answer(
                name, location: "/v1/checks/\(name)")
        }
    }

    private var policy: Endpoint {
        Endpoint(
            .post, "/v1/policies/{name}/rename", "renamePolicy", tag: .policies, role: .write,
            summary: "Rename a policy",
            description: "Id, route, generation, overrides, freeze, history and set stay, and the "
                + "checks that it makes are renamed with it.",
            parameters: [PolicyEndpoints.name, ObjectWriting.message] + Preconditions.ifMatch,
            body: Self.body,
            answers: [
                Endpoint.Answer(
                    .ok, "The policy under its new name.", .reference("PolicyObject"),
                    headers: [("Location", "Where it is now."), ("ETag", "Its revision.")])
            ], problems: [.notFound, .conflict, .preconditionFailed]
        ) { [backend] call in
            let precondition = try Preconditions.precondition(of: call.request)
            let stored = try await backend.policy(call.name())
            try backend.mayWrite(call, .policy, call.name(), set: stored.set)
            let name = try call.document["to"]?.text ?? ""
            _ = try await backend.write(
                [.renamePolicy(call.name(), to: name, precondition)], call, isConditional: false)
            return try await PolicyEndpoints(backend: backend).answer(
                name, location: "/v1/policies/\(name)")
        }
    }
}
