import HealthWorkerModel

extension ProcessTime {
    /// What `body` answers, cancelled when the time is over.
    func within<Value: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws(SinkError) -> Value
    ) async throws(SinkError) -> Value {
        let first: Result<Value, SinkError>? = await withTaskGroup(
            of: Result<Value, SinkError>.self
        ) { group in
            group.addTask {
                do throws(SinkError) {
                    return .success(try await body())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                // Cancelled once there is an answer.
                try? await sleep(max(.milliseconds(1), limit))
                return .failure(.unreachable("It did not answer in time."))
            }
            let first = await group.next()
            group.cancelAll()
            return first
        }
        guard let first else { throw .unreachable("It was not asked.") }
        return try first.get()
    }
}
