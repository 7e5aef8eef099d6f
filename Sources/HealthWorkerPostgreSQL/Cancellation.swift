import CPostgreSQL
import Dispatch

/// Asking the server to give up a statement for which nobody waits any more.
enum Cancellation {
    /// It makes a connection of its own and blocks as long as that takes: never on the thread of
    /// the connection, whose caller is about to be told.
    private static let queue = DispatchQueue(
        label: "health-worker.postgresql.cancelling", attributes: .concurrent)

    /// What libpq needs for a cancel: a copy of its own, without the connection.
    /// Unchecked: only the closure below touches the pointer, once, and then frees it.
    private struct Request: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    static func send(of link: OpaquePointer) {
        guard let pointer = PQgetCancel(link) else { return }
        let request = Request(pointer: pointer)
        queue.async {
            var words = [CChar](repeating: 0, count: 256)
            // Where it does not arrive, the server notices at its next write that we are gone.
            _ = PQcancel(request.pointer, &words, Int32(words.count))
            PQfreeCancel(request.pointer)
        }
    }
}
