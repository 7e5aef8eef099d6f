import HealthWorkerModel
import Testing

@Suite struct StatusRangeTests {
    @Test(arguments: [
        ("200", 200...200), ("200-299", 200...299), ("100-599", 100...599), ("404-404", 404...404),
    ])
    func `reads one status or a range`(text: String, codes: ClosedRange<Int>) {
        #expect(StatusRange(text)?.codes == codes)
    }

    @Test(arguments: [
        "", "20", "2000", "099", "600", "200-", "-200", "200-199", "200-600", "200-250-299",
        "200 - 299", "2xx", "+20", "२००", "200–299",
    ])
    func `refuses anything else`(text: String) {
        #expect(StatusRange(text) == nil)
    }

    @Test func `is written as it is read`() {
        #expect(StatusRange(200...200).description == "200")
        #expect(StatusRange(200...299).description == "200-299")
    }
}

@Suite struct ByteCountTests {
    @Test(arguments: [
        ("0", 0), ("500", 500), ("500B", 500), ("64KiB", 65_536), ("1MiB", 1_048_576),
        ("1024MiB", 1_073_741_824),
    ])
    func `reads bytes and their binary multiples`(text: String, bytes: Int) {
        #expect(ByteCount(text)?.bytes == bytes)
    }

    @Test(arguments: [
        "", "KiB", "64KB", "64kib", "1GiB", "1.5MiB", "-1", "64 KiB", "1025MiB", "1073741825",
        "99999999999999999999", "٦٤",
    ])
    func `refuses anything else`(text: String) {
        #expect(ByteCount(text) == nil)
    }

    @Test(arguments: [0, 1, 1023, 1024, 1536, 65_536, 1_048_576, 1_048_577])
    func `is read as it was written`(bytes: Int) {
        #expect(ByteCount(ByteCount(bytes).description) == ByteCount(bytes))
    }
}

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", UInt32(0)), ("192.0.2.1", 0xc000_0201), ("255.255.255.255", .max),
        ("127.0.0.1", 0x7f00_0001),
    ])
    func `reads dotted-decimal IPv4`(text: String, number: UInt32) {
        #expect(IPAddress(text) == .v4(number))
    }

    @Test(
        "octal, hexadecimal, short and padded forms are no addresses",
        arguments: [
            "0177.0.0.1", "010.0.0.1", "192.0.2.01", "00.0.0.0", "0x7f.0.0.1", "0x7f000001",
            "127.1", "127.0.1", "2130706433", "192.0.2.256", "192.0.2.1.", ".192.0.2.1",
            "192.0.2", "192.0.2.1.1", "192..2.1", "192.0.2.+1", "192.0.2.1 ", " 192.0.2.1",
            "192.0.2.1/32", "192.0.2.1:80", "１.2.3.4", "1e1.0.0.1", "",
        ])
    func noIPv4(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(
        arguments: [
            ("::", [0, 0, 0, 0, 0, 0, 0, 0]), ("::1", [0, 0, 0, 0, 0, 0, 0, 1]),
            ("2001:db8::", [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]),
            ("2001:DB8::a:B", [0x2001, 0xdb8, 0, 0, 0, 0, 0xa, 0xb]),
            ("1:2:3:4:5:6:7:8", [1, 2, 3, 4, 5, 6, 7, 8]), ("1::8", [1, 0, 0, 0, 0, 0, 0, 8]),
            ("1:2:3:4:5:6:7::", [1, 2, 3, 4, 5, 6, 7, 0]),
            ("::ffff:192.0.2.1", [0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201]),
            ("64:ff9b::192.0.2.33", [0x64, 0xff9b, 0, 0, 0, 0, 0xc000, 0x0221]),
            ("1:2:3:4:5:6:192.0.2.1", [1, 2, 3, 4, 5, 6, 0xc000, 0x0201]),
        ] as [(String, [UInt16])])
    func `reads IPv6`(text: String, groups: [UInt16]) {
        #expect(IPAddress(text) == .v6(groups))
    }

    @Test(
        "zone ids, brackets and malformed groups are no addresses",
        arguments: [
            "fe80::1%eth0", "fe80::1%25eth0", "[::1]", ":", ":::", "1::2::3", "::1::",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
            "12345::", "g::", ":1", "1:", "1:::2", "::192.0.2", "::192.0.2.01",
            "192.0.2.1::", "1:192.0.2.1::", "::192.0.2.1:1", "::+1", "::1/128", "::0x1", "::１",
            "2001:db8::1 ",
        ])
    func noIPv6(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `a value's family is that of its address, and a name's is CNAME`() {
        #expect(RecordFamily(of: "192.0.2.1") == .a)
        #expect(RecordFamily(of: "::ffff:192.0.2.1") == .aaaa)
        #expect(RecordFamily(of: "web.example.com") == .cname)
        #expect(RecordFamily(of: "0177.0.0.1") == .cname)
        #expect(RecordFamily(of: "\"v=1; site=fra1\"") == .txt)
    }
}
