import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import Testing

@Suite struct ServerStandingsTests {
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    static let first = NameServer(address: .v4(0xc000_0201))
    static let second = NameServer(address: .v4(0xc000_0202))
    let shop: DomainName
    let mail: DomainName

    init() throws {
        shop = try DomainName("shop.example.com")
        mail = try DomainName("mail.example.com")
    }

    private func configuration(_ options: String = "") -> ResolverConfiguration {
        ResolverConfiguration(
            "nameserver 192.0.2.1\nnameserver 192.0.2.2\n\(options)", hostName: "")
    }

    @Test func `servers are asked in the order of the file`() {
        var standings = ServerStandings()

        #expect(standings.order(of: configuration(), at: Self.start) == [Self.first, Self.second])
        #expect(standings.order(of: configuration(), at: Self.start) == [Self.first, Self.second])
    }

    @Test func `with rotate each begins in turn`() {
        var standings = ServerStandings()

        let orders = (0..<3).map { _ in
            standings.order(of: configuration("options rotate"), at: Self.start).map(\.description)
        }

        #expect(
            orders == [
                ["192.0.2.2", "192.0.2.1"], ["192.0.2.1", "192.0.2.2"], ["192.0.2.2", "192.0.2.1"],
            ])
    }

    @Test func `a server that answers nothing is asked last for a while`() {
        var standings = ServerStandings()
        for name in [shop, mail, mail] {
            standings.noteSilence(of: Self.first, about: name, at: Self.start)
        }

        let later = Self.start + .seconds(10)
        #expect(
            standings.order(of: configuration(), at: later - .nanoseconds(1))
                == [Self.second, Self.first])
        #expect(standings.order(of: configuration(), at: later) == [Self.first, Self.second])

        // Still silent: one question more is enough.
        standings.noteSilence(of: Self.first, about: shop, at: later)
        #expect(standings.order(of: configuration(), at: later) == [Self.second, Self.first])
    }

    @Test func `a server that is silent about one name alone stays where it is`() {
        var standings = ServerStandings()

        for _ in 0..<100 {
            standings.noteSilence(of: Self.first, about: shop, at: Self.start)
        }

        #expect(standings.order(of: configuration(), at: Self.start) == [Self.first, Self.second])
    }

    @Test func `where all are silent the order of the file holds`() {
        var standings = ServerStandings()
        for server in [Self.second, Self.first] {
            for name in [shop, mail, mail] {
                standings.noteSilence(of: server, about: name, at: Self.start)
            }
        }

        #expect(standings.order(of: configuration(), at: Self.start) == [Self.first, Self.second])
    }
}
