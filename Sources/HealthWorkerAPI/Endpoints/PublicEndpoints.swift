import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// What needs no key: whether the process lives and can work, and the documents that describe it.
struct PublicEndpoints: Sendable {
    let backend: Backend
    let readiness: [ReadinessTest]
    /// How long the storage took to answer; one question for all who ask at the same time.
    private let storageAnswer: SharedReading<Duration>

    init(backend: Backend, readiness: [ReadinessTest]) {
        self.backend = backend
        self.readiness = readiness
        let storage = backend.storage
        storageAnswer = SharedReading(memory: .milliseconds(500)) { () throws(StorageError) in
            let start = ContinuousClock.now
            try await storage.ping()
            return ContinuousClock.now - start
        }
    }

    var all: [Endpoint] { [Self.alive, ready] }

    /// Pages and documents: they are no operations, so the OpenAPI document does not list them.
    static let paths = ["/openapi.json", Schema.documentPath]

    func mount(on router: some RouterMethods<APIContext>, document: Node) {
        let description = ServedDocument(document, type: "application/json")
        let schema = ServedDocument(
            Node(
                json: Schema.jsonSchemaDocument(of: "Document", components: Schema.components)),
            type: "application/schema+json")
        router.get("/openapi.json") { request, _ in description.answer(to: request) }
        router.get(RouterPath(Schema.documentPath)) { request, _ in schema.answer(to: request) }
    }

    static var alive: Endpoint {
        Endpoint(
            .get, "/livez", "isAlive", tag: .installation, role: nil,
            summary: "Say whether the process answers at all",
            description: "It touches no storage: one that is away is no reason to kill a process.",
            answers: [Endpoint.Answer(.ok, "It answers.", .reference("Liveness"))],
            isUnlimited: true
        ) { _ in
            .json(.object([.init("status", .text("alive"))]), headers: [.cacheControl: "no-store"])
        }
    }

    private var ready: Endpoint {
        Endpoint(
            .get, "/readyz", "isReady", tag: .installation, role: nil,
            summary: "Say whether the process can work",
            parameters: [.query("verbose", .boolean, "Tell what was looked at, too.")],
            answers: [Endpoint.Answer(.ok, "It can.", readySchema)],
            problems: [.unavailable], isUnlimited: true
        ) { call in
            try await ready(isVerbose: call.flag("verbose"))
        }
    }

    private var readySchema: Schema {
        let parts = readiness.map { Answers.optional($0.name, .text(length: 0...1024)) }
        return .object(
            [
                Answers.required("status", .choice(["ready"])),
                Answers.optional(
                    "storage",
                    .object([
                        Answers.required("status", .choice(["ready"])),
                        Answers.required("milliseconds", .number(0...1e12)),
                    ])),
            ] + parts)
    }

    /// The program itself, for programs: where the rest is.
    static func program(version: String) -> Response {
        .json(
            .object([
                .init("name", .text("health-worker")),
                .init("version", .text(version)),
                .init("docs", .text(SwaggerPages.index)), .init("openapi", .text("/openapi.json")),
                .init("schema", .text(Schema.documentPath)),
            ]), headers: [.vary: "Accept"])
    }

    private func ready(isVerbose: Bool) async throws -> Response {
        let took = try await storageAnswer.value()
        var entries: [Node.Entry] = [.init("status", .text("ready"))]
        if isVerbose {
            entries.append(
                .init(
                    "storage",
                    .object([
                        .init("status", .text("ready")),
                        .init("milliseconds", .number(took.milliseconds)),
                    ])))
            for test in readiness {
                entries.append(.init(test.name, .text(await test.answer())))
            }
        }
        return .json(.object(entries.map(\.self)), headers: [.cacheControl: "no-store"])
    }
}

/// Something that `/readyz?verbose` tells beside the storage, such as what counts.
package struct ReadinessTest: Sendable {
    package var name: String
    package var answer: @Sendable () async -> String

    package init(_ name: String, answer: @escaping @Sendable () async -> String) {
        self.name = name
        self.answer = answer
    }
}
