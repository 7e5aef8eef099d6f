import Foundation
import HealthWorkerSecrets
import Testing

@Suite struct SealingKeysTests {
    static func key(_ byte: UInt8) -> String {
        Data(repeating: byte, count: 32).base64EncodedString()
    }

    @Test(arguments: ["x", "Bearer 0123", String(repeating: "long ", count: 1600), "ü"])
    func `what is sealed opens with the same key and name`(value: String) throws {
        let keys = try SealingKeys([Self.key(1)])

        let sealed = try keys.seal(value, as: "token")

        #expect(try keys.open(sealed, as: "token") == value)
        #expect(SealingKeys.label(of: sealed) == keys.label)
    }

    @Test func `nothing of a value can be seen, and the same value looks different each time`()
        throws
    {
        let keys = try SealingKeys([Self.key(1)])

        let first = try keys.seal("planted", as: "token")
        let second = try keys.seal("planted", as: "token")

        #expect(first != second)
        for text in [first, second] {
            #expect(!text.contains("planted"))
            #expect(!text.contains(Data("planted".utf8).base64EncodedString()))
            #expect(!text.contains(Self.key(1)))
        }
    }

    @Test func `what was changed, or put under another name, does not open`() throws {
        let keys = try SealingKeys([Self.key(1)])
        let sealed = try keys.seal("value", as: "token")
        var bytes = Data(base64Encoded: String(sealed.split(separator: ".")[2]))!
        for index in bytes.indices {
            bytes[index] ^= 1
            let changed = "v1.\(keys.label ?? "").\(bytes.base64EncodedString())"
            #expect(throws: SealingError.damaged) { try keys.open(changed, as: "token") }
            bytes[index] ^= 1
        }

        #expect(throws: SealingError.damaged) { try keys.open(sealed, as: "other") }
        for text in ["", "v1", "v2.\(keys.label ?? "").AAAA", "v1.\(keys.label ?? "").?"] {
            #expect(throws: SealingError.damaged) { try keys.open(text, as: "token") }
        }
    }

    @Test func `the first key seals, and each opens what it sealed`() throws {
        let (old, new) = (Self.key(1), Self.key(2))
        let before = try SealingKeys([old])
        let during = try SealingKeys([new, old])
        let after = try SealingKeys([new])
        let sealed = try before.seal("value", as: "token")

        let resealed = try during.seal(try during.open(sealed, as: "token"), as: "token")

        #expect(during.label == after.label)
        #expect(SealingKeys.label(of: resealed) == after.label)
        #expect(try after.open(resealed, as: "token") == "value")
        #expect(throws: SealingError.otherKey(before.label ?? "")) {
            try after.open(sealed, as: "token")
        }
    }

    @Test func `without a key nothing is sealed, and what is none is refused`() throws {
        #expect(throws: SealingError.noKey) { try SealingKeys.none.seal("value", as: "token") }
        #expect(SealingKeys.none.label == nil)
        for text in ["", "secret", Data(count: 31).base64EncodedString()] {
            #expect(throws: SealingError.noKey) { _ = try SealingKeys([text]) }
        }
    }
}
