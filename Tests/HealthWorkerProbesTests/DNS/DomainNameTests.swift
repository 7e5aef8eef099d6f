import HealthWorkerProbes
import Testing

@Suite struct DomainNameTests {
    @Test(arguments: [
        ("shop.example.com", "shop.example.com"), ("shop.example.com.", "shop.example.com"),
        ("SHOP.Example.COM", "shop.example.com"),
        ("_sip._tcp.example.com", "_sip._tcp.example.com"),
        ("a", "a"), ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("a*b.c", "a*b.c"),
    ])
    func `a name is read without regard to case and a dot at the end`(
        _ text: String, _ name: String
    ) throws {
        #expect(try DomainName(text).description == name)
        #expect(try DomainName(text) == DomainName(name))
    }

    @Test(arguments: [
        ("", DomainNameError.empty), (".", .emptyLabel), (".a", .emptyLabel), ("a..b", .emptyLabel),
        ("a b", .character), ("bücher.example", .character), ("a\\.b", .character),
        ("a\u{0}b", .character), (String(repeating: "a", count: 64) + ".b", .longLabel),
    ])
    func `what is no name is refused with why`(_ text: String, _ error: DomainNameError) {
        #expect(throws: error) { try DomainName(text) }
    }

    @Test func `a label has 63 bytes and a name 255 at most`() throws {
        let label = String(repeating: "a", count: 63)
        // Each label takes one byte more than it has letters, and the root takes one.
        let longest = [label, label, label, String(repeating: "b", count: 61)]
            .joined(separator: ".")

        #expect(try DomainName(longest).description == longest)
        #expect(throws: DomainNameError.long) { try DomainName(longest + "b") }
    }
}
