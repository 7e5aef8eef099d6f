import Foundation
import TestServers

/// A PostgreSQL of one test's own, with a PgBouncer in front of it or without.
struct PostgreSQLServer: TestServer {
    private let server: StartedServer

    var url: String { server.url }
    var now: String { "now_us()" }

    var settings: [String: String] {
        guard let pooler = server.pooler else { return ["HEALTH_WORKER_DATABASE_URL": url] }
        return [
            "HEALTH_WORKER_DATABASE_URL": pooler,
            "HEALTH_WORKER_DATABASE_PREPARED_STATEMENTS": "false",
        ]
    }

    static func start(withPooler hasPooler: Bool = false) throws -> PostgreSQLServer {
        PostgreSQLServer(
            server: try StartedServer("postgresql", behind: hasPooler ? "pgbouncer" : nil))
    }

    func restart(crashes: Bool) throws {
        try control("-m \(crashes ? "immediate" : "fast") -w restart")
    }

    /// Makes it answer at an address beside loopback, with a password.
    func listen(on address: String) throws {
        let port = URLComponents(string: url)?.port ?? 0
        try control(
            """
            -m fast -w -o "-p \(port) -c unix_socket_directories=$0 -c fsync=on \
                -c listen_addresses=127.0.0.1,\(address)" restart
            """, first: "echo 'host all all 10.213.0.0/16 scram-sha-256' >>\"$0/data/pg_hba.conf\"")
    }

    /// Ends as of a power cut, and is not started again.
    func crash() throws { try control("-m immediate -w stop", last: ":") }

    private func control(
        _ words: String, first: String = ":",
        last: String = "head -1 \"$0/data/postmaster.pid\" >\"$0/pid\""
    ) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-c",
            StartedServer.closingDescriptors + """
                set -e
                control=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)/pg_ctl
                as=(); [ "$(id -u)" != 0 ] || as=(runuser -u postgres --)
                cd /
                \(first)
                "${as[@]}" "$control" -D "$0/data" -l "$0/data/restart.log" \(words) >&2
                \(last)
                """, server.folder,
        ]
        _ = try process.output()
    }

    /// Its process: the server then ends all the others too.
    func killSession() throws {
        let pid = try ask(
            """
            SELECT pid
            FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
            ORDER BY random() LIMIT 1
            """)
        guard let pid = Int32(pid) else { throw EndToEndError("no backend to kill: \(pid)") }
        Glibc.kill(pid, SIGKILL)
    }

    func terminateSessions() throws {
        _ = try ask(
            """
            SELECT count(pg_terminate_backend(pid))
            FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
            """)
    }

    func pinSnapshot(log: URL) throws -> Program {
        let script = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; SELECT pg_sleep(600)"
        return try Program(
            URL(filePath: "/usr/bin/psql"),
            ["--no-psqlrc", "-qAt", "-d", url, "-c", script], log: log)
    }

    func rows(_ query: String) throws -> [[String]] { try Self.rows(query, at: url) }

    static func rows(_ query: String, at url: String) throws -> [[String]] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/psql")
        process.arguments = ["--no-psqlrc", "-qAt", "-F", "\t", "-d", url, "-c", query]
        return try process.output().split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// The only value of a query's only row.
    func ask(_ query: String, in database: String? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/psql")
        process.arguments = ["--no-psqlrc", "-qAt", "-d", url, "-c", query]
        if let database {
            var address = URLComponents(string: url)
            address?.path = "/\(database)"
            process.arguments?[3] = address?.string ?? url
        }
        return try process.output()
    }

    func stop() { server.stop() }
}
