import HealthWorkerProbes

/// Messages that are right, damaged, or noise; the same ones for the same seed.
struct MessageMutator {
    private static let interesting: [UInt8] = [0, 1, 12, 63, 64, 0x80, 0xc0, 0xff]

    private let messages: [[UInt8]]
    private var state: UInt64

    init(seed: UInt64) throws {
        state = seed
        messages = try Self.messages()
    }

    mutating func next() -> [UInt8] {
        switch below(20) {
        case 0:
            return noise(below(600))
        case 1:
            // A right beginning, and noise behind it.
            let message = messages[below(messages.count)]
            return message.prefix(12) + noise(below(200))
        default:
            var bytes = messages[below(messages.count)]
            for _ in 0..<below(8) { mutate(&bytes) }
            return bytes
        }
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        guard bytes.count > 2 else {
            bytes += noise(12)
            return
        }
        let place = below(bytes.count)
        switch below(11) {
        case 0: bytes[place] ^= 1 << UInt8(below(8))
        case 1: bytes[place] = UInt8(below(256))
        case 2: bytes[place] = Self.interesting[below(Self.interesting.count)]
        case 3: bytes.removeSubrange(place...)
        case 4: bytes.remove(at: place)
        case 5: bytes.insert(UInt8(below(256)), at: place)
        case 6: bytes += noise(below(40))
        // A pointer, most often to somewhere within.
        case 7: write(0xc000 | UInt16(below(max(bytes.count, 64) & 0x3fff)), to: &bytes, at: place)
        // Counts, and lengths of data wherever they may stand.
        case 8: write(UInt16(below(65_536)), to: &bytes, at: 4 + 2 * below(4))
        case 9: write(UInt16(below(32)), to: &bytes, at: place)
        default:
            let other = messages[below(messages.count)]
            bytes.replaceSubrange(place..., with: other[min(below(other.count), place)...])
        }
    }

    private func write(_ number: UInt16, to bytes: inout [UInt8], at place: Int) {
        guard place + 1 < bytes.count else { return }
        bytes[place] = UInt8(number >> 8)
        bytes[place + 1] = UInt8(number & 0xff)
    }

    private mutating func noise(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(below(256)) }
    }

    private mutating func below(_ bound: Int) -> Int {
        // xorshift64*, Vigna 2016.
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int((state &* 0x2545_f491_4f6c_dd1d) >> 33) % max(bound, 1)
    }

    private static func messages() throws -> [[UInt8]] {
        let query = try query("www.example.com")
        let zone = WrittenRecord.zone("example.com", negative: 300)
        let compressed: [UInt8] = [
            0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 6, 3, 0x63, 0x64, 0x6e, 0xc0, 16, 0xc0, 45, 0, 1,
            0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1,
        ]
        var chain = [UInt8].reply(to: query) + compressed
        chain[7] = 2
        // Five labels of 63 bytes, each pointing at the one before.
        var long = [UInt8].reply(to: query)
        long[7] = 5
        var last: [UInt8] = [0]
        for _ in 0..<5 {
            let start = long.count
            long += [63] + [UInt8](repeating: 0x78, count: 63) + last
            long += [0, 16, 0, 1, 0, 0, 0, 60, 0, 0]
            last = [0xc0 | UInt8(start >> 8), UInt8(start & 0xff)]
        }
        return [
            .reply(to: query, answers: [.a(query.name, 1), .a(query.name, 2)]),
            .reply(
                to: query, answers: [.aaaa(query.name, 1)], additional: [.options(upperCode: 0)]),
            .reply(
                to: query,
                answers: [
                    .alias(query.name, "a.example.net"), .alias("a.example.net", "b.example.net"),
                    .a("b.example.net", 9),
                ]),
            .reply(
                to: query,
                answers: [.alias(query.name, "a.example.net"), .alias("a.example.net", query.name)]),
            .reply(to: query, code: 3, authority: [zone]),
            .reply(to: query, authority: [.nameServer("example.com"), .nameServer("com")]),
            .reply(to: query, code: 2), .reply(to: query, isTruncated: true),
            .reply(to: query, answers: (0..<40).map { .a(query.name, UInt8($0)) }),
            chain, long, query.bytes,
        ]
    }
}
