import Synchronization

/// How far the applies are that this process carries out at present.
///
/// Whoever sent one asks by the id of its request, which it chose itself: a document of ten thousand
/// checks takes its time, above all where their targets do not answer.
final class AppliesUnderWay: Sendable {
    enum Phase: String, Hashable, Sendable, CaseIterable {
        /// The document with what is stored.
        case comparing
        /// New and changed checks, once each.
        case probing
        case storing
    }

    struct Progress: Hashable, Sendable {
        var phase: Phase
        /// Of the probes; none in other phases.
        var done = 0
        var total = 0
    }

    private let applies = Mutex<[String: Progress]>([:])

    func progress(of request: String) -> Progress? {
        applies.withLock { $0[request] }
    }

    func note(_ progress: Progress, of request: String) {
        applies.withLock { $0[request] = progress }
    }

    /// The answer is on its way: there is nothing to ask any more.
    func end(_ request: String) {
        applies.withLock { _ = $0.removeValue(forKey: request) }
    }
}
