import HealthWorkerPages
import Testing

@Suite struct HTMLTests {
    private static let nasty = #"<script>alert("1")</script> & 'x'"#

    @Test func `what is interpolated is text, between tags and in attributes`() {
        let piece: HTML = "<a title=\"\(Self.nasty)\">\(Self.nasty)</a>"

        let escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;"
        #expect(piece.text == "<a title=\"\(escaped)\">\(escaped)</a>")
    }

    @Test func `pieces stay as they are in others, one by one, in lists and where there is none`() {
        let item: HTML = "<li>\("<")</li>"
        let none: HTML? = nil

        let list: HTML = "<ul>\(item)\([item, item])\(none)</ul>"

        #expect(list.text == "<ul><li>&lt;</li><li>&lt;</li><li>&lt;</li></ul>")
    }

    @Test func `texts of other scripts stay as they are`() {
        let piece: HTML = "<b>\("Grüße 日本 \u{1F6D1}")</b>"

        #expect(piece.text == "<b>Grüße 日本 \u{1F6D1}</b>")
    }

    @Test(arguments: [
        ("/policies/acme-www", "/policies/acme-www"),
        ("/checks?health=unhealthy", "/checks?health=unhealthy"),
        ("//evil.example/", "/"), ("https://evil.example/", "/"), ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"), ("/a\r\nSet-Cookie: x", "/"), ("", "/"),
    ])
    func `nobody is sent on to another host`(asked: String, answered: String) {
        #expect(Link.local(asked) == answered)
    }

    @Test func `a name of a check cannot leave its place in a path`() {
        #expect(Link.check("a/../b?c#d") == "/checks/a%2F..%2Fb%3Fc%23d")
    }
}
