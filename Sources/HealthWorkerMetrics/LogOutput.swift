import Foundation
import Synchronization

/// Where log lines go. A line is written whole: lines of other threads never come in between.
package final class LogOutput: Sendable {
    package static let standardError = LogOutput(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    private let turn = Mutex<Void>(())

    /// The descriptor stays the caller's, who closes it after the last line.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Writes the line, or gives it up where nobody can read it any more: what a program does must
    /// not depend on its log.
    func write(_ line: String) {
        var line = line
        turn.withLock { _ in
            line.withUTF8 { bytes in
                var rest = UnsafeRawBufferPointer(bytes)
                while let start = rest.baseAddress, !rest.isEmpty {
                    let count = Foundation.write(descriptor, start, rest.count)
                    if count > 0 {
                        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                    } else if count == 0 {
                        return
                    } else if errno == EAGAIN {
                        // A reader that is slow is waited for a moment, one that has gone is not.
                        var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                        guard poll(&event, 1, 1000) > 0 else { return }
                    } else if errno != EINTR {
                        return
                    }
                }
            }
        }
    }
}
