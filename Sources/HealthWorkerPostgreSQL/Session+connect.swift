import CPostgreSQL
import HealthWorkerModel
import HealthWorkerStorage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Session {
    /// Connects. Names are resolved in the first call, which blocks.
    static func connect(
        url: String, address: ServerAddress, preparesStatements: Bool, limit: Duration
    ) throws -> Session {
        let deadline = ContinuousClock.now + Self.connectLimit
        guard let link = start(url: url) else {
            throw LostConnection.lost("there is no memory for a connection")
        }
        var isDone = false
        defer { if !isDone { PQfinish(link) } }
        // With it the words of a refusal carry their SQLSTATE, which libpq does not give otherwise.
        PQsetErrorVerbosity(link, PQERRORS_VERBOSE)

        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard next != PGRES_POLLING_FAILED, PQstatus(link) != CONNECTION_BAD else {
                throw refusal(by: link, at: address)
            }
            let events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT
            // The socket is another one for each address that is tried.
            guard Poll.wait(on: PQsocket(link), for: Int16(events), until: deadline) != nil else {
                throw StorageError.unavailable(
                    "The database \(address) did not accept a connection within "
                        + "\(connectLimit.milliseconds / 1000) s; check that it runs and that no "
                        + "firewall is in between.")
            }
            next = PQconnectPoll(link)
        }
        PQsetErrorVerbosity(link, PQERRORS_DEFAULT)
        try demand(of: link, at: address)

        let session = Session(
            link: link, address: address, preparesStatements: preparesStatements, limit: limit)
        isDone = true
        // Behind a pooler a setting would be somebody else's tomorrow.
        if preparesStatements { try session.script(settings) }
        return session
    }

    /// None of these decides what a statement does, only how, and when the server gives up on us.
    ///
    /// Every statement is written as a walk along an index. Left to itself the planner reads all of
    /// `probe_jobs` where it thinks the table small, or most of it wanted, and it is often wrong
    /// about a table that fills and empties many times a minute (EXPLAIN of 10,000 jobs showed it
    /// for claim and completion, with fresh statistics). A batch's plan is made for its own size,
    /// which costs less than running one that was made for another size.
    static let settings = """
        SET enable_seqscan = off;
        SET enable_bitmapscan = off;
        SET jit = off;
        SET plan_cache_mode = force_custom_plan;
        SET statement_timeout = '15s'
        """

    private static let connectLimit = Duration.seconds(10)

    private static func start(url: String) -> OpaquePointer? {
        // What the URL says comes later and wins.
        let values = [
            ("fallback_application_name", "health-worker"),
            ("client_encoding", "UTF8"),
            ("keepalives_idle", "10"),
            ("keepalives_interval", "5"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", "15000"),
            ("dbname", url),
        ]
        let names = values.map { strdup($0.0) }
        let texts = values.map { strdup($0.1) }
        defer { for text in names + texts { free(text) } }
        let keywords = names.map { UnsafePointer($0) } + [nil]
        let contents = texts.map { UnsafePointer($0) } + [nil]
        return PQconnectStartParams(keywords, contents, 1)
    }

    private static func demand(of link: OpaquePointer, at address: ServerAddress) throws {
        let version = PQserverVersion(link)
        guard version >= 140_000 else {
            throw StorageError.failed(
                "The database \(address) is PostgreSQL \(version / 10_000); Health Worker needs "
                    + "14 or later.")
        }
        for name in ["in_hot_standby", "default_transaction_read_only"] {
            if let value = PQparameterStatus(link, name), String(cString: value) == "on" {
                throw ServerError(state: "25006", message: "\(name) is on")
            }
        }
    }

    /// Why there is no connection: what the server said, or that nobody is there.
    private static func refusal(by link: OpaquePointer, at address: ServerAddress) -> any Error {
        let line = said(by: link)
        guard let (state, message) = stateAndMessage(in: line) else {
            return StorageError.unavailable(
                "The database \(address) does not answer; check that it runs, and database.url: "
                    + line)
        }
        return ServerError(state: state, message: message)
    }

    /// Reads `…FATAL:  28P01: password authentication failed…`.
    private static func stateAndMessage(in line: String) -> (String, String)? {
        guard let range = line.firstRange(of: #/:  ([0-9A-Z]{5}): /#) else { return nil }
        let state = line[range].dropFirst(3).prefix(5)
        return (String(state), String(line[range.upperBound...]))
    }
}
