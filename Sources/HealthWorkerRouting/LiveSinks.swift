import Synchronization

/// The sinks of a process as they are configured now. Which there are, and of which kind, does not
/// change while it runs.
package final class LiveSinks: Sendable {
    private let sinks: Mutex<[NamedSink]>

    package init(_ sinks: [NamedSink]) {
        self.sinks = Mutex(sinks)
    }

    package var now: [NamedSink] { sinks.withLock { $0 } }

    /// The sink by its present configuration. What has begun with an earlier one ends with it.
    package func latest(of sink: NamedSink) -> NamedSink {
        now.first { $0.name == sink.name } ?? sink
    }

    /// Goes by these from now on. One whose name or kind is new waits for the next start.
    package func replace(with others: [NamedSink]) {
        sinks.withLock { sinks in
            sinks = sinks.map { sink in
                others.first { $0.name == sink.name && $0.typeName == sink.typeName } ?? sink
            }
        }
    }
}
