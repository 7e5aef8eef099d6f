import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/sinks`
struct SinkEndpoints {
    let backend: Backend

    var all: [Endpoint] { [list, test, retry] }

    private static let name = Endpoint.Parameter.path("name", .name, "The sink's name.")
    /// So many publications are looked at by a test.
    private static let testedAtOnce = 100

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/sinks", "listSinks", tag: .routes, role: .read,
            summary: "List sinks, and how much has not reached them",
            description: "Those that are configured here, that registers reach, or that something "
                + "waits for.",
            answers: [Endpoint.Answer(.ok, "Sinks.", .reference("Sinks"))]
        ) { [backend] _ in
            let stored = try await backend.storage.processes(seenWithin: .seconds(6))
            let processes = stored.joined(with: await backend.board?.processes() ?? [])
            let pending = try await backend.storage.pendingDeliveries(of: nil)
            let letters = try await backend.storage.deadLetters(of: nil)
            var names = Set(backend.sinks.configured.map(\.name))
            names.formUnion(processes.flatMap { $0.presence.sinks ?? [] })
            names.formUnion(pending.map(\.sink))
            names.formUnion(letters.map(\.sink))
            let items = names.sorted().map { name in
                node(
                    of: name, reachedBy: processes, pending.filter { $0.sink == name },
                    letters.filter { $0.sink == name })
            }
            return .json(.object([.init("items", .list(items))]))
        }
    }

    private func node(
        of name: String, reachedBy processes: [RunningProcess], _ pending: [PendingDelivery],
        _ letters: [DeadLetter]
    ) -> Node {
        let configured = backend.sinks.configured.first { $0.name == name }
        let failing = pending.filter { $0.lastError != nil }
        return .object([
            .init("name", .text(name)), entry("type", (configured?.type).map(Node.text)),
            entry("kind", (configured?.kind.rawValue).map(Node.text)),
            .init("configured_here", .flag(configured != nil)),
            .init(
                "reached_by",
                .names(
                    processes.filter { $0.presence.sinks?.contains(name) ?? false }
                        .map(\.presence.name))),
            .init("pending", .number(pending.count)), .init("failing", .number(failing.count)),
            .init("dead_letters", .number(letters.count)),
            entry("oldest_pending_since", pending.map(\.since).min().map(Node.time)),
            entry(
                "last_error", failing.max { $0.visibleAt < $1.visibleAt }?.lastError.map(Node.text)),
        ])
    }

    private var test: Endpoint {
        Endpoint(
            .post, "/v1/sinks/{name}/test", "testSink", tag: .routes, role: .operate,
            summary: "Look at a sink, and at what would keep it from taking routes",
            description: "From where this API runs, which needs the sink in its configuration. "
                + "Nothing changes at the sink; a webhook gets a test message.",
            parameters: [Self.name],
            answers: [Endpoint.Answer(.ok, "What was found.", .reference("SinkTest"))],
            problems: [.notFound, .conflict]
        ) { [backend] call in
            let name = call.name("name")
            guard backend.sinks.configured.contains(where: { $0.name == name }) else {
                throw ProblemDetails(
                    .conflict,
                    "The sink \(name) is not configured where this API runs: write [sinks.\(name)] "
                        + "into its configuration, as the registers have it.")
            }
            let places = try await backend.storage.places(
                at: name, after: 0, limit: Self.testedAtOnce)
            let findings = await backend.sinks.test(name, places)
            return .json(
                .object([
                    .init("good", .flag(!findings.contains { $0.word == .problem })),
                    .init("findings", .list(findings.map(Node.encoding))),
                ]))
        }
    }

    private var retry: Endpoint {
        Endpoint(
            .post, "/v1/sinks/{name}/retry", "retrySink", tag: .routes, role: .operate,
            summary: "Deliver at once what waits for a sink, dead letters included",
            description: "Of a sink that is told of every generation, all from the oldest dead "
                + "letter on are told again.",
            parameters: [
                Self.name, .query("policy", .name, "Only what this policy publishes."),
            ],
            answers: [Endpoint.Answer(.ok, "How much is due now.", .reference("SinkRetry"))],
            problems: [.notFound]
        ) { [backend] call in
            let name = call.name("name")
            var policy: Policy?
            if let wanted = call.text("policy") { policy = try await backend.policy(wanted) }
            let retried = try await backend.storage.retryDeliveries(to: name, of: policy?.id)
            try await backend.storage.appendAudit([
                AuditEntry(
                    at: try await backend.storage.now(), actor: call.caller.actor,
                    action: "sink.retried", object: name, before: nil, after: nil,
                    message: policy.map { "policy \($0.spec.name)" })
            ])
            return .json(.object([.init("retried", .number(retried))]))
        }
    }
}
