import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// A fleet that was given every kind of secret there is, asked for all that it tells, while it works
/// and while things fail.
@Suite(.serialized) struct `Planted secrets` {
    /// What must never be seen: the part of each secret that no encoding changes.
    private enum Planted: String, CaseIterable {
        case database = "d4tabase-pl4nted"
        case redis = "r3dis-pl4nted"
        case header = "h3ader-pl4nted"
        case bootstrap = "b00tstrapPl4nted0000000000000000"
        /// Of whatever is wrong and refused.
        case wrong = "wr0ng-pl4nted"
    }

    /// Everything that was told, with where.
    private struct Told {
        var texts: [(from: String, text: String)] = []

        mutating func add(_ text: String, from source: String) { texts.append((source, text)) }

        func contains(_ text: String) -> Bool { texts.contains { $0.text.contains(text) } }

        func places(of secret: String) -> [String] {
            texts.filter { $0.text.lowercased().contains(secret.lowercased()) }.map(\.from)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `are in nothing that a fleet tells or keeps, whatever fails`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try PostgreSQLServer.start()
        defer { server.stop() }
        let fleet = try Planting(in: scratch, on: server)
        var told = Told()
        do {
            try await fleet.begin()
            try await askEverything(of: fleet, &told)
            try await misconfigure(fleet, &told)
            try await breakEverything(of: fleet, &told)
        } catch {
            print(fleet.logs)
            await fleet.stop()
            throw error
        }
        await fleet.stop()
        for (name, log) in fleet.logsByName { told.add(log, from: "log of \(name)") }
        told.add(try fleet.dump(), from: "database")

        // What was looked for was really there to be told.
        for sign in [
            "secret:token", "health_worker_build_info", "status_mismatch", "probed",
            "password authentication failed", "counts come from the database rows",
            "database.url", "CREATE TABLE", "\"status\":401",
        ] {
            #expect(told.contains(sign), "\(sign)")
        }
        for secret in Planted.allCases.map(\.rawValue) + [fleet.keySecret] {
            #expect(secret.count > 10)
            #expect(told.places(of: secret) == [], "\(secret)")
        }
    }

    private func askEverything(of fleet: Planting, _ told: inout Told) async throws {
        for arguments in [
            ["config", "show"], ["config", "show", "-o", "json"], ["config", "check"],
            ["migrate", "status"], ["keys", "list", "--database"],
        ] {
            let run = try await fleet.run(arguments)
            #expect(run.code == 0, "\(arguments): \(run.text)")
            told.add(run.text, from: arguments.joined(separator: " "))
        }
        for (name, port) in fleet.metricsPorts {
            told.add(try await Exposition.fetch(from: port).text, from: "metrics of \(name)")
        }
        for path in try await fleet.paths() {
            let answer = try await fleet.client.get(path)
            #expect((200...299).contains(answer.status), "\(path): \(answer.status)")
            told.add(String(decoding: answer.body, as: UTF8.self), from: path)
        }
        // A key where none belongs, and a wrong one where it does.
        let key = fleet.key
        for (path, header, value) in [
            ("/v1/checks?limit=\(key)", "Authorization", "Bearer \(key)"),
            ("/v1/checks/\(key)", "Authorization", "Bearer \(key)"),
            ("/v1/checks", "Authorization", "Bearer \(key)x"),
            ("/v1/checks", "Authorization", key), ("/v1/checks", "X-API-Key", "\(key) "),
            ("/v1/checks?key=\(key)", "X-Request-Id", key),
        ] {
            var request = HTTPClientRequest(
                url: "http://127.0.0.1:\(fleet.client.port)\(path)")
            request.headers.add(name: header, value: value)
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            let body = try await response.body.collect(upTo: 1 << 20)
            let headers = response.headers.map { "\($0.name): \($0.value)" }
                .joined(separator: "\n")
            told.add("\(headers)\n\(String(buffer: body))", from: "\(header) at \(path)")
        }
    }

    private func breakEverything(of fleet: Planting, _ told: inout Told) async throws {
        try await fleet.until("a worker that has the wrong password for Redis says so") {
            try fleet.startWrongWorker(Planted.wrong.rawValue)
            return true
        }
        try await fleet.until("it counts by itself") {
            fleet.log(of: "wrong").contains("counts come from the database rows")
        }
        await fleet.kill("redis")
        try await fleet.until("the worker misses Redis") {
            fleet.log(of: "worker").contains("counts come from the database rows")
        }
        try fleet.lockOut()
        for role in ["register", "worker", "api"] {
            try await fleet.until("\(role) is locked out") {
                // The API speaks to the database when it is asked to.
                if role == "api" {
                    let answer = try await fleet.client.get("/v1/checks")
                    return answer.status >= 500
                }
                return fleet.log(of: role).contains("storage does not answer")
            }
        }
        for path in ["/readyz?verbose", "/livez", "/v1/checks", "/v1/queue"] {
            let answer = try await fleet.client.get(path)
            told.add(String(decoding: answer.body, as: UTF8.self), from: "\(path), locked out")
        }
        for (name, port) in fleet.metricsPorts {
            told.add(
                try await Exposition.fetch(from: port).text, from: "metrics of \(name), locked out")
        }
        let status = try await fleet.run(["migrate", "status"])
        #expect(status.code != 0)
        told.add(status.text, from: "migrate status, locked out")
    }

    /// Settings that are refused, each with a secret in it.
    private func misconfigure(_ fleet: Planting, _ told: inout Told) async throws {
        let wrong = Planted.wrong.rawValue
        let file = try fleet.scratch.write(
            "[secrets]\ntoken = \"\(wrong)\n", to: "unterminated.toml")
        let misplaced = try fleet.scratch.write(
            "[database]\npassword = \"\(wrong)\"\n", to: "misplaced.toml")
        let refused: [(arguments: [String], settings: [String: String], code: Int32?)] = [
            (["config", "check"], ["DATABASE_URL": "postgersql://hw:\(wrong)@db/hw"], 78),
            (["config", "check"], ["DATABASE_URL": "sqlite://hw:\(wrong)@db/hw"], 78),
            (["config", "check"], ["REDIS_URL": "http://:\(wrong)@redis"], 78),
            (["config", "check"], ["HEALTH_WORKER_SECRETS_TOKEN": "\(wrong)\nX: y"], 78),
            (["config", "check", "--config", file.path], [:], 78),
            (["config", "check", "--config", misplaced.path], [:], 78),
            (["worker"], ["REDIS_URL": "rediss://:\(wrong)@redis"], 78),
            (
                ["migrate", "status"], ["DATABASE_URL": "postgresql://hw:\(wrong)@127.0.0.1:1/hw"],
                5
            ),
            (
                ["migrate", "status"],
                ["DATABASE_URL": "postgresql://hw:\(wrong)@127.0.0.1:1/hw?unheard=of"], nil
            ),
            (["checks", "list"], ["HEALTH_WORKER_KEY": "hw_x_\(wrong)"], 4),
        ]
        for (arguments, settings, code) in refused {
            let run = try await fleet.run(arguments, settings)
            let what = "\(arguments.joined(separator: " ")) with \(settings)"
            #expect(run.code != 0 && run.code == code ?? run.code, "\(what): \(run.text)")
            told.add(run.text, from: what.replacing(wrong, with: "…"))
        }
    }
}

/// A register, a worker and an API that were given secrets of every kind, on a PostgreSQL and a Redis
/// that ask for passwords.
private final class Planting {
    let scratch: Scratch
    let client: Client
    private let server: PostgreSQLServer
    private let redisPort: Int
    private let settings: [String: String]
    private(set) var metricsPorts: [String: Int] = [:]
    private var running: [String: Program] = [:]
    private(set) var key = ""

    init(in scratch: Scratch, on server: PostgreSQLServer) throws {
        self.scratch = scratch
        self.server = server
        redisPort = try Here.freePort()
        client = Client(port: try Here.freePort(), keyFile: scratch.file("admin.key"))
        // With a character that has to be encoded, and comes back decoded where a library tells it.
        _ = try server.ask("CREATE ROLE hw LOGIN PASSWORD 'd4tabase-pl4nted#1'")
        _ = try server.ask("CREATE DATABASE hw OWNER hw")
        let port = URLComponents(string: server.url)?.port ?? 0
        settings = [
            "DATABASE_URL": "postgresql://hw:d4tabase-pl4nted%231@127.0.0.1:\(port)/hw",
            "REDIS_URL": "redis://:r3dis-pl4nted@127.0.0.1:\(redisPort)/1",
            "HEALTH_WORKER_SECRETS_TOKEN": "h3ader-pl4nted",
            "HEALTH_WORKER_API_BOOTSTRAP_KEY": "hw_b00t_b00tstrapPl4nted0000000000000000",
            "HEALTH_WORKER_LOG_LEVEL": "trace", "HEALTH_WORKER_LOG_FORMAT": "json",
            "HEALTH_WORKER_API_LISTEN": "127.0.0.1:\(client.port)",
            "HEALTH_WORKER_METRICS_PER_CHECK": "true",
        ]
    }

    /// The part of the key that proves who one is.
    var keySecret: String { key.split(separator: "_").last.map(String.init) ?? "" }

    var logsByName: [(String, String)] {
        running.keys.filter { $0 != "redis" && $0 != "parrot" }.sorted().map { ($0, log(of: $0)) }
    }

    var logs: String {
        running.keys.sorted().map { "── \($0)\n\(log(of: $0).suffix(3000))" }
            .joined(separator: "\n")
    }

    func log(of name: String) -> String {
        (try? String(contentsOf: scratch.file("\(name).log"), encoding: .utf8)) ?? ""
    }

    func run(
        _ arguments: [String], _ more: [String: String] = [:]
    ) async throws -> (code: Int32?, text: String) {
        var all = settings.merging(more) { $1 }
        all["HEALTH_WORKER_SERVER"] = "http://127.0.0.1:\(client.port)"
        return try await Program.run(Here.healthWorker, arguments, in: scratch, environment: all)
    }

    /// Starts all, and returns when each check has an outcome.
    func begin() async throws {
        running["redis"] = try Program(
            URL(filePath: "/usr/bin/redis-server"),
            [
                "--port", "\(redisPort)", "--bind", "127.0.0.1", "--save", "", "--dir",
                scratch.folder.path, "--requirepass", "r3dis-pl4nted",
            ], log: scratch.file("redis.log"))
        let parrot = try Here.freePort()
        running["parrot"] = try Program(
            Here.python, ["-c", Parrot.script, "\(parrot)"], log: scratch.file("parrot.log"))
        try await running["parrot"]?.listens(at: parrot)
        try await running["redis"]?.listens(at: redisPort)
        let migrated = try await run(["migrate", "up"])
        guard migrated.code == 0 else { throw EndToEndError(migrated.text) }
        // Beside what the log says at this level.
        let made = try await run([
            "keys", "create", "--database", "--role", "admin", "--name", "test",
        ])
        key = made.text.split(separator: "\n").last { $0.hasPrefix("hw_") }.map(String.init) ?? ""
        guard !key.isEmpty else { throw EndToEndError(made.text) }
        _ = try scratch.write(key, to: "admin.key")
        for role in ["register", "worker", "api"] { try start(role, [role, "--wait", "60s"]) }
        try await until("the API is ready") {
            try await client.get("/readyz", authorized: false).status == 200
        }
        let answer = try await client.send(.POST, "/v1/apply", Self.document(parrot))
        guard answer.status == 200 else {
            throw EndToEndError(String(decoding: answer.body, as: UTF8.self))
        }
        struct Outcomes: Decodable {
            struct Outcome: Decodable { var outcome: String }
            var items: [Outcome]
        }
        for check in ["status", "redirect"] {
            try await until("\(check) was probed") {
                try await !client.read("/v1/checks/\(check)/outcomes?limit=1", as: Outcomes.self)
                    .items.isEmpty
            }
        }
        try await until("a route was decided") {
            try await client.get("/v1/routes/www").status == 200
        }
    }

    private static func document(_ port: Int) -> String {
        func check(_ name: String, _ http: String) -> String {
            """
            {"name": "\(name)", "type": "http", "target": {"host": "127.0.0.1", "port": \(port)},
             "interval": "1s", "http": {"secret_headers": {"X-Token": "secret:token"}, \(http)}}
            """
        }
        return """
            {"format": 1, "checks": [
                \(check("status", #""path": "/""#)),
                \(check("redirect", #""path": "/redirect", "follow_redirects": true"#))],
             "policies": [{"name": "www", "type": "simple",
                 "members": [{"name": "a", "value": "192.0.2.1", "check": "status"}]}]}
            """
    }

    private func start(
        _ name: String, _ arguments: [String], _ more: [String: String] = [:]
    ) throws {
        let port = try Here.freePort()
        metricsPorts[name] = port
        running[name] = try Program(
            Here.healthWorker, arguments,
            environment: settings.merging(more) { $1 }.merging([
                "HEALTH_WORKER_METRICS_LISTEN": "127.0.0.1:\(port)"
            ]) { $1 }, log: scratch.file("\(name).log"))
    }

    /// One more worker, with another password for Redis.
    func startWrongWorker(_ password: String) throws {
        try start(
            "wrong", ["worker"], ["REDIS_URL": "redis://:\(password)@127.0.0.1:\(redisPort)/1"])
    }

    /// Everything that can be read, with the names of this installation in the places of names.
    func paths() async throws -> [String] {
        struct Document: Decodable {
            struct Operation: Decodable {}
            var paths: [String: [String: Operation]]
        }
        let document = try await client.read("/openapi.json", as: Document.self)
        let readable = document.paths.filter { $0.value["get"] != nil }.keys.compactMap {
            path -> String? in
            switch path {
            // 404 where nothing was set or stored.
            case let path where path.hasPrefix("/v1/settings/worker/"): nil
            case "/v1/secrets/{name}", "/v1/keys/{id}", "/v1/apply/{request_id}",
                "/v1/budgets/{name}", "/v1/maintenances/{id}":
                nil
            case let path where path.hasPrefix("/v1/policies/{name}"):
                path.replacing("{name}", with: "www")
            default:
                path.replacing("{name}", with: "status").replacing("{policy}", with: "www")
                    .replacing("{member}", with: "a")
            }
        }
        guard readable.count > 15, !readable.contains(where: { $0.contains("{") }) else {
            throw EndToEndError("unexpected paths: \(readable)")
        }
        return readable.sorted() + ["/openapi.json", "/readyz?verbose"]
    }

    /// The database's password is another one from now on.
    func lockOut() throws {
        _ = try server.ask("ALTER ROLE hw PASSWORD 'another'")
        try server.terminateSessions()
    }

    func dump() throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/pg_dump")
        var address = URLComponents(string: server.url)
        address?.path = "/hw"
        process.arguments = ["--dbname", address?.string ?? ""]
        return try process.output()
    }

    func kill(_ name: String) async {
        await running[name]?.destroy()
    }

    func stop() async {
        for (name, program) in running {
            program.send(name == "redis" || name == "parrot" ? SIGKILL : SIGTERM)
        }
        for program in running.values {
            _ = await program.end(within: .seconds(60))
            await program.destroy()
        }
    }

    func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if (try? await isSo()) == true { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw EndToEndError("waited in vain: \(what)")
    }
}
