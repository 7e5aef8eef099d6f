import Foundation
import HealthWorkerAPI
import HealthWorkerCounters
import HealthWorkerModel
import HealthWorkerProbes
import HealthWorkerQueue
import HealthWorkerRouting
import HealthWorkerSecrets
import HealthWorkerSettings
import HealthWorkerStorage
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// The services of one process, put together from its settings and its roles.
struct Installation {
    let settings: Settings
    let telemetry: Telemetry
    let storage: any Storage
    let roles: [Role]
    /// Takes up what changes while it runs.
    let reload: Reload
    /// Who is told how it goes, where anybody is.
    let manager: ServiceManager?
    /// What is told without the storage, and runs beside.
    var consumers: Consumers?
    /// Until when a storage that goes away while the process starts is waited for.
    var patience = ContinuousClock.now

    /// Serves until SIGTERM or SIGINT, which drain, or until `view` ends; a second signal ends the
    /// process at once.
    func run(beside view: LiveView?) async throws {
        let logger = telemetry.logger
        let evaluator = PolicyEvaluator(storage: storage)
        let fleet = Fleet(me: storage.process)
        let enqueued = WakeSignal()
        let sealing = try SealingKeys(settings)
        // The api probes checks, too, before it stores them.
        let secrets =
            roles.contains { $0 != .register } && sealing.label != nil
            ? SecretsWatch(storage: storage, keys: sealing, logger: logger) : nil
        // Known before the first probe.
        try await Engine.patiently(until: patience, logger) { () throws(StorageError) in
            try await secrets?.read()
        }
        let configured = ConfiguredSecrets(settings)
        reload.whenChanged { configured.use($0) }
        let probers = try Probers(
            settings, configured: configured, stored: secrets, logger: logger)
        let redis = try Engine.redis(settings, logger)
        let counts: any Counts = redis ?? BaseCounts()
        let worker =
            roles.contains(.worker)
            ? Worker(
                storage: storage, counts: counts, evaluator: evaluator,
                prober: { probers.prober(for: $0) }, fleet: fleet,
                isolation: Isolation(settings, probers: probers, logger: logger),
                limits: Worker.Limits(settings), enqueued: enqueued, logger: logger) : nil
        let board = try Engine.board(settings, of: storage.process, logger)
        let (startedAt, installation) = try await Engine.patiently(until: patience, logger) {
            () throws(StorageError) in
            (try await storage.now(), try await storage.installation())
        }
        if roles.contains(.api), let key = settings.api.bootstrapKey {
            try await Engine.reporting { try await FirstKey.make(key, in: storage, logger) }
        }
        let sinks = try Sinks(
            settings, installation: installation, probers: probers, logger: logger)
        let publisher =
            roles.contains(.register) && !sinks.live.now.isEmpty
            ? Publisher(storage: storage, sinks: sinks.live, logger: logger) : nil
        reload.whenChanged { sinks.use($0) }
        let presence = Presence(
            name: settings.worker.name, roles: roles, location: settings.worker.location,
            version: Version.current, startedAt: startedAt)
        let quarantineLog =
            roles.contains(.register) ? QuarantineLog(logger: logger) : nil
        let heartbeat = Heartbeat(
            storage: storage, board: board, fleet: fleet,
            presence: {
                var presence = presence
                presence.lags = worker?.lags
                presence.sinks = publisher?.reached
                if let activity = worker?.activity {
                    presence.claimed = activity.claimed
                    presence.probing = activity.probing
                    presence.paused = activity.paused
                    presence.settings = activity.settings
                    presence.testimony = activity.testimony
                    presence.quarantine = activity.quarantine
                }
                return presence
            },
            heard: { processes, moment in
                quarantineLog?.see(processes)
                return await worker?.hear(processes, at: moment) ?? false
            }, logger: logger)
        let watch = worker.map { worker in
            SettingsWatch(
                storage: storage, board: board, name: settings.worker.name,
                location: settings.worker.location,
                configured: Worker.Limits(settings).settings, logger: logger,
                adopt: { settings in
                    // Told first: also this change is logged by the level that it sets.
                    if let level = settings.logLevel?.value {
                        telemetry.log(from: level)
                    }
                    if worker.adopt(settings) { heartbeat.tellNews() }
                })
        }
        if let worker, let watch {
            reload.whenChanged {
                let limits = Worker.Limits($0)
                worker.adopt(leaseMargin: limits.leaseMargin, keeps: limits.keeps)
                watch.configure(limits.settings)
            }
        }
        // A worker that was paused or quarantined before it was started claims nothing.
        try await Engine.patiently(until: patience, logger) { () throws(StorageError) in
            try await watch?.readRows()
            try await worker?.resumeQuarantine()
        }
        consumers?.routes.use(storage)
        if let consumers { reload.whenChanged { consumers.use($0) } }
        // Others decide by who is alive: be known before the first claim.
        await heartbeat.step()

        let register =
            roles.contains(.register)
            ? Register(
                storage: storage, evaluator: evaluator,
                limits: Register.Limits(settings), enqueued: enqueued, logger: logger) : nil
        if let register { reload.whenChanged { register.adopt(Register.Limits($0)) } }
        // They end in the opposite order: first what makes work, last what tells of it.
        var services: [any Service] = [heartbeat]
        if let manager {
            services.append(
                SignsOfLife(
                    manager: manager, isReadyAtOnce: !roles.contains(.api),
                    oldestTurns: { [worker?.oldestTurn, register?.oldestTurn].compactMap(\.self) },
                    logger: logger))
        }
        if let listen = settings.metrics.listen {
            let readings = RoleReadings(
                settings, storage: storage, board: board, roles: roles, worker: worker,
                register: register, counts: worker == nil ? nil : redis)
            services.append(
                MetricsListener(
                    listen: listen, metrics: telemetry.metrics,
                    readings: { await readings.now() }, storage: storage, logger: logger))
        }
        if roles.contains(.api) {
            let server = try APIServer(
                storage: storage, board: board, sealing: sealing,
                compiler: DocumentFile.compiler,
                trials: Trials(location: settings.worker.location) {
                    await probers.prober(for: $0.type)?.probe($0)
                }, routes: consumers?.routes, sinks: sinks.door, settings: APISettings(settings),
                logger: logger,
                readiness: [
                    ReadinessTest("counts") { redis?.source.description ?? "database rows" }
                ],
                onListening: { port in
                    manager?.tell("READY=1")
                    view?.isListening(on: port)
                })
            reload.whenChanged { server.use(APISettings($0).limits) }
            services.append(
                ListeningService(
                    key: "api.listen", address: settings.api.listen.description,
                    base: server.application))
        }
        if let watch { services.append(watch) }
        if let secrets { services.append(secrets) }
        if worker != nil || roles.contains(.api) || publisher != nil {
            let own = OwnServices(
                settings, sinks: sinks.live, probers: probers,
                resolver: SystemResolver(threads: 1))
            // Known before the first probe.
            await own.step()
            reload.whenChanged { own.use($0) }
            services.append(own)
        }
        // What is decided last is still delivered.
        if let publisher { services.append(publisher) }
        if let worker { services.append(worker) }
        if let register { services.append(register) }
        services.append(reload)
        var configurations = services.map {
            ServiceGroupConfiguration.ServiceConfiguration(service: $0)
        }
        if let view {
            configurations.append(
                .init(service: view, successTerminationBehavior: .gracefullyShutdownGroup))
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: configurations, logger: logger))

        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await obeySignals(group, logger) }
            tasks.addTask { try await group.run() }
            // The signals' task only ends with the group's.
            try await tasks.next()
            tasks.cancelAll()
        }
        await probers.shutdown()
    }

    private func obeySignals(_ group: ServiceGroup, _ logger: Logger) async {
        var isDraining = false
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            if isDraining {
                logger.warning("ending at once", metadata: ["signal": "\(signal)"])
                exit(1)
            }
            isDraining = true
            manager?.tell("STOPPING=1")
            logger.info("draining", metadata: ["signal": "\(signal)"])
            await group.triggerGracefulShutdown()
        }
    }

    /// What holds for the whole process, before it serves anything.
    static func prepareProcess(_ logger: Logger) {
        // A reader that went away must not end the process: what is written to it fails instead.
        signal(SIGPIPE, SIG_IGN)
        // A probe in flight is a descriptor, as is a caller who waits: use all that it may have.
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
            logger.warning("the limit of open descriptors could not be raised")
        }
    }
}

extension Worker.Limits {
    init(_ settings: Settings) {
        self.init(
            name: settings.worker.name, location: settings.worker.location,
            concurrency: settings.worker.concurrency, batchSize: settings.worker.batchSize,
            leaseMargin: settings.worker.leaseMargin.duration, keeps: settings.history.outcomes,
            logLevel: settings.log.level)
    }
}

extension Register.Limits {
    init(_ settings: Settings) {
        self.init(
            pollInterval: settings.register.pollInterval.duration,
            outcomes: settings.history.outcomes,
            keepsOutcomes: max(settings.history.keep.duration, HourMaker.shortestKeep),
            keepsHours: settings.history.hours.duration,
            keepsAudit: settings.history.audit.duration)
    }
}

extension APISettings {
    init(_ settings: Settings) {
        self.init(
            host: settings.api.listen.host, port: settings.api.listen.port,
            authHeader: settings.api.authHeader, version: Version.current,
            limits: Limits(
                perCaller: settings.api.limits.perKey.asLimit,
                perAddress: settings.api.limits.perAddress.asLimit,
                refusedKeysPerMinute: settings.api.limits.refusedKeys.asLimit))
    }
}

extension SealingKeys {
    fileprivate init(_ settings: Settings) throws {
        do {
            try self.init(settings.database.secretsKeys.map(\.revealed))
        } catch {
            // The settings have looked at each already.
            throw Exit.error(Exit.configuration, "database.secrets_key: one of them is no key.")
        }
    }
}

extension Int {
    fileprivate var asLimit: Int? { self == 0 ? nil : self }
}
