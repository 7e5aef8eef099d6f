import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

@Suite struct ServerTests {
    @Test func `it says which port it listens on, and ends when it is cancelled`() async throws {
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = try APIServer(
            storage: MemoryStorage(), compiler: Compiler { _ in nil },
            settings: APISettings(port: 0), logger: Logger(label: "test"),
            onListening: { listening.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.application.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())

            let answer = try await TestClient.withClient(host: "127.0.0.1", port: port) { client in
                try await client.get("/livez", headers: [.host: "127.0.0.1"])
            }

            #expect(port > 0)
            #expect(answer.status == .ok)
            #expect(answer.headers[.server]?.hasPrefix("health-worker/") == true)
            group.cancelAll()
            // The error of being cancelled, if there is one, is what was asked for.
            try? await group.waitForAll()
        }
    }

    @Test func `a name that no header can have is refused at the start`() {
        #expect(throws: APISettingsError.noHeaderName("X Key")) {
            try APIServer(
                storage: MemoryStorage(), compiler: Compiler { _ in nil },
                settings: APISettings(authHeader: "X Key"), logger: Logger(label: "test"))
        }
    }
}

extension HTTPField.Name {
    fileprivate static let host = Self("Host")!  // a token
}
