import CMySQL
import HealthWorkerModel
import HealthWorkerStorage

extension Session {
    static func connect(
        to address: ServerAddress, clock: DatabaseClock, limit: Duration
    ) throws -> Session {
        let link = try link(to: address)
        let session: Session
        do {
            try demand(of: link, at: address)
            session = Session(link: link, address: address, clock: clock, limit: limit)
        } catch {
            mysql_close(link)
            throw error
        }
        try session.begin()
        return session
    }

    /// Read committed, because with gaps locked claims and completions deadlock. Strict, because a
    /// value that does not fit is an error and not another value. A lock that is not to be had in a
    /// second is a reason to begin again.
    static let settings = """
        SET NAMES utf8mb4 COLLATE utf8mb4_bin;
        SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
        SET SESSION time_zone = '+00:00',
            sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',
            innodb_lock_wait_timeout = 1,
            lock_wait_timeout = 2,
            autocommit = 1;
        SELECT @@auto_increment_increment
        """

    /// A connection as the library makes it; names are resolved in this call, which blocks.
    static func link(to address: ServerAddress) throws -> UnsafeMutablePointer<MYSQL> {
        // The library's own beginning is not made for several threads at once.
        _ = library
        guard let link = mysql_init(nil) else {
            throw ServerError(code: 2008, message: "there is no memory for a connection")
        }
        set(MYSQL_OPT_CONNECT_TIMEOUT, connectLimit, of: link)
        // What is said while it is made, and whatever a deadline does not end.
        set(MYSQL_OPT_READ_TIMEOUT, readLimit, of: link)
        set(MYSQL_OPT_WRITE_TIMEOUT, readLimit, of: link)
        set(
            MYSQL_OPT_PROTOCOL,
            address.socket == nil ? MYSQL_PROTOCOL_TCP.rawValue : MYSQL_PROTOCOL_SOCKET.rawValue,
            of: link)
        mysql_options(link, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        if address.encryption != .disabled {
            mysql_ssl_set(link, address.key, address.certificate, address.authority, nil, nil)
            // It means "where the server offers it", whatever its name says.
            set(MYSQL_OPT_SSL_ENFORCE, my_bool(1), of: link)
            set(
                MYSQL_OPT_SSL_VERIFY_SERVER_CERT,
                my_bool(address.encryption == .verifyIdentity ? 1 : 0), of: link)
        }
        let flags = UInt(CLIENT_FOUND_ROWS) | UInt(CLIENT_MULTI_STATEMENTS)
        let isMade =
            mysql_real_connect(
                link, address.socket == nil ? address.host : nil, address.user, address.password,
                address.database, address.socket == nil ? address.port : 0, address.socket, flags)
            != nil
        guard isMade else {
            let error = ServerError(
                code: mysql_errno(link), message: String(cString: mysql_error(link)))
            mysql_close(link)
            throw error
        }
        if address.encryption == .required, mysql_get_ssl_cipher(link) == nil {
            mysql_close(link)
            throw ServerError(code: 2026, message: "it offers none")
        }
        return link
    }

    private static let library: Int32 = mysql_server_init(0, nil, nil)
    private static let connectLimit: UInt32 = 10
    private static let readLimit: UInt32 = 660

    private static func set<Value>(
        _ option: mysql_option, _ value: Value, of link: UnsafeMutablePointer<MYSQL>
    ) {
        withUnsafePointer(to: value) { _ = mysql_options(link, option, $0) }
    }

    private static func demand(
        of link: UnsafeMutablePointer<MYSQL>, at address: ServerAddress
    ) throws {
        let version = ServerVersion(
            number: mysql_get_server_version(link), isMariaDB: mariadb_connection(link) != 0)
        if let refusal = version.refusal {
            throw StorageError.failed("The database \(address) is \(refusal)")
        }
    }
}
