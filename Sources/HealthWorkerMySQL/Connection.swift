import HealthWorkerStorage

typealias Connection = ServerConnection<Session>

extension ServerConnection<Session> {
    /// - Throws: ``StorageError/unavailable(_:)`` where nobody answers, ``StorageError/failed(_:)``
    ///   where trying again does not help: a wrong password, a missing database, an old server.
    static func open(
        to address: ServerAddress, clock: DatabaseClock = .database, limit: Duration
    ) async throws(StorageError) -> Connection {
        try await open(label: "health-worker.mysql", address: address) {
            try Session.connect(to: address, clock: clock, limit: limit)
        }
    }
}
