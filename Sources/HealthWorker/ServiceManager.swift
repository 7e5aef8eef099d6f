import Foundation
import Logging

/// The service manager that started this process and wants to be told how it is: datagrams to the socket
/// that NOTIFY_SOCKET names, as sd_notify(3) describes them.
struct ServiceManager: Sendable {
    /// Half of what may pass between two signs of life; nil: none are wanted.
    let signOfLifeInterval: Duration?
    private let path: String
    private let logger: Logger

    /// Nil where none wants to be told.
    init?(_ environment: [String: String] = ProcessInfo.processInfo.environment, logger: Logger) {
        guard let path = environment["NOTIFY_SOCKET"], !path.isEmpty else { return nil }
        self.path = path
        self.logger = logger
        // Another process's, which handed its environment down: WATCHDOG_PID.
        let isMine = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        signOfLifeInterval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap {
            isMine && $0 > 0 ? .microseconds($0 / 2) : nil
        }
    }

    /// That the configuration is read anew; `READY=1` says that it is done.
    func tellOfReloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        tell("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
    }

    /// Sends lines of `NAME=value`. A manager that does not listen keeps the process from nothing.
    func tell(_ lines: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        // A name in no file system begins with a NUL.
        if name.first == UInt8(ascii: "@") { name[0] = 0 }
        let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 0
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return logger.warning("NOTIFY_SOCKET is longer than a socket's path can be")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return logFailure() }
        defer { close(descriptor) }
        let text = Array(lines.utf8)
        let length = socklen_t(start + name.count)
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor, text, text.count,
                    Int32(MSG_NOSIGNAL)
                        | Int32(MSG_DONTWAIT), $0, length)
            }
        }
        if sent < 0 { logFailure() }
    }

    private func logFailure() {
        logger.warning(
            "the service manager cannot be told",
            metadata: ["error": "\(String(cString: strerror(errno)))"])
    }
}
