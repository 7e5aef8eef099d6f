import ArgumentParser
import Foundation
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerSettings
import HealthWorkerStorage
import Logging

struct Standalone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run all roles in one process.",
        discussion: """
            Brings the schema up to date, makes a first key where there is none, and serves until \
            SIGTERM, which drains; a second signal ends at once.
            """)

    @OptionGroup var options: ConfigurationOptions
    @Option(help: "Where the SQLite file and the first key are kept; stands for database.url.")
    var dataDir: String?
    @Option(help: "A document to apply before anything is probed.")
    var apply: String?
    @Flag(help: "Show health and routes on standard output as they turn.")
    var watch = false
    @Flag(help: "End with 0 as soon as every check has a health and every policy a route.")
    var once = false

    private static let flagNames = ["database.url": "--data-dir"]

    func run() async throws {
        var flags: [String: String] = [:]
        if let dataDir { flags["database.url"] = "sqlite:\(dataDir)/health-worker.sqlite" }
        let settings = try options.load(flags: flags, flagNames: Self.flagNames)
        // A document that is wrong is said before anything is touched.
        let document = try apply.map { try DocumentFile.compile(try DocumentFile.read($0)) }
        let telemetry = Telemetry.start(settings)
        Installation.prepareProcess(telemetry.logger)
        let manager = ServiceManager(logger: telemetry.logger)
        let reload = await Reload(
            settings, roles: [.register, .worker, .api], manager: manager, telemetry
        ) { [options, flags] () throws(SettingsError) in
            try options.read(flags: flags, flagNames: Self.flagNames)
        }
        if let dataDir { try makeFolder(dataDir) }

        let migrator = try await Engine.migrator(settings)
        try await Engine.reporting { () async throws in
            for applied in try await migrator.up() {
                telemetry.logger.info(
                    "migrated", metadata: ["migration": "\(applied.number) \(applied.name)"])
            }
        }
        let storage = try await Engine.open(settings)
        try await Engine.reporting { () async throws in
            try await makeFirstKey(in: storage, settings, telemetry.logger)
        }
        if let document { try await carryOut(document, on: storage) }

        let consumers = try await Consumers(
            settings, snapshot: dataDir.map { "\($0)/routes.json" }, logger: telemetry.logger)
        let installation = Installation(
            settings: settings, telemetry: telemetry, storage: storage,
            roles: [.register, .worker, .api], reload: reload, manager: manager,
            consumers: consumers)
        let view = watch || once ? LiveView(storage: storage, prints: watch, endsOnce: once) : nil
        do {
            try await Consumers.serving(consumers) { try await installation.run(beside: view) }
        } catch let error as ListenError {
            throw Exit.error(Exit.failed, error.description)
        }
        await storage.close()
        if once, let missing = view?.missing, !missing.isEmpty {
            throw Exit.error(Exit.failed, missing.joined(separator: "\n"))
        }
    }

    private func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                // Checks may carry headers that are nobody else's business.
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw Exit.error(
                Exit.failed, "The folder \(path) cannot be made: give --data-dir one that you own.")
        }
    }

    private func makeFirstKey(
        in storage: any Storage, _ settings: Settings, _ logger: Logger
    ) async throws {
        // The API makes the configured one.
        guard settings.api.bootstrapKey == nil,
            case .sqlite(let database) = settings.database.url,
            try await storage.keys().isEmpty
        else { return }
        let (key, text) = KeyMint.mint(
            role: .admin, name: "first key", now: try await storage.now())
        let file = URL(filePath: database).deletingLastPathComponent().appending(path: "admin.key")
        guard
            FileManager.default.createFile(
                atPath: file.path, contents: Data((text + "\n").utf8),
                attributes: [.posixPermissions: 0o600])
        else {
            throw Exit.error(Exit.failed, "The first key cannot be written to \(file.path).")
        }
        try await storage.change(KeyChange(.make(key), actor: "standalone"))
        logger.info("made a first key, role admin", metadata: ["file": "\(file.path)"])
    }

    private func carryOut(_ document: CompiledDocument, on storage: any Storage) async throws {
        do {
            _ = try await DocumentApplier(storage: storage).apply(
                document, actor: "standalone --apply")
        } catch let problems as Problems {
            throw Exit.error(Exit.refused, problems.description)
        } catch let error as StorageError {
            throw Exit.error(
                error.isRefusal ? Exit.refused : Exit.unreachable, error.description)
        }
    }
}

extension StorageError {
    fileprivate var isRefusal: Bool {
        if case .refused = self { true } else { false }
    }
}
