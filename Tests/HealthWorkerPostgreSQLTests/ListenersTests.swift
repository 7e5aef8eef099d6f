import HealthWorkerPostgreSQL
import Testing

@Suite struct `The servers of a URL` {
    @Test(arguments: [
        ("postgresql://hw:pw@db.example.com/health", ["db.example.com:5432"]),
        (
            "postgresql://db1.example.com:5433,db2.example.com:5434/x",
            ["db1.example.com:5433", "db2.example.com:5434"]
        ),
        (
            "postgresql://db1.example.com,db2.example.com/x",
            ["db1.example.com:5432", "db2.example.com:5432"]
        ),
        (
            "postgresql://[2001:db8::1]:6432/x?hostaddr=192.0.2.1",
            ["2001:db8::1:6432", "192.0.2.1:6432"]
        ),
        // A socket in the file system belongs to a server that also listens on this machine.
        ("postgresql:///x?host=/var/run/postgresql&port=6000", ["localhost:6000"]),
    ])
    func `are all hosts that libpq would try, with their ports`(
        _ url: String, _ listeners: [String]
    ) throws {
        let found = try PostgreSQLStorage.listeners(of: url)

        #expect(found.map { "\($0.host):\($0.port)" } == listeners)
    }
}
