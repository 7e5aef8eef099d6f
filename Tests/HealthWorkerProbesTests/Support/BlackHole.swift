import Glibc

/// An address on loopback whose connections are never completed: its queue of connections to be
/// accepted is full, and Linux drops what comes then.
final class BlackHole {
    let port: Int
    private var descriptors: [CInt] = []

    init() {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = bind(listener, pointer, length)
                _ = listen(listener, 0)
                _ = getsockname(listener, pointer, &length)
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        descriptors = [listener]
        for _ in 0..<4 {
            let client = socket(
                AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    _ = connect(client, pointer, length)
                }
            }
            descriptors.append(client)
        }
    }

    /// Accepts what waits: from now on connections are completed.
    func open() {
        for _ in 0..<4 {
            _ = fcntl(descriptors[0], F_SETFL, O_NONBLOCK)
            let accepted = accept(descriptors[0], nil, nil)
            if accepted >= 0 { descriptors.append(accepted) }
        }
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
    }
}
