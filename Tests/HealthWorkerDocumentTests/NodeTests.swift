import HealthWorkerDocument
import HealthWorkerModel
import Testing

@Suite struct NodeTests {
    private func yaml(_ text: String) throws -> JSONValue { try Node.readYAML(text).json() }

    private func refusal(_ text: String, json: Bool = false) -> [String] {
        do throws(Problems) {
            _ = json ? try Node.readJSON(text, file: "f") : try Node.readYAML(text, file: "f")
            return []
        } catch {
            return error.list.map(\.description)
        }
    }

    @Test(arguments: [
        ("yes", JSONValue.string("yes")), ("on", .string("on")), ("true", .bool(true)),
        ("0755", .string("0755")), ("0x10", .string("0x10")), ("1:30", .string("1:30")),
        ("12", .integer(12)), ("-3", .integer(-3)), ("1.10", .number(1.1)), ("0", .integer(0)),
        ("1e3", .number(1000)), (".inf", .string(".inf")), ("nan", .string("nan")),
        ("2026-01-31", .string("2026-01-31")), ("192.0.2.1", .string("192.0.2.1")), ("~", .null),
        ("null", .null), ("1_000", .string("1_000")), ("\"12\"", .string("12")),
        ("!!str 12", .string("12")), ("10s", .string("10s")),
        ("99999999999999999999", .number(1e20)), ("-", .array([.null])),
    ])
    func `a scalar without quotes is what YAML 1.2 says, and never a surprise`(
        text: String, value: JSONValue
    ) throws {
        #expect(try yaml(text) == value)
    }

    @Test func `every value knows its line and column`() throws {
        let node = try Node.readYAML("a:\n  - b: 1\n    c: two\n", file: "f.yaml")

        let element = try #require(node["a"]?.elements?.first)

        #expect(element["c"]?.position == Position(file: "f.yaml", line: 3, column: 8))
        #expect(element.keyPosition(of: "c") == Position(file: "f.yaml", line: 3, column: 5))
    }

    @Test func `all keys that are written twice are told with both lines`() {
        #expect(
            refusal("a: 1\nb: {c: 1, c: 2}\na: 2\n\"a\": 3\n") == [
                "f:2: b.c: is written twice, first in line 2: keep one of them",
                "f:3: a: is written twice, first in line 1: keep one of them",
                "f:4: a: is written twice, first in line 1: keep one of them",
            ])
        #expect(
            refusal("{\"a\": 1,\n \"b\": {\"c\": 1, \"c\": 2},\n \"a\": 2}", json: true) == [
                "f:2: b.c: is written twice, first in line 2: keep one of them",
                "f:3: a: is written twice, first in line 1: keep one of them",
            ])
    }

    @Test func `aliases stand for what was anchored`() throws {
        #expect(
            try yaml("a: &x {k: 1}\nb: *x\n")
                == .object(["a": .object(["k": .integer(1)]), "b": .object(["k": .integer(1)])]))
    }

    @Test func `a key with an asterisk in it is no alias`() throws {
        #expect(
            try yaml("a: &x {k: 1}\nyz'*qU: 2\n")
                == .object(["a": .object(["k": .integer(1)]), "yz'*qU": .integer(2)]))
    }

    @Test func `a few lines of aliases cannot stand for billions of values`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }

        #expect(
            refusal(text).map { $0.drop { $0 != " " } } == [
                " stands for more than 2000000 values: write fewer aliases"
            ])
        #expect(
            refusal(text + "? *a12\n: 1\n") == [
                "f:14: a key must be a plain text in a document with aliases: write it out"
            ])
        #expect(
            refusal(text + "*a12 : 1\n") == [
                "f:14: a key must be a plain text in a document with aliases: write it out"
            ])
    }

    @Test func `a document that is nested too deep is refused`() {
        let brackets = String(repeating: "[", count: 100_000)

        #expect(refusal(brackets).count == 1)
        #expect(
            refusal(brackets, json: true) == [
                "f:1: is not valid JSON: it is nested deeper than 64 levels"
            ])
        #expect(
            refusal(String(repeating: "[", count: 70) + String(repeating: "]", count: 70)) == [
                "f:1: is nested deeper than 64 levels"
            ])
    }

    @Test func `a document larger than 32 MiB is refused`() {
        let text = String(repeating: " ", count: Node.Limit.bytes + 1)

        #expect(refusal(text) == ["f:1: is larger than 32 MiB: split the document"])
        #expect(refusal(text, json: true) == ["f:1: is larger than 32 MiB: split the document"])
    }

    @Test(arguments: [
        ("", "f:1: is empty"),
        (
            "a: 1\n---\nb: 2\n",
            "f:2: only one document is allowed in a file: put what follows `---` elsewhere"
        ),
        ("a:\n\tb: 1\n", "f:2: is not valid YAML: a line begins with a tab, indent it with spaces"),
        ("a: !secret x\n", "f:1: a: the tag !secret means nothing here: remove it"),
        (
            "a: 1\n<<: {b: 2}\n",
            "f:2: YAML 1.2 has no merge keys: write what is shared under `defaults`"
        ),
        ("[a]: 1\n", "f:1: a key must be a text, and is a list or map"),
        ("a: *b\n", "f:1: is not valid YAML: found undefined alias"),
    ])
    func `what is no YAML for us is refused with its line`(text: String, sentence: String) {
        #expect(refusal(text) == [sentence])
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(throws: Problems.self) { try Node.readYAML([0x61, 0x3a, 0x20, 0xff]) }
        #expect(throws: Problems.self) { try Node.readJSON([0x22, 0xff, 0x22]) }
    }

    @Test(arguments: [
        ("", "it is empty"), ("{\"a\":1,}", "a key in quotes is missing"),
        ("[1,]", "a value is missing here"), ("01", "something follows after its end"),
        ("1.", "a number is written wrongly"), ("\"\\x\"", "an escape is unknown"),
        ("\"\\ud800\"", "half of a surrogate pair stands alone"),
        ("nul", "a value is missing here"),
        ("\"a\nb\"", "a text contains a line end or control character: escape it"),
        ("1e999", "a number is too large"), ("{} x", "something follows after its end"),
        ("{'a': 1}", "a key in quotes is missing"), ("[1", "a comma or ] is missing"),
    ])
    func `JSON is read strictly`(text: String, sentence: String) {
        let expected =
            sentence == "something follows after its end" && text == "01"
            ? "a number is written wrongly" : sentence
        #expect(refusal(text, json: true) == ["f:1: is not valid JSON: \(expected)"])
    }

    @Test func `JSON escapes are undone and numbers keep their kind`() throws {
        let node = try Node.readJSON(
            #" {"t": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é", "n": [0, -1, 1.5, 1e2, 9223372036854775807]} "#
        )

        #expect(node["t"]?.text == "\"\\/\u{8}\u{c}\n\r\té😀é")
        #expect(
            node["n"]?.json()
                == .array([.integer(0), .integer(-1), .number(1.5), .number(100), .integer(.max)]))
    }

    @Test func `YAML and JSON give the same tree`() throws {
        let json = #"{"a": [1, "two", true, null, 1.5], "b": {"c": ""}}"#

        #expect(try Node.readYAML(json).json() == Node.readJSON(json).json())
    }

    @Test func `a problem is a pointer for the API and a path for files`() {
        let path = Path().appending("checks").appending(3, named: "shop").appending("a/b~c")

        #expect(Problem("is wrong", at: path).description == "/checks/3/a~1b~0c: is wrong")
        #expect(
            Problem(
                "is wrong", at: path, position: Position(file: "f.yaml", line: 7, column: 1),
                suggestion: "`d`"
            ).description == "f.yaml:7: checks[shop].a/b~c: is wrong; did you mean `d`?")
    }

    @Test func `a text of unknown name is JSON when it begins with a brace`() {
        #expect(DocumentText(text: " {\"format\": 1}").syntax == .json)
        #expect(DocumentText(text: "format: 1").syntax == .yaml)
        #expect(DocumentText(file: "a.json", text: "format: 1").syntax == .json)
        #expect(DocumentText(file: "a.yaml", text: "{format: 1}").syntax == .yaml)
    }
}
