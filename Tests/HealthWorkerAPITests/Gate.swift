import Synchronization

/// Opens when as many have arrived as are awaited.
final class Gate: Sendable {
    private let left: Mutex<Int>
    private let opened = AsyncStream.makeStream(of: Void.self)

    init(count: Int) {
        left = Mutex(count)
    }

    func arrive() {
        let isLast = left.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { opened.continuation.finish() }
    }

    func wait() async {
        for await _ in opened.stream {}
    }
}
