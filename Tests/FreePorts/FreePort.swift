import Glibc

/// A port of loopback at which nobody listens, for TCP and for UDP; nobody else is given it while this
/// process lives.
///
/// It is below those that the kernel gives to sockets that ask for any, so no connection that goes out
/// meanwhile has it for its own end, this machine's probes included; a connection to such a port can
/// even meet itself. `scripts/servers` looks for its ports in the same way.
package func freePort() throws -> Int {
    for _ in 0..<1000 {
        let port = Int.random(in: Ports.range)
        if Ports.reserve(port), Ports.isFree(port) { return port }
    }
    throw NoFreePort()
}

package struct NoFreePort: Error, CustomStringConvertible {
    package let description = "there is no free port in \(Ports.range)"
}

private enum Ports {
    static let range: Range<Int> = {
        let path = "/proc/sys/net/ipv4/ip_local_port_range"
        guard let file = fopen(path, "r") else { return 10_000..<32_768 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        fgets(&line, 64, file)
        let lowest = Int(strtol(line, nil, 10))
        // Where the kernel's begin that low, there is nothing below them.
        return lowest > 12_000 ? 10_000..<lowest : 10_000..<65_536
    }()

    /// By a name that belongs to a socket and so goes with it, however this process ends.
    static func reserve(_ port: Int) -> Bool {
        let holder = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A zero in front: no file.
        let name: [UInt8] = [0] + Array("health-worker-port-\(port)".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = MemoryLayout<sa_family_t>.size + name.count
        let isOurs = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(holder, $0, socklen_t(length)) == 0
            }
        }
        if !isOurs { close(holder) }
        return isOurs
    }

    static func isFree(_ port: Int) -> Bool {
        [SOCK_STREAM, SOCK_DGRAM].allSatisfy { kind in
            let descriptor = socket(AF_INET, CInt(kind.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            // At every address: some tests listen at several.
            address.sin_addr.s_addr = 0
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
    }
}
