import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A port of loopback whose connections are accepted by the kernel, and by nobody else.
final class SilentServer: Sendable {
    let port: Int
    fileprivate let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isListening else {
            close(descriptor)
            throw SetUpError(description: "A port of loopback cannot be listened on.")
        }
        self.descriptor = descriptor
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    /// How many asked since the last question.
    func callers() -> Int {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var count = 0
        while case let caller = accept(descriptor, nil, nil), caller >= 0 {
            close(caller)
            count += 1
        }
        return count
    }

    func stop() {
        // Whoever waits to accept wakes up.
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }
}

/// The start-up of PostgreSQL's protocol and nothing behind it, for versions that cannot be
/// installed any more: every connection is welcomed, told the version, and closed when the client
/// goes.
///
/// The messages are those of the protocol, version 3.0 (PostgreSQL documentation, chapter 55).
final class ScriptedServer: Sendable {
    private let listener: SilentServer

    var port: Int { listener.port }

    init(version: String) throws {
        let listener = try SilentServer()
        self.listener = listener
        Thread {
            while true {
                let client = accept(listener.descriptor, nil, nil)
                // It was told to stop.
                guard client >= 0 else { return }
                Self.welcome(client, version)
                close(client)
            }
        }.start()
    }

    func stop() { listener.stop() }

    private static func welcome(_ client: Int32, _ version: String) {
        var request = [UInt8](repeating: 0, count: 1024)
        // First TLS is asked for (a message of 8 bytes), and answered with "no".
        while true {
            let count = recv(client, &request, request.count, 0)
            guard count > 0 else { return }
            if count > 8 { break }
            send(client, "N", 1, Int32(MSG_NOSIGNAL))
        }
        var answer = message("R", [0, 0, 0, 0])
        answer += message("S", Array("server_version\0\(version)\0".utf8))
        answer += message("Z", Array("I".utf8))
        send(client, answer, answer.count, Int32(MSG_NOSIGNAL))
        // Until it goes.
        while recv(client, &request, request.count, 0) > 0 {}
    }

    private static func message(_ kind: String, _ body: [UInt8]) -> [UInt8] {
        let length = UInt32(body.count + 4).bigEndian
        return Array(kind.utf8) + withUnsafeBytes(of: length) { Array($0) } + body
    }
}
