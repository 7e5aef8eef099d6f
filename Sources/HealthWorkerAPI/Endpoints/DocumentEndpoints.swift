import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/apply` and `/v1/export`
struct DocumentEndpoints {
    let backend: Backend

    private static let example = Node.object([
        .init("format", .number(1)), .init("set", .text("shop")),
        .init("checks", .list([CheckEndpoints.example])),
        .init("policies", .list([PolicyEndpoints.example])),
    ])

    var all: [Endpoint] { [apply, export] }

    private var apply: Endpoint {
        Endpoint(
            .post, "/v1/apply", "apply", tag: .documents, role: .write,
            summary: "Make what is stored as a document says",
            description: "The whole document or nothing. The answer is the plan that was carried "
                + "out, or that would be.",
            parameters: [
                .query("dry_run", .boolean, "Plan only; nothing is changed."),
                .query(
                    "prune", .boolean,
                    "Delete what is in the document's set and not in the document."),
                ObjectWriting.message,
            ],
            body: Endpoint.Body(
                .reference("Document"), example: Self.example, validation: .compiler,
                limit: .document),
            answers: [Endpoint.Answer(.ok, "The plan.", .reference("Plan"))],
            problems: [.conflict]
        ) { [backend] call in
            let document = try backend.compiler.compile(documents: [call.document])
            try mayApply(document, call)
            let asked = call.flag("dry_run")
            // What is planned is written only if nobody changed it in between.
            return try await backend.retryingRaces(unless: .none) {
                let (plan, changes) = try await DocumentApplier(storage: backend.storage)
                    .prepare(document, isPruning: call.flag("prune"))
                guard plan.problems.isEmpty else { throw ProblemDetails(.conflict, plan.problems) }
                if !changes.isEmpty {
                    _ = try await backend.write(
                        changes, call, isConditional: true, isDryRun: asked)
                }
                return .json(
                    Node.object([.init("dry_run", .flag(asked))])
                        .with(Node(json: plan.json).entries ?? []))
            }
        }
    }

    private var export: Endpoint {
        Endpoint(
            .get, "/v1/export", "export", tag: .documents, role: .read,
            summary: "Get what is stored as a document",
            description: "Applying it changes nothing.",
            parameters: [.query("set", .name, "Only objects of this set.")],
            answers: [
                Endpoint.Answer(
                    .ok, "The document.", .reference("Document"), types: [.yaml, .json])
            ]
        ) { [backend] call in
            let filter = ObjectFilter(set: call.text("set"), includesMade: false)
            let text = try Export.yaml(
                checks: await backend.storage.allChecks(matching: filter),
                policies: await backend.storage.allPolicies(matching: filter), set: filter.set)
            if call.wantedType == .json { return .json(try Node.readYAML(text)) }
            return .text(text, type: MediaType.yaml.rawValue)
        }
    }

    private func mayApply(_ document: CompiledDocument, _ call: Call) throws {
        let caller = try call.caller
        guard caller.mayWrite(set: document.set) else {
            throw ProblemDetails(
                .forbidden,
                "This key may write the sets \(caller.sets.joined(separator: ", ")) only: the "
                    + "document has to name one as `set`.")
        }
    }
}
