import Glibc
package import HealthWorkerModel

/// What the kernel says of this machine's network at this moment.
package enum Machine {
    /// The addresses of its interfaces that are up, loopback included.
    package static var addresses: [IPAddress] {
        interfaces.map(\.address)
    }

    /// Whether any interface but loopback is up, connected and has an address that reaches beyond its
    /// own cable.
    static var hasNetwork: Bool {
        interfaces.contains { $0.isRunning && !$0.isLoopback && !$0.address.isLinkLocal }
    }

    /// Whether any interface has an IPv6 address that reaches beyond its own cable.
    static var hasIPv6: Bool {
        interfaces.contains { !$0.address.isV4 && !$0.isLoopback && !$0.address.isLinkLocal }
    }

    /// Whether the kernel knows a way to `address`. Nothing is sent: connecting a socket of UDP only
    /// looks the route up. True where it cannot be found out.
    static func hasRoute(to address: IPAddress) -> Bool {
        let family = address.isV4 ? AF_INET : AF_INET6
        let descriptor = socket(family, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno != EAFNOSUPPORT }
        defer { close(descriptor) }
        return address.withSocketAddress(port: 9) { pointer, length in
            connect(descriptor, pointer, length) == 0 || errno != ENETUNREACH
        }
    }

    /// Why this process can open no socket at this moment; nil: it can.
    static var exhaustion: String? {
        let descriptor = socket(
            AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor < 0 else {
            close(descriptor)
            return nil
        }
        return Exhaustion.codes.contains(errno) ? String(cString: strerror(errno)) : nil
    }

    private struct Interface {
        var address: IPAddress
        var isLoopback: Bool
        var isRunning: Bool
    }

    private static var interfaces: [Interface] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [Interface] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            let flags = CInt(bitPattern: entry.pointee.ifa_flags)
            guard flags & CInt(IFF_UP) != 0, let pointer = entry.pointee.ifa_addr else {
                continue
            }
            // Long enough for either family: the kernel's library reserves the larger for each.
            guard let address = IPAddress(pointer, length: 28) else { continue }
            found.append(
                Interface(
                    address: address, isLoopback: flags & CInt(IFF_LOOPBACK) != 0,
                    // IFF_LOWER_UP: IFF_RUNNING follows the cable some time later.
                    isRunning: flags & 0x10000 != 0))
        }
        return found
    }
}

extension IPAddress {
    fileprivate var isLinkLocal: Bool {
        switch self {
        case .v4(let number): number >> 16 == 0xa9fe
        case .v6(let groups): groups.first.map { $0 & 0xffc0 == 0xfe80 } ?? false
        }
    }

    /// Lends the address as the kernel reads it, laid out by offset for the reason given at
    /// `init(_:length:)`.
    fileprivate func withSocketAddress<Value>(
        port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value {
        let family = UInt16(isV4 ? AF_INET : AF_INET6)
        var raw = withUnsafeBytes(of: family) { Array($0) }
        raw += withUnsafeBytes(of: UInt16(port).bigEndian) { Array($0) }
        raw +=
            isV4 ? bytes + [UInt8](repeating: 0, count: 8) : [0, 0, 0, 0] + bytes + [0, 0, 0, 0]
        return raw.withUnsafeBytes { buffer in
            // It has 16 or 28 bytes, and a `sockaddr` has 16; arrays are aligned to that.
            body(
                buffer.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(buffer.count))
        }
    }
}
