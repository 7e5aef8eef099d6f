package import NIOCore

/// What is to be done at its time, and how it is told that it will not be.
///
/// `@unchecked` is safe: its place is touched on its loop only.
package final class LoopTimer: @unchecked Sendable {
    package let deadline: NIODeadline
    let run: @Sendable () -> Void
    let fail: @Sendable (any Error) -> Void
    /// Where it is in the heap; nil when it is not, or no longer.
    fileprivate var place: Int?

    package init(
        at deadline: NIODeadline, run: @escaping @Sendable () -> Void,
        fail: @escaping @Sendable (any Error) -> Void
    ) {
        self.deadline = deadline
        self.run = run
        self.fail = fail
    }
}

/// The timers of a loop: a binary heap in which each knows its place.
///
/// Nearly every probe ends before its deadline, so taking a timer out must not cost a search through
/// those of all probes in flight.
package struct LoopTimers {
    private var heap: [LoopTimer] = []

    package init() {}

    /// When the first of them is to be run.
    package var next: NIODeadline? { heap.first?.deadline }

    package mutating func insert(_ timer: LoopTimer) {
        heap.append(timer)
        rise(timer, from: heap.count - 1)
    }

    /// Takes out a timer, unless it was run or taken out before.
    package mutating func remove(_ timer: LoopTimer) {
        guard let place = timer.place else { return }
        timer.place = nil
        let last = heap.removeLast()
        guard last !== timer else { return }
        if place > 0, last.deadline < heap[(place - 1) / 2].deadline {
            rise(last, from: place)
        } else {
            sink(last, from: place)
        }
    }

    /// Takes out the first timer that is to be run by `now`; without a time, any.
    package mutating func pop(dueBy now: NIODeadline = .distantFuture) -> LoopTimer? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        remove(first)
        return first
    }

    private mutating func rise(_ timer: LoopTimer, from start: Int) {
        var place = start
        while place > 0 {
            let above = heap[(place - 1) / 2]
            guard timer.deadline < above.deadline else { break }
            put(above, at: place)
            place = (place - 1) / 2
        }
        put(timer, at: place)
    }

    private mutating func sink(_ timer: LoopTimer, from start: Int) {
        var place = start
        while true {
            var below = 2 * place + 1
            guard below < heap.count else { break }
            if below + 1 < heap.count, heap[below + 1].deadline < heap[below].deadline {
                below += 1
            }
            guard heap[below].deadline < timer.deadline else { break }
            put(heap[below], at: place)
            place = below
        }
        put(timer, at: place)
    }

    private mutating func put(_ timer: LoopTimer, at place: Int) {
        heap[place] = timer
        timer.place = place
    }
}
