import Foundation

/// A database of one test's own, so that it can be broken.
protocol TestDatabase: Sendable {
    /// What the roles are told of it.
    var settings: [String: String] { get }

    /// The rows of a query, as text.
    func rows(_ query: String) throws -> [[String]]
    func stop()

    /// An expression of its SQL: now by its clock, in microseconds since 1970.
    var now: String { get }
}

/// A database in a server, which can go away and come back.
protocol TestServer: TestDatabase {
    /// - Parameter crashes: It recovers from its log afterwards.
    func restart(crashes: Bool) throws
    /// Kills one session of a role, or throws where there is none.
    func killSession() throws
    /// Ends every session of every role.
    func terminateSessions() throws
    /// A transaction that sees for as long as the program runs what is there now.
    func pinSnapshot(log: URL) throws -> Program
}

extension TestDatabase {
    func number(_ query: String) throws -> Int64 {
        guard let text = try rows(query).first?.first, let number = Int64(text) else {
            throw EndToEndError("no number: \(query)")
        }
        return number
    }
}

/// One file, whose roles share it.
struct SQLiteFile: TestDatabase {
    let path: String

    var settings: [String: String] { ["HEALTH_WORKER_DATABASE_URL": "sqlite:\(path)"] }
    var now: String { "(SELECT last_at FROM storage_clock)" }

    func rows(_ query: String) throws -> [[String]] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/sqlite3")
        process.arguments = ["-batch", "-cmd", ".timeout 20000", "-separator", "\t", path, query]
        return try process.output().split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// Holds the write lock as long as the program runs.
    func lock(log: URL) throws -> Program {
        try Program(
            Here.python,
            [
                "-c",
                """
                import sqlite3, sys, time
                link = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
                link.execute("BEGIN IMMEDIATE")
                time.sleep(600)
                """, path,
            ], log: log)
    }

    func stop() {}
}
