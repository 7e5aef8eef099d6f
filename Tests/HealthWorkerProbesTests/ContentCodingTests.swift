import CZlib
import HealthWorkerModel
import HealthWorkerProbes
import Testing

/// Bodies that are compressed on their way, which is no business of who wrote the rule for the body.
@Suite struct ContentCodingTests {
    enum Coding: String, CaseIterable, Sendable {
        case gzip
        case oldGzip = "x-gzip"
        case zlib = "deflate"
        case bare = "Deflate"

        /// zlib's "windowBits".
        var bits: CInt {
            switch self {
            case .gzip, .oldGzip: MAX_WBITS + 16
            case .zlib: MAX_WBITS
            case .bare: -MAX_WBITS
            }
        }
    }

    static func coded(_ bytes: [UInt8], _ bits: CInt) -> [UInt8] {
        var stream = z_stream()
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + 1024)
        deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        let length = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                deflate(&stream, Z_FINISH)
                return output.count - Int(stream.avail_out)
            }
        }
        return Array(output.prefix(length))
    }

    static func coded(_ text: String, _ coding: Coding = .gzip) -> [UInt8] {
        coded(Array(text.utf8), coding.bits)
    }

    static func head(_ coding: String, length: Int) -> String {
        "HTTP/1.1 200 OK\r\nContent-Encoding: \(coding)\r\nContent-Length: \(length)\r\n\r\n"
    }

    private func outcome(
        of bytes: [UInt8], _ coding: String = "gzip", expect: Expected, length: Int? = nil
    ) async throws -> ProbeReport {
        let server = try await LocalServer(
            answering: .send(Self.head(coding, length: length ?? bytes.count)), .sendBytes(bytes))
        let report = await probe(check(port: server.port, expect: expect))
        try await server.stop()
        return report
    }

    @Test(arguments: Coding.allCases)
    func `a coded body is judged by what it says`(_ coding: Coding) async throws {
        let bytes = Self.coded("{\"db\":\"ok\"}", coding)

        let right = try await outcome(
            of: bytes, coding.rawValue, expect: Expected(bodyMatches: #"^\{"db":"ok"\}$"#))
        let wrong = try await outcome(
            of: bytes, coding.rawValue, expect: Expected(bodyContains: "down"))

        #expect(right.outcome == .success)
        #expect(right.phases.reached == ["connect", "write", "first_byte", "body"])
        #expect(wrong.outcome == .failure(.bodyMismatch))
        #expect(wrong.detail == "\"down\" is not in the body of 11 bytes")
    }

    @Test func `it may come a byte at a time, in chunks`() async throws {
        let bytes = Self.coded("not down, ready")
        let chunks = bytes.map { LocalServer.Action.sendBytes(Array("1\r\n".utf8) + [$0, 13, 10]) }
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        let server = try await LocalServer(
            .init(onRequest: { _ in [.send(head)] + chunks + [.send("0\r\n\r\n")] }))

        let report = await probe(
            check(
                port: server.port,
                expect: Expected(bodyContains: "ready", bodyNotContains: "broken")))

        #expect(report.outcome == .success)
        try await server.stop()
    }

    @Test func `one gzip member may follow another, and what is none is ignored`() async throws {
        let expect = Expected(bodyMatches: "^ready$")
        let members = Self.coded("rea") + Self.coded("dy")

        #expect(try await outcome(of: members, expect: expect).outcome == .success)
        #expect(try await outcome(of: members + [0, 0, 0], expect: expect).outcome == .success)
    }

    @Test func `a gzip member may begin with a part of its own`() async throws {
        let parts = [Self.coded("rea"), Self.coded("dy"), [0, 0, 0]]
        let chunks = parts.map { bytes in
            LocalServer.Action.sendBytes(
                Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10])
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        let server = try await LocalServer(
            .init(onRequest: { _ in [.send(head)] + chunks + [.send("0\r\n\r\n")] }))

        let report = await probe(
            check(port: server.port, expect: Expected(bodyMatches: "^ready$")))

        #expect(report.outcome == .success, "\(report.detail ?? "")")
        try await server.stop()
    }

    @Test func `a body that nobody matches is not decoded`() async throws {
        let report = try await outcome(of: [1, 2, 3], expect: Expected())

        #expect(report.outcome == .success)
        #expect(report.phases.body == nil)
    }

    @Test func `a bomb is decoded up to the limit of the body, and no further`() async throws {
        let bomb = Self.coded([UInt8](repeating: 0x78, count: 20_000_000), MAX_WBITS + 16)
        let expect = Expected(bodyNotContains: "down", bodyLimit: ByteCount(1000))

        let fine = try await outcome(of: bomb, expect: expect)
        let missed = try await outcome(
            of: bomb, expect: Expected(bodyContains: "y", bodyLimit: ByteCount(1000)))

        #expect(fine.outcome == .success)
        #expect(missed.detail == "\"y\" is not in the first 1000 bytes of the body")
    }

    @Test func `bytes without end that hold nothing are too large`() async throws {
        let empty = Array(repeating: Self.coded(""), count: 4000).flatMap(\.self)
        let expect = Expected(bodyNotContains: "down", bodyLimit: ByteCount(1000))

        // The rest of it never comes, so it is not the end of the body that decides.
        let report = try await outcome(of: empty, expect: expect, length: 1_000_000_000)

        #expect(empty.count > 67_536)
        #expect(report.outcome == .failure(.tooLarge))
    }

    @Test(arguments: ["gzip", "deflate"])
    func `what is not in its coding is a protocol error`(_ coding: String) async throws {
        let expect = Expected(bodyContains: "ready")

        let plain = try await outcome(of: Array("ready or not".utf8), coding, expect: expect)
        let cut = try await outcome(
            of: Array(Self.coded("it is ready", coding == "gzip" ? .gzip : .zlib).dropLast(3)),
            coding, expect: Expected(bodyNotContains: "down"))
        let single = try await outcome(of: [0x1f], coding, expect: expect)

        #expect(plain.outcome == .failure(.protocolError))
        // Without a header, a text may look like the beginning of a block.
        if coding == "gzip" {
            #expect(plain.detail?.hasPrefix("the body is not in its content-encoding: ") == true)
        }
        for report in [cut, single] {
            #expect(report.outcome == .failure(.protocolError))
            #expect(report.detail == "the body ends in the middle of its content-encoding")
        }
    }

    @Test(arguments: [("br", "\"br\""), ("gzip, gzip", "\"gzip, gzip\""), ("ZSTD", "\"zstd\"")])
    func `a coding that is not decoded is told, and never searched as it is`(
        _ coding: String, _ shown: String
    ) async throws {
        let report = try await outcome(
            of: Array("ready".utf8), coding, expect: Expected(bodyNotContains: "down"))

        #expect(report.outcome == .failure(.bodyMismatch))
        #expect(
            report.detail == "the body cannot be matched: it is coded as \(shown), and gzip and "
                + "deflate are what is decoded")
    }

    @Test(arguments: ["identity", "", "Identity, "])
    func `no coding is no coding`(_ coding: String) async throws {
        let report = try await outcome(
            of: Array("ready".utf8), coding, expect: Expected(bodyMatches: "^ready$"))

        #expect(report.outcome == .success)
    }

    @Test func `an empty body is empty in every coding`() async throws {
        let report = try await outcome(of: [], expect: Expected(bodyNotContains: "down"))

        #expect(report.outcome == .success)
    }
}
