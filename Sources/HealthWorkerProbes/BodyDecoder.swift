import CZlib
internal import NIOCore

/// Takes the content coding off a body (RFC 9110 §8.4.1) as it comes, and no further than what is read
/// of it.
///
/// It is zlib itself, not the decompressor of swift-nio-extras: that offers itself in every request,
/// decodes what nobody matches, and treats reaching the limit as an error, while here it is the end of
/// what is looked at. `deflate` is zlib's format, or bare, as some servers send it.
final class BodyDecoder {
    enum Failure: Error {
        /// Not in its coding, in zlib's words.
        case malformed(String)
        /// So many bytes that hold so little.
        case inflated
    }

    private enum Coding {
        case gzip, deflate
    }

    private enum State {
        /// Two bytes say how it is coded.
        case waiting(ByteBuffer)
        case decoding
        case complete
    }

    /// The bytes beyond twice the limit that a body may have without reaching it.
    private static let slack = 65_536

    /// RFC 1952 §2.3.1: how a member begins.
    private static let memberStart: UInt8 = 0x1f

    private let coding: Coding
    private let limit: Int
    private var state = State.waiting(ByteBuffer())
    private var consumed = 0
    // zlib's own state points back to it, so it has a place of its own.
    private let stream: UnsafeMutablePointer<z_stream>

    /// - Parameters:
    ///   - coding: The word in Content-Encoding; nil where it is none that is decoded.
    ///   - limit: How long the decoded body may become.
    init?(_ coding: String, limit: Int) {
        switch coding {
        case "gzip", "x-gzip": self.coding = .gzip
        case "deflate": self.coding = .deflate
        default: return nil
        }
        self.limit = limit
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
    }

    deinit {
        // It refuses a stream that was never begun, which is fine.
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Whether the body ended where its coding does; also true of no body at all.
    var isComplete: Bool {
        switch state {
        case .waiting(let held): held.readableBytes == 0
        case .decoding: false
        case .complete: true
        }
    }

    /// Appends what `part` decodes to, until `body` has reached the limit.
    func decode(_ part: ByteBuffer, into body: inout ByteBuffer) throws(Failure) {
        consumed += part.readableBytes
        switch state {
        case .waiting(var held):
            held.writeImmutableBuffer(part)
            state = .waiting(held)
            guard held.readableBytes >= 2 else { return }
            try begin(held)
            state = .decoding
            try inflateAll(held, into: &body)
        case .decoding: try inflateAll(part, into: &body)
        case .complete:
            // What follows the end of it is no part of it, but for another member.
            guard coding == .gzip, part.readableBytesView.first == Self.memberStart else { return }
            guard inflateReset(stream) == Z_OK else { throw .malformed("no memory") }
            state = .decoding
            try inflateAll(part, into: &body)
        }
        if consumed > 2 * limit + Self.slack, body.readableBytes < limit { throw .inflated }
    }

    private func begin(_ head: ByteBuffer) throws(Failure) {
        let bits: CInt =
            switch coding {
            case .gzip: MAX_WBITS + 16
            // RFC 1950 §2.2: the method is 8, and the two bytes are a multiple of 31.
            case .deflate:
                head.getInteger(at: head.readerIndex, as: UInt16.self)
                    .map { $0 >> 8 & 0x0f == 8 && $0 % 31 == 0 } == true ? MAX_WBITS : -MAX_WBITS
            }
        let size = CInt(MemoryLayout<z_stream>.size)
        guard inflateInit2_(stream, bits, ZLIB_VERSION, size) == Z_OK else {
            throw .malformed("no memory")
        }
    }

    private func inflateAll(_ part: ByteBuffer, into body: inout ByteBuffer) throws(Failure) {
        let result = part.withUnsafeReadableBytes { bytes -> CInt in
            // zlib only reads there.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(bytes.count)
            defer {
                stream.pointee.next_in = nil
                stream.pointee.avail_in = 0
            }
            var result = Z_OK
            while result == Z_OK, body.readableBytes < limit {
                result = inflateSome(into: &body)
                // RFC 1952 §2.2: one member may follow another. Anything else behind it is ignored.
                if result == Z_STREAM_END, coding == .gzip, stream.pointee.avail_in > 0,
                    stream.pointee.next_in.pointee == Self.memberStart
                {
                    result = inflateReset(stream)
                }
            }
            return result
        }
        switch result {
        case Z_STREAM_END: state = .complete
        // Z_BUF_ERROR: all that came is decoded.
        case Z_OK, Z_BUF_ERROR: return
        default:
            throw .malformed(
                stream.pointee.msg.map { String(cString: $0) } ?? String(cString: zError(result)))
        }
    }

    private func inflateSome(into body: inout ByteBuffer) -> CInt {
        var result = Z_OK
        let room = min(limit - body.readableBytes, 16_384)
        body.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { bytes in
            stream.pointee.next_out = bytes.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_out = UInt32(room)
            result = inflate(stream, Z_NO_FLUSH)
            stream.pointee.next_out = nil
            return room - Int(stream.pointee.avail_out)
        }
        return result
    }
}
