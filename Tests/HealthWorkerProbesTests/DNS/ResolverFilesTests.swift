import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import Testing

@Suite struct ResolverConfigurationTests {
    private func read(_ text: String, hostName: String = "host") -> ResolverConfiguration {
        ResolverConfiguration(text, hostName: hostName)
    }

    @Test func `servers, search list and options are read as the C library does`() throws {
        let configuration = read(
            """
            # generated
            ; by a program
            domain forgotten.example
            search corp.example.com example.com.
            nameserver 192.0.2.53
            nameserver 2001:db8::53
            nameserver fe80::53%eth0
            nameserver 192.0.2.54
            options ndots:2 timeout:3 attempts:4 rotate edns0 unknown:7
            """)

        #expect(
            configuration.servers.map(\.description)
                == ["192.0.2.53", "2001:db8::53", "fe80::53%eth0"])
        #expect(configuration.search.map(\.description) == ["corp.example.com", "example.com"])
        #expect(configuration.dots == 2)
        #expect(configuration.timeout == .seconds(3))
        #expect(configuration.attempts == 4)
        #expect(configuration.rotates)
    }

    @Test func `what is missing has the C library's defaults`() {
        let configuration = read("", hostName: "db1.corp.example.com")

        #expect(configuration.servers == [NameServer(address: .v4(0x7f00_0001))])
        #expect(configuration.search.map(\.description) == ["corp.example.com"])
        #expect(configuration.dots == 1)
        #expect(configuration.timeout == .seconds(5))
        #expect(configuration.attempts == 2)
        #expect(!configuration.rotates)
        #expect(read("", hostName: "host").search.isEmpty)
        #expect(read("search .\n", hostName: "db1.corp.example.com").search.isEmpty)
    }

    @Test func `what cannot be read is passed over`() {
        let configuration = read(
            """
            nameserver
            nameserver shop.example.com
             nameserver 192.0.2.1
            nameserver 300.1.1.1
            options timeout:x ndots: attempts:0 timeout:-1
            search
            """)

        #expect(configuration.servers.map(\.description) == ["127.0.0.1"])
        #expect(configuration.timeout == .seconds(5))
        #expect(configuration.attempts == 2)
        #expect(configuration.dots == 1)
    }

    @Test(arguments: [("99", 15, 30, 5), ("3", 3, 3, 3)])
    func `options have limits`(_ number: String, _ dots: Int, _ seconds: Int64, _ attempts: Int) {
        let configuration = read("options ndots:\(number) timeout:\(number) attempts:\(number)")

        #expect(configuration.dots == dots)
        #expect(configuration.timeout == .seconds(seconds))
        #expect(configuration.attempts == attempts)
    }

    @Test(arguments: [
        ("[192.0.2.53]:5353", "[192.0.2.53]:5353"), ("[2001:db8::53]:53", "2001:db8::53"),
        ("[2001:db8::53]", "2001:db8::53"),
    ])
    func `a server may have a port`(_ text: String, _ server: String) {
        #expect(NameServer(text)?.description == server)
    }

    @Test(arguments: [
        "", "[", "[]:53", "[192.0.2.1", "[192.0.2.1]5", "[192.0.2.1]:0", "[192.0.2.1]:99999",
    ])
    func `what is no server is none`(_ text: String) {
        #expect(NameServer(text) == nil)
    }
}

@Suite struct HostsFileTests {
    static let hosts = HostsFile(
        """
        127.0.0.1\tlocalhost
        192.0.2.1  Shop.example.com shop # and a remark with other.example.com
        2001:db8::1 shop.example.com
        192.0.2.2 shop.example.com shop
        192.0.2.3
        no-address name.example.com
        192.0.2.4 bad..name good.example.com
        """)

    private func addresses(_ name: String, _ family: IPFamily) throws -> [String] {
        Self.hosts.addresses(of: try DomainName(name), family: family).map(\.text)
    }

    @Test(arguments: [
        ("shop.example.com", IPFamily.any, ["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
        ("SHOP.EXAMPLE.COM", .v4, ["192.0.2.1", "192.0.2.2"]),
        ("shop.example.com", .v6, ["2001:db8::1"]),
        ("shop", .any, ["192.0.2.1", "192.0.2.2"]), ("shop", .v6, []),
        ("other.example.com", .any, []),
        ("name.example.com", .any, []), ("good.example.com", .any, ["192.0.2.4"]),
    ])
    func `names have the addresses of all their lines, IPv4 first`(
        _ name: String, _ family: IPFamily, _ expected: [String]
    ) throws {
        #expect(try addresses(name, family) == expected)
    }

    @Test func `localhost is loopback whether the file knows it or not`() throws {
        #expect(try addresses("localhost", .any) == ["127.0.0.1"])
        #expect(try addresses("db.localhost", .any) == ["127.0.0.1", "::1"])
        #expect(try addresses("db.localhost", .v6) == ["::1"])
        #expect(try addresses("notlocalhost", .any) == [])
    }
}
