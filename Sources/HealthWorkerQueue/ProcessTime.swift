/// The process's own time: monotonic, used only to wait and to bound what is trusted, never to say
/// when anything is due. A simulation gives its own.
package struct ProcessTime: Sendable {
    /// Time since some fixed moment of this process.
    package var now: @Sendable () -> Duration
    /// Waits; throws only when the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    package static let continuous: ProcessTime = {
        let start = ContinuousClock.now
        return ProcessTime(
            now: { ContinuousClock.now - start },
            sleep: { try await ContinuousClock().sleep(for: $0) })
    }()
}
