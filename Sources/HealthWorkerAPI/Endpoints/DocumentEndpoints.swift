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

    var all: [Endpoint] { [apply, progress, export] }

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
                .query(
                    "max_delete", .text(.deletionLimit, length: 1...8).shown(as: .string("30%")),
                    "How much of the set may be pruned, as a number of objects or a share. More is "
                        + "refused. Without it 30 % of a set of ten or more objects."),
                .query(
                    "take_over", .boolean,
                    "Objects of other sets that the document names become objects of its set; "
                        + "without it they are refused."),
                .query(
                    "no_probe", .boolean,
                    "Do not probe changed and new checks once before anything is stored. One that "
                        + "would send a secret to a target where it is not sent yet is never "
                        + "probed before."),
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
            let isDryRun = call.flag("dry_run")
            let request = call.context.requestID
            backend.applies.note(.init(phase: .comparing), of: request)
            defer { backend.applies.end(request) }
            let manner = DocumentApplier.Manner(
                isPruning: call.flag("prune"),
                maxDelete: call.text("max_delete").flatMap(DeletionLimit.init) ?? .standard,
                takesOver: call.flag("take_over"))
            // Targets are probed once, however often somebody else writes in between.
            var findings: [String: Trials.Finding]?
            // What is planned is written only if nobody changed it in between.
            return try await backend.retryingRaces(unless: .none) {
                var prepared = try await DocumentApplier(storage: backend.storage)
                    .prepare(document, manner)
                try prepared.refuseProblems()
                try mayTakeOver(prepared.plan, call)
                // Asked before anything is probed: a probe sends what it was told to.
                try await backend.mayUseSecrets(prepared.changes, call)
                if !call.flag("no_probe"), let trials = backend.trials {
                    let orders = try await prepared.trialOrders(from: backend.storage)
                    let made: [String: Trials.Finding]
                    if let findings {
                        made = findings
                    } else {
                        backend.applies.note(
                            .init(phase: .probing, total: orders.count), of: request)
                        made = await trials.make(orders) { done in
                            backend.applies.note(
                                .init(phase: .probing, done: done, total: orders.count),
                                of: request)
                        }
                    }
                    findings = made
                    prepared.note(made)
                    try prepared.refuseProblems()
                }
                try await prepared.noteEdits(from: backend.storage)
                try await prepared.noteRoutes(from: backend.storage)
                if !prepared.changes.isEmpty {
                    backend.applies.note(.init(phase: .storing), of: request)
                    var batch = WriteBatch(
                        prepared.changes, actor: try call.caller.actor,
                        message: call.text("message"), takesOver: manner.takesOver,
                        isDryRun: isDryRun, requestID: request)
                    batch.appliedDocument = AppliedDocument(set: document.set)
                    _ = try await backend.write(batch, isConditional: true)
                }
                return .json(
                    Node.object([.init("dry_run", .flag(isDryRun))])
                        .with(Node(json: prepared.plan.json).entries ?? []))
            }
        }
    }

    private var progress: Endpoint {
        Endpoint(
            .get, "/v1/apply/{request_id}", "getApplyProgress", tag: .documents, role: .read,
            summary: "Get how far an apply is that is under way",
            description:
                "By the `X-Request-Id` that the apply was sent with. Only the process that "
                + "carries it out knows it.",
            parameters: [
                .path("request_id", .text(length: 1...64), "The `X-Request-Id` of the apply.")
            ],
            answers: [Endpoint.Answer(.ok, "How far it is.", .reference("ApplyProgress"))],
            problems: [.notFound]
        ) { [backend] call in
            let request = call.name("request_id")
            guard let progress = backend.applies.progress(of: request) else {
                throw ProblemDetails(.notFound, "No such apply is under way at this process.")
            }
            return .json(
                .object([
                    .init("phase", .text(progress.phase.rawValue)),
                    .init("done", .number(progress.done)), .init("total", .number(progress.total)),
                ]))
        }
    }

    /// A key for some sets takes objects over from these alone, and none that is in no set.
    private func mayTakeOver(_ plan: Plan, _ call: Call) throws {
        for change in plan.changes {
            guard let moved = change.fields.first(where: { $0.path == "set" }) else { continue }
            var set: String?
            if case .string(let text)? = moved.old { set = text }
            try backend.mayWrite(
                call, change.kind == .check ? .check : .policy, change.name, set: set)
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

extension DocumentApplier.Preparation {
    fileprivate func refuseProblems() throws {
        guard plan.problems.isEmpty else { throw ProblemDetails(.conflict, plan.problems) }
    }
}
