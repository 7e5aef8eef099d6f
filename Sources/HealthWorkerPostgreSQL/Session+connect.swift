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
    /// Connects to the first of the servers that accepts a connection and writes, the latest one before
    /// the others.
    ///
    /// libpq alone stays with the first one that says nothing: its own time limit only holds where
    /// it blocks, and then the words of a refusal come without their SQLSTATE.
    static func connect(
        url: String, address: ServerAddress, latest: LatestServer, preparesStatements: Bool,
        limit: Duration
    ) throws -> Session {
        var refusals: [StorageError] = []
        var told: StorageError?
        for place in latest.order(address.places) {
            do {
                let session = try connect(
                    to: place, url: url, address: address,
                    preparesStatements: preparesStatements, limit: limit)
                latest.took(place)
                return session
            } catch {
                let refusal = StorageError(error, at: address.only(place))
                // What one server says helps more than that another one says nothing.
                if error is ServerError || refusal.isFinal {
                    told = told ?? refusal
                }
                refusals.append(refusal)
            }
        }
        guard let refusal = told ?? refusals.first else {
            throw LostConnection.lost("its URL names no server")
        }
        // The fault of one server is not final while another one may come back.
        if case .failed(let sentence) = refusal, !refusals.allSatisfy(\.isFinal) {
            throw StorageError.unavailable(sentence)
        }
        throw refusal
    }

    /// Names are resolved in the first call, which blocks.
    private static func connect(
        to place: ServerAddress.Place, url: String, address: ServerAddress,
        preparesStatements: Bool, limit: Duration
    ) throws -> Session {
        let server = address.only(place)
        let deadline = ContinuousClock.now + address.connectLimit
        guard let link = start(url: url, at: address.places.count > 1 ? place : nil) else {
            throw LostConnection.lost("there is no memory for a connection")
        }
        var isDone = false
        defer { if !isDone { PQfinish(link) } }
        // With it the words of a refusal carry their SQLSTATE, which libpq does not give otherwise.
        PQsetErrorVerbosity(link, PQERRORS_VERBOSE)

        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard next != PGRES_POLLING_FAILED, PQstatus(link) != CONNECTION_BAD else {
                throw ConnectionRefusal.error(Self.words(of: link), at: server)
            }
            let events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT
            // The socket is another one for each address that is tried.
            guard Poll.wait(on: PQsocket(link), for: Int16(events), until: deadline) != nil else {
                throw StorageError.unavailable(
                    "The database \(server) did not accept a connection within "
                        + "\(address.connectLimit.milliseconds / 1000) s; check that it runs and "
                        + "that no firewall is in between.")
            }
            next = PQconnectPoll(link)
        }
        PQsetErrorVerbosity(link, PQERRORS_DEFAULT)
        try demand(of: link, at: server)

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
    /// for claim and completion, with fresh statistics; of 1,000 jobs, a merge join along the whole
    /// key, which is long where an old transaction keeps ended jobs in it). A batch's plan is made for its own size,
    /// which costs less than running one that was made for another size.
    static let settings = """
        SET enable_seqscan = off;
        SET enable_bitmapscan = off;
        SET enable_hashjoin = off;
        SET enable_mergejoin = off;
        SET jit = off;
        SET plan_cache_mode = force_custom_plan;
        SET statement_timeout = '15s'
        """

    private static func start(url: String, at place: ServerAddress.Place?) -> OpaquePointer? {
        var values: [(String, String)] = [
            ("fallback_application_name", "health-worker"),
            ("client_encoding", "UTF8"),
            ("keepalives_idle", "10"),
            ("keepalives_interval", "5"),
            ("keepalives_count", "3"),
            // Less than a place may take, so that the next address of a name gets its turn.
            ("tcp_user_timeout", "5000"),
            // What the URL says comes later and wins.
            ("dbname", url),
        ]
        if let place {
            if let host = place.host { values.append(("host", host)) }
            if let address = place.address { values.append(("hostaddr", address)) }
            values.append(("port", place.port))
        }
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

    /// All that libpq has to say, one line for each attempt.
    private static func words(of link: OpaquePointer) -> String {
        PQerrorMessage(link).map { String(cString: $0) } ?? ""
    }
}

extension StorageError {
    /// Whether the same server will say the same again.
    fileprivate var isFinal: Bool {
        if case .failed = self { true } else { false }
    }
}
