import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// What needs no key: whether the process lives and can work, and where the description is.
struct PublicEndpoints: Sendable {
    let backend: Backend
    let readiness: [ReadinessTest]

    /// They are no operations of the API, so the OpenAPI document does not list them.
    static let paths = ["/", "/livez", "/readyz", "/openapi.json"]

    func mount(on router: Router<APIContext>, document: Node) {
        let description = ByteBuffer(bytes: JSONText.bytes(document))
        router.get("/") { request, _ in root(request) }
        router.get("/livez") { _, _ in
            // Whether the process answers at all: a storage that is away is no reason to kill it.
            Response.json(.object([.init("status", .text("alive"))]))
        }
        router.get("/readyz") { request, context in
            try await ready(isVerbose: request.uri.queryParameters["verbose"] != nil, context)
        }
        router.get("/openapi.json") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "application/json", .cacheControl: "no-cache"],
                body: ResponseBody(byteBuffer: description))
        }
    }

    private func root(_ request: Request) -> Response {
        if MediaType.wanted(by: request.headers[.accept], of: [.json, .html]) == .html {
            return .text(
                """
                <!doctype html>
                <html lang="en">
                <title>Health Worker</title>
                <p>This is the API of Health Worker \(backend.settings.version).
                <a href="\(SwaggerPages.index)">Try it</a>, or read
                <a href="/openapi.json">its description</a>.</p>
                </html>

                """, type: "text/html; charset=utf-8",
                headers: [
                    .contentSecurityPolicy: "default-src 'none'", .vary: "Accept",
                ])
        }
        return .json(
            .object([
                .init("name", .text("health-worker")),
                .init("version", .text(backend.settings.version)),
                .init("docs", .text(SwaggerPages.index)), .init("openapi", .text("/openapi.json")),
            ]), headers: [.vary: "Accept"])
    }

    private func ready(isVerbose: Bool, _ context: APIContext) async throws -> Response {
        let start = ContinuousClock.now
        try await backend.storage.ping()
        var entries: [Node.Entry] = [.init("status", .text("ready"))]
        if isVerbose {
            let took = ContinuousClock.now - start
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
