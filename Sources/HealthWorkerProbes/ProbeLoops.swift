internal import Dispatch
import Glibc
internal import NIOCore
internal import Synchronization

/// The loops of one set of probers.
final class ProbeLoops: Sendable {
    private let loops: [ProbeLoop]
    private let turn = Atomic(0)

    init(count: Int) {
        loops = (0..<count).map { ProbeLoop(name: "probes-\($0)") }
    }

    /// The loop that this thread is, else the next in turn.
    var next: ProbeLoop {
        loops.first(where: \.inEventLoop) ?? nextInTurn
    }

    var nextInTurn: ProbeLoop {
        loops[turn.wrappingAdd(1, ordering: .relaxed).oldValue & .max % loops.count]
    }

    /// Closes what is still open and ends the threads.
    func shutdown() async {
        for loop in loops {
            // It fails only where it was shut down before.
            try? await loop.shutdownGracefully()
        }
    }
}
