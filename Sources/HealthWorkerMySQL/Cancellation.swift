import CMySQL
import Dispatch

/// Asking the server to end a connection for whose statement nobody waits any more: it would go on,
/// with its locks, until it has something to write.
enum Cancellation {
    /// It makes a connection of its own and blocks as long as that takes: never on the thread of
    /// the connection, whose caller is about to be told.
    private static let queue = DispatchQueue(
        label: "health-worker.mysql.cancelling", attributes: .concurrent)

    static func send(of thread: UInt, at address: ServerAddress) {
        queue.async {
            // Where it does not arrive, the server notices at its next write that we are gone.
            guard let link = try? Session.link(to: address) else { return }
            defer { mysql_close(link) }
            mysql_kill(link, thread)
        }
    }
}
