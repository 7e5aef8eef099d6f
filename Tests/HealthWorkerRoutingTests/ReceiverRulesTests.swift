import HealthWorkerModel
import Testing

@testable import HealthWorkerRouting

struct ReceiverRulesTests {
    private func denial(of address: String, allowed: String...) throws -> String? {
        let rules = ReceiverRules(allowed: try allowed.map { try Network($0) })
        return rules.denial(of: try #require(IPAddress(address)))
    }

    @Test(arguments: [
        ("127.0.0.1", "a loopback address"), ("127.8.0.1", "a loopback address"),
        ("::1", "a loopback address"), ("10.1.2.3", "a private address"),
        ("172.16.0.1", "a private address"), ("172.31.255.255", "a private address"),
        ("192.168.7.1", "a private address"), ("100.64.0.1", "a private address"),
        ("fd12::1", "a private address"), ("fec0::1", "a private address"),
        // That lead to such an address.
        ("::ffff:127.0.0.1", "a loopback address"), ("64:ff9b::a00:1", "a private address"),
    ])
    func `a private address is denied`(address: String, sort: String) throws {
        #expect(try denial(of: address) == sort)
    }

    @Test(arguments: ["192.0.2.1", "172.32.0.1", "11.0.0.1", "2001:db8::1", "::ffff:192.0.2.1"])
    func `a public address is not`(address: String) throws {
        #expect(try denial(of: address) == nil)
    }

    @Test func `a private address is called where its network is allowed`() throws {
        #expect(try denial(of: "10.1.2.3", allowed: "192.168.0.0/16", "10.1.0.0/16") == nil)
        #expect(try denial(of: "10.2.2.3", allowed: "192.168.0.0/16", "10.1.0.0/16") != nil)
        #expect(try denial(of: "::1", allowed: "::1/128") == nil)
        #expect(try denial(of: "::ffff:10.1.2.3", allowed: "10.1.0.0/16") == nil)
    }
}
