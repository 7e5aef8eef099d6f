import HealthWorkerModel
import Testing

@Suite struct LatencyHistogramTests {
    private static func times(_ generator: inout Generator) -> [Int] {
        (0..<generator.number(0...200)).map { _ in
            // As many short ones as long ones.
            generator.number(0...(1 << generator.number(0...33)))
        }
    }

    private static func histogram(_ times: some Sequence<Int>) -> LatencyHistogram {
        var histogram = LatencyHistogram()
        for time in times { histogram.add(.microseconds(time)) }
        return histogram
    }

    @Test(arguments: 0..<50)
    func `a quantile is within a sixteenth of the time that so many did not exceed`(seed: Int) {
        var generator = Generator(seed: seed)
        let times = Self.times(&generator).sorted()
        let histogram = Self.histogram(times)

        #expect(histogram.count == times.count)
        #expect((histogram.quantile(0.5) == nil) == times.isEmpty)
        for share in [0, 0.01, 0.5, 0.95, 0.99, 1] where !times.isEmpty {
            let rank = max(1, Int((share * Double(times.count)).rounded(.up)))
            let exact = Double(times[rank - 1])
            let found = Double(histogram.quantile(share)?.microseconds ?? -1)
            #expect(abs(found - exact) <= exact / 16, "\(share): \(found) for \(exact)")
        }
    }

    @Test(arguments: 0..<50)
    func `merged in whatever order it is that of all times`(seed: Int) {
        var generator = Generator(seed: seed + 1000)
        let parts = (0..<3).map { _ in Self.times(&generator) }
        let (a, b, c) = (
            Self.histogram(parts[0]), Self.histogram(parts[1]), Self.histogram(parts[2])
        )
        let merge = { (left: LatencyHistogram, right: LatencyHistogram) in
            var merged = left
            merged.merge(right)
            return merged
        }

        #expect(merge(merge(a, b), c) == Self.histogram(parts.joined()))
        #expect(merge(merge(a, b), c) == merge(a, merge(b, c)))
        #expect(merge(a, b) == merge(b, a))
        #expect(merge(a, LatencyHistogram()) == a)
    }

    @Test(arguments: 0..<50)
    func `its text is read as it was`(seed: Int) throws {
        var generator = Generator(seed: seed + 2000)
        let histogram = Self.histogram(Self.times(&generator))

        #expect(try LatencyHistogram(encoded: histogram.encoded) == histogram)
    }

    @Test func `an hour of a steady target is a few letters`() {
        let histogram = Self.histogram((0..<360).map { 1000 + $0 })

        #expect(histogram.encoded.utf8.count < 20, "\(histogram.encoded)")
        #expect(LatencyHistogram().encoded.isEmpty)
    }

    @Test func `what takes longer than it can tell apart counts as the longest`() {
        let histogram = Self.histogram([Int.max, 1 << 40, -5])

        #expect(histogram.count == 3)
        #expect(histogram.quantile(0.3) == .zero)
        #expect(histogram.quantile(1) ?? .zero > .hours(4))
    }

    @Test(arguments: [
        "A", "BA", "AB", "BBB", "!B", "B!", "ggggggggggggggggB", "Bgggggggggggggggggg", "BBAB",
        "hIBB", " BB", "BB ",
    ])
    func `a text of no histogram is refused`(text: String) {
        #expect(throws: HistogramError.damaged(text)) { try LatencyHistogram(encoded: text) }
    }

    @Test(arguments: 0..<200)
    func `whatever it is given it is read or refused`(seed: Int) {
        var generator = Generator(seed: seed + 3000)
        let letters = Array("ABCDEFghijkl0189-_,! é")
        let text = String(
            (0..<generator.number(0...30)).map { _ in generator.one(of: letters) })

        do throws(HistogramError) {
            let histogram = try LatencyHistogram(encoded: text)
            #expect(histogram.count >= 0)
            let again = try LatencyHistogram(encoded: histogram.encoded)
            #expect(again == histogram)
        } catch {
            #expect(error.description.hasSuffix("is no histogram."))
        }
    }

    @Test func `the times of phases are read as they were, and anything else is refused`() throws {
        var times = PhaseTimes()
        times.add(Phases(connect: 1200, firstByte: 30_000))
        times.add(Phases(connect: 1300))
        var twice = times
        twice.merge(times)

        #expect(try PhaseTimes(encoded: times.encoded) == times)
        #expect(times.total.count == 2)
        #expect(times.phases[.firstByte]?.count == 1)
        #expect(times.phases[.tls] == nil)
        #expect(twice.phases[.connect]?.count == 4)
        #expect(throws: HistogramError.self) { try PhaseTimes(encoded: "") }
        #expect(throws: HistogramError.self) { try PhaseTimes(encoded: times.encoded + ",") }
    }
}
