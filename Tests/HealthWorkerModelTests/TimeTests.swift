import HealthWorkerModel
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T12:00:00Z", 1_795_348_800_000_000),
            ("2024-02-29T23:59:59.999999Z", 1_709_251_199_999_999),
            ("2000-01-01T00:00:00.5Z", 946_684_800_500_000),
            ("1969-12-31T23:59:59.999Z", -1000),
            ("2026-11-22t12:00:00z", 1_795_348_800_000_000),
            ("2026-11-22 12:00:00Z", 1_795_348_800_000_000),
            ("2026-11-22T14:30:00+02:30", 1_795_348_800_000_000),
            ("2026-11-22T04:00:00-08:00", 1_795_348_800_000_000),
            ("2026-11-22T12:00:00.1234567891Z", 1_795_348_800_123_456),
            ("1990-12-31T23:59:60Z", 662_688_000_000_000),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
        ] as [(String, Int64)])
    func `reads RFC 3339`(text: String, microseconds: Int64) {
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2026-11-22", "12:00:00Z", "2026-11-22T12:00:00", "2026-11-22T12:00Z",
        "2026-11-22T12:00:00+0200", "2026-11-22T12:00:00+24:00", "2026-11-22T12:00:00+02:60",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-00T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T12:60:00Z", "2026-11-22T12:00:61Z",
        "2026-11-22T12:00:00.Z", "2026-11-22T12:00:00Z ", " 2026-11-22T12:00:00Z",
        "26-11-22T12:00:00Z", "2026-1-22T12:00:00Z", "+2026-11-22T12:00:00Z",
        "２０２６-11-22T12:00:00Z", "2026-11-22T12:00:00,5Z", "1795348800",
    ])
    func `refuses anything else`(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00Z"), (1_500_000, "1970-01-01T00:00:01.500Z"),
        (1, "1970-01-01T00:00:00.000001Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00Z"),
    ])
    func `is written with as many digits as matter`(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
    }

    @Test func `every moment from year 0 to 9999 is read as it was written`() {
        var generator = Generator(seed: 3339)
        for _ in 0..<20_000 {
            let moment = Timestamp(
                microseconds: Int64.random(
                    in: -62_167_219_200_000_000...253_402_300_799_999_999, using: &generator))

            #expect(Timestamp(moment.description) == moment)
        }
    }

    @Test func `whole seconds are rounded down, also before 1970`() {
        #expect(Timestamp(microseconds: 1_999_999).seconds == 1)
        #expect(Timestamp(microseconds: -1).seconds == -1)
        #expect(Timestamp(microseconds: -1_000_000).seconds == -1)
        #expect(Timestamp(microseconds: -1_000_001).seconds == -2)
    }

    @Test func `durations add up`() {
        #expect(Timestamp.noon + .minutes(2) - .noon == .seconds(120))
        #expect(Timestamp.noon - .hours(1) < .noon)
    }
}

@Suite struct TimeSpanTests {
    @Test(arguments: [
        ("0s", Duration.zero), ("250ms", .milliseconds(250)), ("10s", .seconds(10)),
        ("1m30s", .seconds(90)), ("2h", .seconds(7200)), ("7d", .seconds(604_800)),
        ("1d2h3m4s5ms6us", .seconds(93_784) + .microseconds(5006)), ("90s", .seconds(90)),
        ("10000d", .seconds(864_000_000)),
    ])
    func `reads what people write`(text: String, duration: Duration) {
        #expect(TimeSpan(text)?.duration == duration)
    }

    @Test(arguments: [
        "", "10", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1sec", "1s1m", "1s1s",
        "1ms1s", "10001d", "9999d24h1s", "99999999999999999999s", "9223372036854775807d", "１s",
        "1m 30s", "0x1s",
    ])
    func `refuses anything else`(text: String) {
        #expect(TimeSpan(text) == nil)
    }

    @Test(arguments: [
        (TimeSpan.seconds(0), "0s"), (.seconds(90), "1m30s"), (.hours(36), "36h"),
        (.hours(48), "2d"), (.milliseconds(1500), "1s500ms"), (TimeSpan(.microseconds(7)), "7us"),
    ])
    func `is written as people say it`(span: TimeSpan, text: String) {
        #expect(span.description == text)
    }

    @Test func `every span is read as it was written`() {
        var generator = Generator(seed: 17)
        for _ in 0..<10_000 {
            let limit = Int64(1) << generator.number(1...49)
            let span = TimeSpan(.microseconds(Int64.random(in: 0..<limit, using: &generator)))

            #expect(TimeSpan(span.description) == span)
        }
    }
}
