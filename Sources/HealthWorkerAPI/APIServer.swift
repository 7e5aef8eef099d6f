import HTTPTypes
package import HealthWorkerDocument
import HealthWorkerModel
package import HealthWorkerSecrets
package import HealthWorkerStorage
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore

/// The HTTP API: endpoints, their description, the page that shows it, and the status page.
package struct APIServer: Sendable {
    /// Every operation, the single source of routes, validation and description.
    package let endpoints: [Endpoint]
    /// The OpenAPI document as it is served.
    package let description: Node
    /// The schemas to which endpoints refer.
    package let components = Answers.components
    private let backend: Backend
    private let mounting: Mounting
    private let readiness: [ReadinessTest]
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - board: where the fleet leaves word beside the storage.
    ///   - authentication: who finds out who sends a request; nil: keys of this storage.
    ///   - sealing: the keys that seal stored secrets.
    ///   - compiler: makes documents into checks and policies, by the rules of the probers.
    ///   - trials: probe checks before they are stored; nil: nothing is probed from here.
    ///   - routes: reads routes of the same storage for consumers, too; nil: it makes its own.
    ///   - sinks: what is configured where this runs.
    ///   - readiness: what `/readyz?verbose` tells beside the storage.
    ///   - onListening: called once requests are accepted, with the port that was really bound.
    /// - Throws: ``APISettingsError`` for a header name that is none.
    package init(
        storage: any Storage, board: (any FleetBoard)? = nil,
        authentication: (any Authentication)? = nil,
        sealing: SealingKeys = .none, compiler: Compiler, trials: Trials? = nil,
        routes: RouteWatch? = nil, sinks: SinkDoor = .none,
        settings: APISettings, logger: Logger,
        readiness: [ReadinessTest] = [],
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) throws(APISettingsError) {
        guard let header = HTTPField.Name(settings.authHeader) else {
            throw APISettingsError.noHeaderName(settings.authHeader)
        }
        let keys = KeyRing(storage: storage, memory: settings.keyMemory, logger: logger)
        let limits = CallLimits(settings.limits)
        let authentication =
            authentication
            ?? KeyAuthentication(keys: keys, header: header, refusals: limits.refusals)
        let pollInterval = max(settings.longPollInterval, .milliseconds(100)) / 2
        backend = Backend(
            storage: storage, board: board, compiler: compiler, trials: trials,
            authentication: authentication, sinks: sinks, keys: keys, sealing: sealing,
            watch: routes ?? RouteWatch(storage: storage, memory: settings.routeMemory),
            events: EventWatch(storage: storage, interval: pollInterval),
            listeners: Listeners(limit: settings.listenerLimit), settings: settings,
            logger: logger)
        mounting = Mounting(
            authentication: authentication, watch: backend.watch, limits: limits,
            settings: settings,
            components: Answers.components)
        self.readiness = readiness
        self.onListening = onListening
        endpoints =
            CheckEndpoints(backend: backend).all + PolicyEndpoints(backend: backend).all
            + ProbeEndpoints(backend: backend).all + RenameEndpoints(backend: backend).all
            + BacktestEndpoints(backend: backend).all + HistoryEndpoints(backend: backend).all
            + FreezeEndpoints(backend: backend).all
            + GuardEndpoints(backend: backend).all + BudgetEndpoints(backend: backend).all
            + SimulationEndpoints(backend: backend).all + RouteEndpoints(backend: backend).all
            + EventEndpoints(backend: backend).all
            + OverrideEndpoints(backend: backend).all
            + MaintenanceEndpoints(backend: backend).all
            + DocumentEndpoints(backend: backend).all
            + SinkEndpoints(backend: backend).all
            + InstallationEndpoints(backend: backend).all
            + SettingsEndpoints(backend: backend).all + AuditEndpoints(backend: backend).all
            + SecretEndpoints(backend: backend).all + KeyEndpoints(backend: backend).all
            + PublicEndpoints(backend: backend, readiness: readiness).all
        description = OpenAPI.document(
            of: endpoints, components: Answers.components, schemes: authentication.schemes,
            version: settings.version)
    }

    /// Limits calls by these from now on.
    package func use(_ limits: APISettings.Limits) { mounting.limits.use(limits) }

    /// Paths that are served and are no operations.
    package static let undescribedPaths =
        PublicEndpoints.paths + SwaggerPages.paths + StatusPages.paths.map(\.path)

    package var router: Router<APIContext> {
        var paths = PathTable()
        for path in PublicEndpoints.paths + SwaggerPages.paths { paths.add(path, .get) }
        for (path, methods) in StatusPages.paths {
            for method in methods { paths.add(path, method) }
        }
        for endpoint in endpoints { paths.add(endpoint.path, endpoint.method) }
        let router = Router(context: APIContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: RequestJournal())
        router.add(middleware: ProblemAnswers(paths: paths))
        for endpoint in endpoints { endpoint.mount(on: router, mounting) }
        let open = router.group().add(middleware: StrangerMiddleware(limits: mounting.limits))
        PublicEndpoints(backend: backend, readiness: readiness)
            .mount(on: open, document: description)
        SwaggerPages().mount(on: open)
        StatusPages(
            backend: backend, questions: Questions(endpoints: endpoints, mounting: mounting),
            problems: ProblemAnswers(paths: paths)
        ).mount(on: router)
        return router
    }

    /// A service: it serves until its service group shuts down, and then ends what is under way.
    package var application: Application<RouterResponder<APIContext>> {
        let settings = backend.settings
        return Application(
            router, at: settings.host, settings.port, version: settings.version,
            limits: settings.connections, logger: backend.logger, onListening: onListening)
    }
}

package enum APISettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    case noHeaderName(String)

    package var description: String {
        switch self {
        case .noHeaderName(let text): "\"\(text)\" cannot be the name of a header."
        }
    }
}
