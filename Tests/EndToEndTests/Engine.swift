/// What a fleet keeps everything in.
enum Engine: String, CaseIterable, Sendable {
    case sqlite
    case postgresql
    /// PostgreSQL behind PgBouncer in transaction mode, without prepared statements.
    case pgbouncer
    /// MariaDB, by the driver for MySQL.
    case mysql

    /// Those with a server of their own that the program was built for.
    static var servers: [Engine] {
        #if MySQL
            [.postgresql, .mysql]
        #else
            [.postgresql]
        #endif
    }
}
