package import NIOCore

/// How many questions may be on their way to one server at once.
///
/// A thousand checks that are due together would overflow the socket of a server on this machine, which
/// holds some 270 questions, and each lost one costs a wait of seconds. A question that is not answered
/// soon counts no longer, so that names which nobody answers for hold up the others for a moment only.
package struct SendWindow: Sendable {
    package static let most = 100
    package static let soon = TimeAmount.milliseconds(100)

    private var fresh: Set<Int> = []
    private var order = CircularBuffer<(number: Int, at: NIODeadline)>()

    package init() {}

    /// Whether the question `number` may be sent now; then it counts.
    package mutating func take(_ number: Int, at now: NIODeadline) -> Bool {
        while let first = order.first, first.at + Self.soon <= now || !fresh.contains(first.number)
        {
            fresh.remove(first.number)
            order.removeFirst()
        }
        guard fresh.count < Self.most else { return false }
        fresh.insert(number)
        order.append((number, now))
        return true
    }

    /// It is answered, or nobody waits for it any longer.
    package mutating func end(_ number: Int) {
        fresh.remove(number)
    }

    /// When there is room at the latest, after `take` refused.
    package var nextRoom: NIODeadline? {
        order.first.map { $0.at + Self.soon }
    }
}
