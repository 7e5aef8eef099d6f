import Foundation
import HealthWorkerModel
import HealthWorkerMySQL
import HealthWorkerStorage
import StorageConformance
import TestServers
import Testing

/// What `ssl-mode` does on a server with a certificate for the name localhost.
@Suite struct TLSTests {
    /// Whether a connection made with this query of the URL is encrypted; why there is none.
    private func isEncrypted(
        on server: TestServer, _ query: String, host: String = "localhost"
    ) async throws -> Result<Bool, StorageError> {
        let url = server.url {
            $0.host = host
            $0.percentEncodedQuery = query.isEmpty ? nil : query
        }
        let before = try server.accepted()
        do throws(StorageError) {
            // The schema is not there, so that the answer comes over the connection.
            _ = try await MySQLSchema.migrator(url: url, version: MySQLFixture.version).status()
        } catch {
            return .failure(error)
        }
        return .success(try server.accepted() > before)
    }

    @Test func `each mode encrypts, verifies or refuses as its name says`() async throws {
        let own = try StartedServer("mariadb-tls")
        let server = try TestServer(url: own.url.replacing("@localhost", with: "@127.0.0.1"))
        let authority = try #require(
            server.address.queryItems?.first { $0.name == "ssl-ca" }?.value)
        let stranger = authority.replacing("authority.crt", with: "stranger.crt")

        let plain = try await isEncrypted(on: server, "ssl-mode=disabled")
        let usual = try await isEncrypted(on: server, "")
        let preferred = try await isEncrypted(on: server, "ssl-mode=preferred")
        let required = try await isEncrypted(on: server, "ssl-mode=REQUIRED")
        let verified = try await isEncrypted(
            on: server, "ssl-mode=verify_identity&ssl-ca=\(authority)")
        let unknown = try await isEncrypted(
            on: server, "ssl-mode=verify_identity&ssl-ca=\(stranger)")
        let otherName = try await isEncrypted(
            on: server, "ssl-mode=verify_identity&ssl-ca=\(authority)", host: "127.0.0.1")

        #expect(try !plain.get())
        #expect(try usual.get())
        #expect(try preferred.get())
        #expect(try required.get())
        #expect(try verified.get())
        for (result, host) in [(unknown, "localhost"), (otherName, "127.0.0.1")] {
            let error = #expect(throws: StorageError.self) { try result.get() }
            #expect(
                error?.isFailed(containing: "does not prove that it is \(host)") == true,
                "\(error as Any)")
        }
    }
}

extension TestServer {
    /// How many encrypted connections the server has seen.
    fileprivate func accepted() throws -> Int {
        // This connection is not encrypted.
        let row = try execute("SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'")[0]
        return row[1].flatMap { Int($0) } ?? 0
    }
}
