import Foundation

/// One line on standard error that says what is waited for, and for how long already; only on a
/// terminal, and gone when the wait is over.
enum WaitingLine {
    /// Shorter waits need no word.
    private static let patience: Duration = .seconds(1)

    /// - Parameter progress: how far it is, asked each time the line is written anew; nil: nobody
    ///   knows.
    static func showing<Value>(
        _ what: String, progress: @escaping @Sendable () async -> String? = { nil },
        _ wait: () async throws -> Value
    ) async rethrows -> Value {
        guard isatty(STDERR_FILENO) == 1 else { return try await wait() }
        async let _: Void = tick(what, progress)
        // The line ends with this scope, before anything else is written.
        return try await wait()
    }

    private static func tick(
        _ what: String, _ progress: @Sendable () async -> String?
    ) async {
        let start = ContinuousClock.now
        var isShown = false
        while true {
            do {
                try await Task.sleep(for: isShown ? .milliseconds(500) : patience)
            } catch {
                // The wait is over.
                break
            }
            let seconds = (ContinuousClock.now - start).components.seconds
            let done = await progress().map { ": \($0)" } ?? ""
            if Task.isCancelled { break }
            write("\r\u{1b}[K\(what)\(done) … \(seconds) s")
            isShown = true
        }
        if isShown { write("\r\u{1b}[K") }
    }

    private static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
