import Foundation
import HealthWorkerModel
import Synchronization

/// What happened when, in milliseconds since the last fault, for the test's output.
final class Timeline: Sendable {
    private struct State {
        var start = Timeline.now
        var lines: [String] = []
    }

    private let state = Mutex(State())

    private static var now: Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    func begin(_ text: String) {
        state.withLock { state in
            state.start = Self.now
            state.lines.append("    0 ms  \(text)")
        }
    }

    func note(_ text: String, at moment: String? = nil) {
        state.withLock { state in
            let moment = moment.flatMap { Timestamp($0) } ?? Self.now
            let milliseconds = String((moment - state.start).milliseconds)
            let padding = String(repeating: " ", count: max(0, 5 - milliseconds.count))
            state.lines.append("\(padding)\(milliseconds) ms  \(text)")
        }
    }

    var text: String { state.withLock { $0.lines.joined(separator: "\n") } }
}
