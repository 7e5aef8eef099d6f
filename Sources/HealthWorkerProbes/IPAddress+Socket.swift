import Glibc
import HealthWorkerModel
internal import NIOCore

extension IPAddress {
    func socketAddress(port: Int) -> SocketAddress {
        // It throws for other numbers of bytes than 4 and 16 only.
        try! SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: port)
    }

    /// The address in what `getaddrinfo` gave; nil for other families.
    ///
    /// It is read by offset, as Linux lays `sockaddr_in` and `sockaddr_in6` out, because two C
    /// modules lay claim to the latter's type.
    init?(_ address: UnsafePointer<sockaddr>, length: Int) {
        let bytes = UnsafeRawBufferPointer(start: address, count: length)
        switch CInt(address.pointee.sa_family) {
        case AF_INET where length >= 8: self.init(bytes: Array(bytes[4..<8]))
        case AF_INET6 where length >= 24: self.init(bytes: Array(bytes[8..<24]))
        default: return nil
        }
    }
}
