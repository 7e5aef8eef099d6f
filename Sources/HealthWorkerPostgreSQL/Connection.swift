import HealthWorkerStorage

typealias Connection = ServerConnection<Session>

extension ServerConnection<Session> {
    /// - Throws: ``StorageError/unavailable(_:)`` where nobody answers, ``StorageError/failed(_:)``
    ///   where trying again does not help: a wrong password, a missing database, an old server.
    static func open(
        url: String, address: ServerAddress, latest: LatestServer = LatestServer(),
        preparesStatements: Bool, limit: Duration
    ) async throws(StorageError) -> Connection {
        try await open(label: "health-worker.postgresql", address: address) {
            try Session.connect(
                url: url, address: address, latest: latest,
                preparesStatements: preparesStatements, limit: limit)
        }
    }
}
