import Foundation
import Testing

/// A real PowerDNS whose Lua records ask us for each member.
@Suite(.serialized) struct `A Lua record of PowerDNS` {
    @Test(.timeLimit(.minutes(5)))
    func `answers the members that we publish`() async throws {
        let consuming = Consuming(port: try Here.freePort())
        let pair = try await ConsumedPair.start(settings: [
            "HEALTH_WORKER_CONSUMER_LISTEN": "127.0.0.1:\(consuming.port)"
        ])
        let server: LuaRecords
        do {
            server = try LuaRecords(pair.scratch, consumer: consuming.port)
        } catch {
            await pair.end()
            throw error
        }
        do {
            try await pair.until("both are answered") {
                try server.addresses() == ["127.0.0.1", "127.0.0.2"]
            }
            await pair.targets.kill("127.0.0.1")
            try await pair.until("the living one is answered alone") {
                try server.addresses() == ["127.0.0.2"]
            }
            try await pair.targets.start("127.0.0.1")
            try await pair.until("both are answered again") {
                try server.addresses() == ["127.0.0.1", "127.0.0.2"]
            }
            try await pair.tell(
                "override", "set", "drain", "www", "ams1", "--for", "2h", "-m", "work")
            try await pair.until("what is drained is not answered") {
                try server.addresses() == ["127.0.0.1"]
            }
        } catch {
            print(server.program.written, pair.installation.program.written.suffix(4000))
            await server.program.destroy()
            await pair.end()
            throw error
        }
        await server.program.destroy()
        await pair.end()
    }
}

/// A zone with one name, whose record is an `ifurlextup` over the members of `www`.
private struct LuaRecords {
    let program: Program
    private let port: Int

    init(_ scratch: Scratch, consumer: Int) throws {
        port = try Here.freePort()
        let database = scratch.file("pdns.sqlite").path
        let members = [("127.0.0.1", "fra1"), ("127.0.0.2", "ams1")].map { address, member in
            "['\(address)']='http://127.0.0.1:\(consumer)/v1/routes/www/members/\(member)/health'"
        }
        let record =
            "A \"ifurlextup({{\(members.joined(separator: ", "))}}, {selector='all'})\""
        let sql = try scratch.write(
            """
            .read /usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
            INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE');
            INSERT INTO records (domain_id, name, type, content, ttl) VALUES
                (1, 'example.org', 'SOA', 'ns.example.org admin.example.org 1 60 60 60 60', 60),
                (1, 'www.example.org', 'LUA', '\(record.replacing("'", with: "''"))', 1);
            """, to: "pdns.sql")
        let making = Process()
        making.executableURL = URL(filePath: "/usr/bin/sqlite3")
        making.arguments = ["-batch", database, ".read \(sql.path)"]
        _ = try making.output()
        program = try Program(
            URL(filePath: "/usr/sbin/pdns_server"),
            [
                "--config-dir=\(scratch.folder.path)", "--socket-dir=\(scratch.folder.path)",
                "--local-address=127.0.0.1", "--local-port=\(port)", "--launch=gsqlite3",
                "--gsqlite3-database=\(database)", "--enable-lua-records=yes",
                "--lua-health-checks-interval=1", "--cache-ttl=0", "--query-cache-ttl=0",
                "--guardian=no", "--daemon=no", "--disable-syslog",
            ], log: scratch.file("pdns.log"))
    }

    func addresses() throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/dig")
        process.arguments = [
            "+short", "+tries=1", "+time=2", "-p", "\(port)", "@127.0.0.1", "www.example.org", "A",
        ]
        return try process.output().split(separator: "\n").map(String.init).sorted()
    }
}
