import Foundation

/// One line on standard error that says what is waited for, and for how long already; only on a
/// terminal, and gone when the wait is over.
enum WaitingLine {
    /// Shorter waits need no word.
    private static let patience: Duration = .seconds(1)

    static func showing<Value>(
        _ what: String, _ wait: () async throws -> Value
    ) async rethrows -> Value {
        guard isatty(STDERR_FILENO) == 1 else { return try await wait() }
        async let _: Void = tick(what)
        // The line ends with this scope, before anything else is written.
        return try await wait()
    }

    private static func tick(_ what: String) async {
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
            write("\r\u{1b}[K\(what) … \(seconds) s")
            isShown = true
        }
        if isShown { write("\r\u{1b}[K") }
    }

    private static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
