import Foundation
import Synchronization
import TestServers

/// A PostgreSQL and a standby of it that has everything before the first one says so; either may be
/// the one that is written to.
final class ReplicatedServer: TestDatabase {
    private let primary: PostgreSQLServer
    private let port: Int
    private let isPromoted = Mutex(false)

    /// Returns once the standby follows.
    init() throws {
        primary = try PostgreSQLServer.start()
        port = try Here.freePort()
        let url = primary.url
        do {
            try shell(
                """
                "${as[@]}" mkdir -p "$1"
                "${as[@]}" "$programs/pg_basebackup" -d "$3" -D "$1/data" -R -X stream -c fast
                "${as[@]}" chmod 700 "$1/data"
                "${as[@]}" "$programs/pg_ctl" -D "$1/data" -l "$1/log" -w \\
                    -o "-p $2 -c listen_addresses=127.0.0.1 -c unix_socket_directories=$1 \\
                        -c max_connections=400" start
                """, url)
            // From now on nothing is committed that the standby has not.
            _ = try primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
            _ = try primary.ask("SELECT pg_reload_conf()")
        } catch {
            stop()
            throw error
        }
    }

    /// Both, in the order in which they are tried.
    var settings: [String: String] {
        let place = primary.url.split(separator: "@")[1].split(separator: "/")[0]
        return [
            "HEALTH_WORKER_DATABASE_URL": primary.url.replacing(
                place, with: "\(place),127.0.0.1:\(port)")
        ]
    }

    var now: String { primary.now }

    private var standbyURL: String {
        var address = URLComponents(string: primary.url)
        address?.port = port
        return address?.string ?? ""
    }

    func rows(_ query: String) throws -> [[String]] {
        let url = isPromoted.withLock { $0 } ? standbyURL : primary.url
        return try PostgreSQLServer.rows(query, at: url)
    }

    /// The first server dies as of a power cut.
    func crashPrimary() throws { try primary.crash() }

    /// The second takes over.
    ///
    /// - Parameter seconds: By how much its clock is behind.
    func promote(clockBehindBy seconds: Int) throws {
        try shell("\"${as[@]}\" \"$programs/pg_ctl\" -D \"$1/data\" -w promote")
        isPromoted.withLock { $0 = true }
        guard seconds > 0 else { return }
        // The only place where a statement learns the time.
        _ = try rows(
            """
            CREATE OR REPLACE FUNCTION now_us() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
            RETURN ((extract(epoch FROM statement_timestamp()) - \(seconds)) * 1000000)::bigint
            """)
    }

    func stop() {
        // What cannot be stopped any more has ended.
        try? shell("\"${as[@]}\" \"$programs/pg_ctl\" -D \"$1/data\" -m immediate stop")
        primary.stop()
        try? shell("rm -rf \"$1\"")
    }

    private func shell(_ script: String, _ url: String = "") throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-c",
            StartedServer.closingDescriptors + """
                set -euo pipefail
                programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
                as=(); [ "$(id -u)" != 0 ] || as=(runuser -u postgres --)
                cd /
                exec >&2
                \(script)
                """, "standby", "/tmp/health-worker-standby-\(port)", "\(port)", url,
        ]
        _ = try process.output()
    }
}
