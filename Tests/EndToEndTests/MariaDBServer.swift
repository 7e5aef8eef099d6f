import Foundation
import TestServers

/// A MariaDB of one test's own.
struct MariaDBServer: TestServer {
    private let server: StartedServer

    static func start() throws -> MariaDBServer {
        MariaDBServer(server: try StartedServer("mariadb"))
    }

    var settings: [String: String] { ["HEALTH_WORKER_DATABASE_URL": server.url] }
    var now: String { "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)" }

    func restart(crashes: Bool) throws {
        try server.restart(signal: crashes ? "KILL" : nil)
    }

    func killSession() throws {
        guard let id = try sessions().randomElement() else {
            throw EndToEndError("no session to kill")
        }
        try kill([id])
    }

    func terminateSessions() throws { try kill(try sessions()) }

    private func sessions() throws -> [String] {
        try rows(
            """
            SELECT id
            FROM information_schema.processlist
            WHERE db = DATABASE() AND id <> CONNECTION_ID()
            """
        ).map { $0[0] }
    }

    private func kill(_ sessions: [String]) throws {
        if sessions.isEmpty { return }
        // One that has ended meanwhile is passed over.
        _ = try client(
            ["--force"] + ["--execute", sessions.map { "KILL \($0)" }.joined(separator: "; ")]
        ).output(endingWith: 0...1)
    }

    func pinSnapshot(log: URL) throws -> Program {
        try Program(
            Self.program,
            arguments + [
                "--execute", "START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT sleep(600)",
            ], log: log)
    }

    func rows(_ query: String) throws -> [[String]] {
        try client(["--execute", query]).output().split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    func stop() { server.stop() }

    private static let program = URL(filePath: "/usr/bin/mariadb")

    /// Of the client: whose it is, where, and that it writes a row a line as the values are.
    private var arguments: [String] {
        let address = URLComponents(string: server.url)
        return [
            "--no-defaults", "--protocol=tcp", "--host=\(address?.host ?? "")",
            "--port=\(address?.port ?? 0)", "--user=\(address?.user ?? "")",
            "--password=\(address?.password ?? "")",
            "--database=\(address?.path.dropFirst() ?? "")", "--skip-column-names", "--batch",
            "--raw",
        ]
    }

    private func client(_ more: [String]) -> Process {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments + more
        return process
    }
}
