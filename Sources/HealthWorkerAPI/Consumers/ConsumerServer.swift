import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore

package struct ConsumerSettings: Sendable {
    package var host: String
    /// 0: any free port.
    package var port: Int
    package var networks: NetworkList
    /// The program's version, as shown in `/openapi.json` and the `Server` header.
    package var version: String
    /// How many may listen to routes at once.
    package var listenerLimit: Int
    package var heartbeat: Duration
    package var limits: ConnectionLimits

    package init(
        host: String, port: Int, networks: NetworkList, version: String = "0",
        listenerLimit: Int = 4000, heartbeat: Duration = .seconds(15),
        limits: ConnectionLimits = ConnectionLimits()
    ) {
        self.host = host
        self.port = port
        self.networks = networks
        self.version = version
        self.listenerLimit = listenerLimit
        self.heartbeat = heartbeat
        self.limits = limits
    }
}

/// Routes for programs that send traffic by them, without a key: read-only, for listed networks, out
/// of what is held. It never waits for the storage, and answers on while that is away, then marked
/// stale.
package struct ConsumerServer: Sendable {
    /// Every operation that is served.
    package let endpoints: [Endpoint]
    private let settings: ConsumerSettings
    private let watch: RouteWatch
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameter onListening: called once requests are accepted, with the port that was really bound.
    package init(
        routes watch: RouteWatch, settings: ConsumerSettings, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.settings = settings
        self.watch = watch
        self.logger = logger
        self.onListening = onListening
        let questions = RouteQuestions(source: .held(watch, settings), role: nil)
        endpoints = [
            Self.list(watch), questions.route, questions.memberHealth, PublicEndpoints.alive,
        ]
    }

    package var application: Application<RouterResponder<APIContext>> {
        var paths = PathTable()
        paths.add(Self.description, .get)
        for endpoint in endpoints { paths.add(endpoint.path, endpoint.method) }
        let router = Router(context: APIContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: RequestJournal())
        router.add(middleware: ProblemAnswers(paths: paths))
        router.add(middleware: NetworkGate(networks: settings.networks))
        let mounting = Mounting(
            authentication: nil, watch: watch,
            // The networks are listed: none of them is a stranger.
            limits: CallLimits(APISettings.Limits()), settings: APISettings(),
            components: Answers.components)
        for endpoint in endpoints { endpoint.mount(on: router, mounting) }
        let document = ServedDocument(
            OpenAPI.document(
                of: endpoints, components: Answers.components, schemes: [],
                version: settings.version),
            type: "application/json")
        router.get(RouterPath(Self.description)) { request, _ in document.answer(to: request) }
        return Application(
            router, at: settings.host, settings.port, version: settings.version,
            limits: settings.limits, logger: logger, onListening: onListening)
    }

    private static let description = "/openapi.json"

    private static func list(_ watch: RouteWatch) -> Endpoint {
        Endpoint(
            .get, "/v1/routes", "listRoutes", tag: .routes, role: nil,
            summary: "List routes by policy",
            description: "Policies that wait for their first answer have none.",
            parameters: Listing.parameters,
            answers: Listing.answers("RoutePage", "Routes."), problems: [.unavailable]
        ) { call in
            let held = try watch.told()
            let found = held.snapshot.routes(
                after: try Listing.after(call, in: "routes"), limit: Listing.limit(call) + 1)
            return Listing.answer(
                call, "routes", found, position: \.policyName,
                node: { RouteAnswer.node(of: $0)?.with(held.staleness.entries) }
            ).marked(held.staleness)
        }
    }
}
