/// The process's own time: monotonic, used only to wait and to bound what is trusted, never to say
/// when anything is due. A simulation gives its own.
package struct ProcessTime: Sendable {
    /// Time since some fixed moment of this process.
    package var now: @Sendable () -> Duration
    /// Waits; throws only when the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void
    /// A factor around 1, another one each time: what many processes do after it is spread by it.
    package var spread: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        spread: @escaping @Sendable () -> Double = { .random(in: 0.8...1.2) }
    ) {
        self.now = now
        self.sleep = sleep
        self.spread = spread
    }

    package static let continuous: ProcessTime = {
        let start = ContinuousClock.now
        return ProcessTime(
            now: { ContinuousClock.now - start },
            sleep: { try await ContinuousClock().sleep(for: $0) })
    }()
}
