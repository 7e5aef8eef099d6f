import HealthWorkerModel
import HealthWorkerProbes
import Testing

@Suite struct NameSearchTests {
    static let first = IPAddress.v4(0xc000_0201)
    static let sixth = IPAddress.v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 6])

    /// Answers each question from `answers` ("NAME TYPE"), and everything else with NXDOMAIN.
    ///
    /// - Returns: What was asked, and how it ended.
    private func run(
        _ text: String, _ family: IPFamily = .any, options: String = "search corp.example.com",
        given answers: [String: Result<DNSAnswer, NameResolverError>]
    ) throws -> (asked: [String], end: NameSearch.Step) {
        var search = NameSearch(
            text, name: try DomainName(text), family: family,
            by: ResolverConfiguration(options, hostName: ""))
        var asked: [String] = []
        while case .ask(let question) = search.step(known: { _ in nil }) {
            asked.append("\(question)")
            search.note(
                answers["\(question)"] ?? .success(.nothing(.noSuchName)), about: question)
        }
        return (asked, search.step(known: { _ in nil }))
    }

    @Test func `a name with a dot is asked as it stands, then with the search list`() throws {
        let (asked, end) = try run("shop.example.com", given: [:])

        #expect(asked == ["shop.example.com A", "shop.example.com.corp.example.com A"])
        #expect(end == .failed(.noSuchName("shop.example.com does not exist")))
    }

    @Test func `a name without a dot is asked with the search list first`() throws {
        let (asked, end) = try run(
            "shop", options: "search a.example b.example",
            given: ["shop.b.example A": .success(.addresses([Self.first]))])

        #expect(asked == ["shop.a.example A", "shop.b.example A"])
        #expect(end == .found([Self.first]))
    }

    @Test func `ndots says when a name is asked as it stands first`() throws {
        let (asked, _) = try run(
            "a.b", options: "search corp.example.com\noptions ndots:2", given: [:])

        #expect(asked == ["a.b.corp.example.com A", "a.b A"])
    }

    @Test func `a dot at the end says that nothing is added`() throws {
        #expect(try run("shop.", given: [:]).asked == ["shop A"])
    }

    @Test func `a searched name that is too long is left out`() throws {
        let label = String(repeating: "a", count: 60)
        let long = [label, label, label, label].joined(separator: ".")

        #expect(try run(long, given: [:]).asked == ["\(long) A"])
    }

    @Test func `of both families IPv6 is asked for where there is no IPv4`() throws {
        let none = Result<DNSAnswer, NameResolverError>.success(.nothing(.noError))
        let both = try run(
            "shop.example.com", given: ["shop.example.com A": .success(.addresses([Self.first]))])
        let sixth = try run(
            "shop.example.com",
            given: [
                "shop.example.com A": none,
                "shop.example.com AAAA": .success(.addresses([Self.sixth])),
            ])

        #expect(both.asked == ["shop.example.com A"])
        #expect(sixth.asked == ["shop.example.com A", "shop.example.com AAAA"])
        #expect(sixth.end == .found([Self.sixth]))
    }

    @Test func `one family is asked for alone`() throws {
        let none = Result<DNSAnswer, NameResolverError>.success(.nothing(.noError))

        let (asked, end) = try run(
            "shop.example.com", .v6, options: "search .", given: ["shop.example.com AAAA": none])

        #expect(asked == ["shop.example.com AAAA"])
        #expect(end == .failed(.noSuchName("shop.example.com has no address of this family")))
    }

    @Test(arguments: ["shop.example.com A", "shop.example.com AAAA"])
    func `trouble ends the search and leads to no other host`(_ question: String) throws {
        var answers: [String: Result<DNSAnswer, NameResolverError>] = [
            "shop.example.com A": .success(.nothing(.noError)),
            "shop.example.com.corp.example.com A": .success(.addresses([Self.first])),
        ]
        answers[question] = .failure(.failed("SERVFAIL"))

        let (_, end) = try run("shop.example.com", given: answers)

        #expect(end == .failed(.failed("SERVFAIL")))
    }

    @Test func `trouble with IPv4 does not lead to IPv6`() throws {
        let (_, end) = try run(
            "shop.example.com",
            given: [
                "shop.example.com A": .failure(.failed("SERVFAIL")),
                "shop.example.com AAAA": .success(.addresses([Self.sixth])),
            ])

        #expect(end == .failed(.failed("SERVFAIL")))
    }

    @Test func `aliases are followed from answer to answer`() throws {
        let (asked, end) = try run(
            "www.example.com",
            given: [
                "www.example.com A": .success(.alias(try DomainName("a.example.net"))),
                "a.example.net A": .success(.alias(try DomainName("b.example.net"))),
                "b.example.net A": .success(.addresses([Self.first])),
            ])

        #expect(asked == ["www.example.com A", "a.example.net A", "b.example.net A"])
        #expect(end == .found([Self.first]))
    }

    @Test func `aliases in a circle end`() throws {
        let (asked, end) = try run(
            "a.example.com",
            given: [
                "a.example.com A": .success(.alias(try DomainName("b.example.com"))),
                "b.example.com A": .success(.alias(try DomainName("a.example.com"))),
            ])

        #expect(asked == ["a.example.com A", "b.example.com A"])
        #expect(end == .failed(.failed("a.example.com: more than 16 aliases in a row")))
    }

    @Test func `what is known is not asked, nor forgotten on the way`() throws {
        var search = NameSearch(
            "shop.example.com", name: try DomainName("shop.example.com"), family: .any,
            by: ResolverConfiguration("search .", hostName: ""))
        let none: (Question) -> DNSAnswer? = { $0.type == .a ? .nothing(.noError) : nil }

        let first = search.step(known: none)
        let question = Question(name: try DomainName("shop.example.com"), type: .aaaa)
        search.note(.success(.addresses([Self.sixth])), about: question)

        #expect(first == .ask(question))
        #expect(search.step(known: { _ in nil }) == .found([Self.sixth]))
    }
}
