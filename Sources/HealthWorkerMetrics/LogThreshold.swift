package import Logging
import Synchronization

/// The least important level that is written by all log handlers that share this. It may change at any
/// time, also for loggers that were made before.
package final class LogThreshold: Sendable {
    private let value: Mutex<Logger.Level>

    package init(_ level: Logger.Level) {
        value = Mutex(level)
    }

    package var level: Logger.Level { value.withLock { $0 } }

    package func change(to level: Logger.Level) {
        value.withLock { $0 = level }
    }
}
