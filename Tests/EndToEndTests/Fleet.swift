import Foundation
import Synchronization

/// A database, Redis and roles in processes of their own, started for one test and ended with it.
final class Fleet: Sendable {
    /// What a fleet is made of.
    struct Plan {
        var engine = Engine.postgresql
        var registers = 2
        /// Where each worker is.
        var workers = ["fra1", "fra1", "ams1"]
        /// A database that is there already, instead of one of the engine; it ends with the fleet.
        var database: (any TestDatabase)?
        /// An address beside loopback that the server is reached at.
        var listensOn: String?
        /// One process of all roles instead of an API.
        var isStandalone = false
        /// By how many seconds the wall clock of a role is wrong, by its name.
        var wrongClocks: [String: Int] = [:]
        /// Whether each role has a listener for metrics.
        var servesMetrics = false
        /// Settings of every role, by their variables.
        var settings: [String: String] = [:]
        /// What is applied, as YAML.
        var document: String
    }

    let scratch: Scratch
    let client: Client
    let database: any TestDatabase
    private let settings: [String: String]
    private let redisPort: Int
    private let wrongClocks: [String: Int]
    private let servesMetrics: Bool
    private let state = Mutex(State())

    private struct State {
        var running: [String: Program] = [:]
        /// How each role was started.
        var roles: [String: Role] = [:]
        var metricsPorts: [String: Int] = [:]
    }

    private struct Role {
        var program: URL
        var arguments: [String]
        var settings: [String: String]
        var namespace: Namespace?
    }

    private init(scratch: Scratch, plan: Plan) throws {
        self.scratch = scratch
        redisPort = try Here.freePort()
        wrongClocks = plan.wrongClocks
        servesMetrics = plan.servesMetrics
        client = Client(port: try Here.freePort(), keyFile: scratch.file("admin.key"))
        database =
            if let database = plan.database { database } else {
                switch plan.engine {
                case .sqlite: SQLiteFile(path: scratch.file("health-worker.sqlite").path)
                case .postgresql: try PostgreSQLServer.start()
                case .pgbouncer: try PostgreSQLServer.start(withPooler: true)
                case .mysql: try MariaDBServer.start()
                }
            }
        var settings = plan.settings.merging(database.settings) { $1 }
        if plan.engine != .sqlite {
            settings["HEALTH_WORKER_REDIS_URL"] = "redis://127.0.0.1:\(redisPort)"
        }
        self.settings = settings
    }

    /// Registers `register-1` …, workers `worker-1` … and an API, with the plan's document applied.
    ///
    /// - Parameter prepare: Called when the schema is there, and no role yet.
    static func start(
        in scratch: Scratch, _ plan: Plan, prepare: (Fleet) throws -> Void = { _ in }
    ) async throws -> Fleet {
        let fleet = try Fleet(scratch: scratch, plan: plan)
        do {
            if let address = plan.listensOn { try fleet.postgreSQL.listen(on: address) }
            if plan.engine != .sqlite { try await fleet.startRedis() }
            _ = try fleet.command(["migrate", "up"])
            let key = try fleet.command(["keys", "create", "--role", "admin", "--name", "test"])
            _ = try scratch.write(key, to: "admin.key")
            try prepare(fleet)
            for number in 0..<plan.registers { try fleet.startRegister("register-\(number + 1)") }
            for (number, location) in plan.workers.enumerated() {
                try fleet.startWorker("worker-\(number + 1)", location: location)
            }
            if plan.isStandalone {
                try fleet.startAPI("standalone", ["standalone"])
            } else {
                try fleet.startAPI("api", ["api", "--wait", "30s"])
            }
            let document = try scratch.write(plan.document, to: "document.yaml")
            try await fleet.until("the API is ready") {
                try await fleet.client.get("/readyz", authorized: false).status == 200
            }
            // What targets see of probes is counted: those of workers, and no others.
            try fleet.tell("apply", "--no-probe", "-f", document.path)
        } catch {
            print(fleet.logs)
            await fleet.stop()
            throw error
        }
        return fleet
    }

    /// The server, of a fleet that has one.
    var server: any TestServer {
        get throws {
            guard let server = database as? any TestServer else {
                throw EndToEndError("this fleet has no server")
            }
            return server
        }
    }

    /// The same, where it is PostgreSQL.
    var postgreSQL: PostgreSQLServer {
        get throws {
            guard let server = database as? PostgreSQLServer else {
                throw EndToEndError("this fleet has no PostgreSQL")
            }
            return server
        }
    }

    // MARK: - Processes

    private func launch(
        _ name: String, _ arguments: [String], _ more: [String: String] = [:],
        by program: URL, inside namespace: Namespace? = nil
    ) throws {
        var all = settings.merging(more) { $1 }
        all["HEALTH_WORKER_WORKER_NAME"] = name
        if let seconds = wrongClocks[name] {
            all.merge(try WrongClock.settings(by: seconds)) { $1 }
        }
        if servesMetrics {
            let port = try Here.freePort()
            all["HEALTH_WORKER_METRICS_LISTEN"] = "127.0.0.1:\(port)"
            state.withLock { $0.metricsPorts[name] = port }
        }
        let role = Role(
            program: program, arguments: arguments, settings: all, namespace: namespace)
        state.withLock { $0.roles[name] = role }
        try startAgain(name)
    }

    /// Starts a role as it was started before.
    func startAgain(_ name: String) throws {
        guard let role = state.withLock({ $0.roles[name] }) else {
            throw EndToEndError("there was no \(name)")
        }
        let program = try Program(
            role.program, role.arguments, environment: role.settings,
            inside: role.namespace, log: scratch.file("\(name).log"))
        state.withLock { $0.running[name] = program }
    }

    func startRegister(_ name: String, by program: URL = Here.healthWorker) throws {
        try launch(name, ["register", "--wait", "30s"], by: program)
    }

    /// - Parameter namespace: Where it runs; it reaches the server by the address there.
    func startWorker(
        _ name: String, location: String, by program: URL = Here.healthWorker,
        inside namespace: Namespace? = nil
    ) throws {
        var more = ["HEALTH_WORKER_WORKER_LOCATION": location]
        if let namespace {
            more["HEALTH_WORKER_DATABASE_URL"] = try postgreSQL.url.replacing(
                "127.0.0.1", with: namespace.here)
        }
        try launch(name, ["worker", "--wait", "30s"], more, by: program, inside: namespace)
    }

    /// Where each role tells its metrics, by the role's name.
    var metricsPorts: [String: Int] { state.withLock { $0.metricsPorts } }

    func log(of name: String) -> String {
        (try? String(contentsOf: scratch.file("\(name).log"), encoding: .utf8)) ?? ""
    }

    private func startAPI(_ name: String, _ arguments: [String]) throws {
        try launch(
            name, arguments, ["HEALTH_WORKER_API_LISTEN": "127.0.0.1:\(client.port)"],
            by: Here.healthWorker)
    }

    /// One more API, at another port.
    /// - Returns: one who asks it.
    func startAPI(_ name: String, by program: URL) throws -> Client {
        let other = Client(port: try Here.freePort(), keyFile: client.keyFile)
        try launch(
            name, ["api", "--wait", "30s"],
            ["HEALTH_WORKER_API_LISTEN": "127.0.0.1:\(other.port)"], by: program)
        return other
    }

    func startRedis() async throws {
        let program = try Program(
            URL(filePath: "/usr/bin/redis-server"),
            [
                "--port", "\(redisPort)", "--bind", "127.0.0.1", "--save", "", "--dir",
                scratch.folder.path,
            ], log: scratch.file("redis.log"))
        state.withLock { $0.running["redis"] = program }
        try await until("Redis is ready") {
            try redis("PING") == "PONG"
        }
    }

    /// What Redis answers.
    func redis(_ words: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/redis-cli")
        process.arguments = ["-p", "\(redisPort)", "--raw"] + words
        return try process.output()
    }

    func kill(_ name: String) async {
        await state.withLock { $0.running.removeValue(forKey: name) }?.destroy()
    }

    func send(_ signal: Int32, to name: String) {
        state.withLock { $0.running[name] }?.send(signal)
    }

    /// The exit code of one role; nil when it still runs after `limit`.
    func end(of name: String, within limit: Duration) async -> Int32? {
        await state.withLock { $0.running[name] }?.end(within: limit)
    }

    func flushRedis() throws { _ = try redis("FLUSHALL") }

    /// SIGTERM to every role.
    /// - Returns: their exit codes; nil for one that did not end.
    func drain() async -> [String: Int32?] {
        let roles = state.withLock { $0.running.filter { $0.key != "redis" } }
        for program in roles.values { program.send(SIGTERM) }
        var codes: [String: Int32?] = [:]
        for (name, program) in roles { codes[name] = await program.end(within: .seconds(60)) }
        return codes
    }

    func stop() async {
        let all = state.withLock { state in
            defer { state.running = [:] }
            return Array(state.running.values)
        }
        for program in all { await program.destroy() }
        database.stop()
    }

    /// The ends of all logs.
    var logs: String {
        let names =
            (try? FileManager.default.contentsOfDirectory(atPath: scratch.folder.path)) ?? []
        return names.filter { $0.hasSuffix(".log") }.sorted().map { name in
            let text = (try? String(contentsOf: scratch.file(name), encoding: .utf8)) ?? ""
            return "── \(name)\n\(text.suffix(3000))"
        }.joined(separator: "\n")
    }

    /// One command of the API's client, to its end.
    /// - Returns: what it wrote to standard output, without white space around it.
    @discardableResult
    func tell(_ arguments: String...) throws -> String {
        try command(
            arguments + [
                "--server", "http://127.0.0.1:\(client.port)", "--key-file", client.keyFile.path,
            ])
    }

    /// One command, to its end, however it ends.
    func run(
        _ arguments: [String], by program: URL = Here.healthWorker
    ) async throws -> (code: Int32?, text: String) {
        try await Program.run(program, arguments, in: scratch, environment: settings)
    }

    /// One command, to its end.
    /// - Returns: what it wrote to standard output, without white space around it.
    private func command(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = Here.healthWorker
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("HEALTH_WORKER_")
        }.merging(settings) { $1 }
        return try process.output()
    }

    // MARK: - What is seen

    func until(
        _ what: String, within limit: Duration = .seconds(60), _ isSo: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            // While a server restarts, calls fail.
            if (try? await isSo()) == true { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw EndToEndError("waited in vain: \(what)")
    }

    func route(_ isWanted: (RouteSeen) -> Bool) async throws -> RouteSeen {
        var wanted: RouteSeen?
        try await until("the route becomes what it should") {
            let answer = try await client.get("/v1/routes/www")
            guard answer.status == 200 else { return false }
            let route = try answer.decoded(RouteSeen.self)
            guard isWanted(route) else { return false }
            wanted = route
            return true
        }
        guard let wanted else { throw EndToEndError("no route") }
        return wanted
    }

    func awaitHealth(_ health: String, of check: String) async throws {
        struct Seen: Decodable { var health: String }
        try await until("\(check) is \(health)") {
            try await client.read("/v1/checks/\(check)/health", as: Seen.self).health == health
        }
    }

    /// A probe that began after this call.
    func awaitOutcome(of check: String) async throws {
        struct Seen: Decodable {
            struct Outcome: Decodable { var job: Int64 }
            var items: [Outcome]
        }
        let path = "/v1/checks/\(check)/outcomes?limit=1"
        var before: Int64?
        try await until("\(check) is probed") {
            let last = try await client.read(path, as: Seen.self).items.first?.job ?? 0
            guard let first = before else {
                before = last
                return false
            }
            return last > first
        }
    }

    /// The database's time, in microseconds since 1970.
    func databaseTime() throws -> Int64 {
        try database.number("SELECT \(database.now)")
    }

    /// How many probes of such a process began after `moment`, of those that have ended.
    func probes(by process: String, after moment: Int64) throws -> Int64 {
        try database.number(
            """
            SELECT count(*) FROM outcomes
            WHERE worker_id = \(process) AND started_at > \(moment)
            """)
    }

    /// When the last probe of such a process began, of those that have ended.
    func lastProbe(by process: String) throws -> Int64 {
        try database.number("SELECT max(started_at) FROM outcomes WHERE worker_id = \(process)")
    }

    /// What the database itself says.
    func account() throws -> [String: Int] {
        let questions = [
            "enqueued": "SELECT sum(enqueued) FROM queue_tallies",
            "ended": """
            SELECT (SELECT sum(completed + lost + void) FROM queue_tallies)
                 + (SELECT count(*) FROM probe_jobs)
            """,
            "leased": """
            SELECT count(*) FROM probe_jobs
            WHERE worker_id IS NOT NULL
              AND visible_at > \(database.now)
            """,
            "completed": "SELECT sum(completed) FROM queue_tallies",
            "recorded": "SELECT sum(completed + lost) FROM queue_tallies",
            "outcomes": "SELECT count(*) FROM outcomes",
            "processes": "SELECT count(*) FROM processes",
            "doubled_outcomes": """
            SELECT count(*) - count(DISTINCT job_id) FROM outcomes
            """,
            "unanswered": """
            SELECT count(*) FROM evaluations
            WHERE due_at <= \(database.now)
            """,
            "generations": "SELECT count(DISTINCT generation) FROM route_changes",
            "route_changes": "SELECT count(*) FROM route_changes",
        ]
        return try questions.mapValues { question in
            Int(try database.number(question))
        }
    }
}

extension Process {
    /// Runs to the end.
    /// - Parameter codes: Exit codes that are no error.
    /// - Returns: standard output without white space around it.
    func output(endingWith codes: ClosedRange<Int32> = 0...0) throws -> String {
        let pipe = Pipe()
        standardOutput = pipe
        standardInput = FileHandle.nullDevice
        try run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        waitUntilExit()
        guard codes.contains(terminationStatus) else {
            throw EndToEndError("\(arguments ?? []) ended with \(terminationStatus): \(text)")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
