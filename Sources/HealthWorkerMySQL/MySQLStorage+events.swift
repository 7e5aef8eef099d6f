import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func events(_ query: EventQuery) async throws(StorageError) -> [Event] {
        try await perform { session in
            query.merging(
                try EventPosition.Source.allCases.filter { !query.leavesOut($0) }.map { source in
                    let page = EventPage(of: source, query, in: .mysql)
                    return try session.all(page.sql, page.values.bound) { try source.event($0) }
                })
        }
    }
}
