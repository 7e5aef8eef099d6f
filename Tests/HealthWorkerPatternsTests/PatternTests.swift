import HealthWorkerPatterns
import Testing

@Suite struct PatternTests {
    @Test(arguments: [
        (#""db":\s*"ok""#, #"{"db": "ok"}"#), ("^a.c$", "abc"), ("é{2}", "caféé"), ("", ""),
        ("^$", ""), ("(a)(b)(c)(d)", "abcd"), ("(?i)READY", "it is ready"), ("^.$", "é"),
        ("(?m)^up$", "one\nup\ntwo"),
    ])
    func `a pattern matches anywhere in a text`(_ pattern: String, _ text: String) throws {
        #expect(try Pattern(pattern).matches(text.utf8) == .matched)
    }

    @Test(arguments: [("^b", "abc"), ("ready", "READY"), ("a", ""), ("^.$", "ab")])
    func `a text without a match is told apart`(_ pattern: String, _ text: String) throws {
        #expect(try Pattern(pattern).matches(text.utf8) == .notMatched)
    }

    @Test func `bytes that are no UTF-8 are passed over, and what follows them is found`() throws {
        let bytes: [UInt8] = [0xff, 0xfe, 0x00, 0xc3] + Array("ok".utf8) + [0x80]

        #expect(try Pattern("ok").matches(bytes) == .matched)
        #expect(try Pattern("ok.").matches(bytes) == .notMatched)
        #expect(try Pattern("[^a]k").matches(bytes) == .matched)
        #expect(try Pattern(#"\x{ff}"#).matches(bytes) == .notMatched)
    }

    @Test func `every byte may be matched against`() throws {
        let pattern = try Pattern("z+$")

        for byte in UInt8.min...UInt8.max {
            let expected = byte == UInt8(ascii: "z") ? PatternMatch.matched : .notMatched
            #expect(pattern.matches([byte]) == expected)
            #expect(pattern.matches([byte, byte, byte]) == expected)
        }
    }

    @Test(arguments: ["(a+)+$", "(a|aa)+$", "(a|a?)+$", "(?:(?:a+)+)+$"])
    func `a pattern that explodes gives up`(_ pattern: String) throws {
        let text = String(repeating: "a", count: 40) + "!"

        // 2^40 steps would be days: that the answer comes at all is the limit's work.
        #expect(try Pattern(pattern).matches(text.utf8) == .gaveUp)
    }

    @Test func `a pattern that needs endless memory gives up`() throws {
        // The last "c" keeps PCRE2 from seeing at once that no match can end.
        let text = String(repeating: "ab", count: 2_000_000) + "xc"

        #expect(try Pattern("(?:(a)(b))+c").matches(text.utf8) == .gaveUp)
    }

    @Test func `a plain search in a large body is within the limits`() throws {
        let body = String(repeating: "status: fine, nothing to see. ", count: 34_000) + "end"

        #expect(try Pattern(#"fine, \w+ to see\. end$"#).matches(body.utf8) == .matched)
        #expect(try Pattern("broken").matches(body.utf8) == .notMatched)
    }

    @Test(arguments: [("(", 1), ("a[b", 3), (#"ok\C"#, 4), ("(?<n>a)(?<n>b)", 12), ("*a", 0)])
    func `a wrong pattern says where and why`(_ pattern: String, _ offset: Int) {
        let error = #expect(throws: PatternError.self) { try Pattern(pattern) }

        #expect(error?.offset == offset)
        #expect(error?.sentence.isEmpty == false)
    }

    @Test func `a pattern beyond the longest is refused`() {
        let error = #expect(throws: PatternError.self) {
            try Pattern(String(repeating: "a", count: Pattern.longest + 1))
        }

        #expect(error?.description == "at offset 4096: pattern is longer than 4096 bytes")
    }

    @Test func `many tasks may match with one pattern at once`() async throws {
        let pattern = try Pattern("^(?:x|y)+(\\d+)$")

        let matches = await withTaskGroup(of: PatternMatch.self) { group in
            for number in 0..<200 {
                group.addTask { pattern.matches("xyxy\(number)".utf8) }
            }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }

        #expect(matches == [.matched])
    }
}
