import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import Testing

@Suite struct AnswerCacheTests {
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    static let found = DNSAnswer.addresses([.v4(0xc000_0201)])

    private func question(_ number: Int) throws -> Question {
        Question(name: try DomainName("n\(number).example.com"), type: .a)
    }

    @Test func `an answer is known until it no longer holds`() throws {
        var cache = AnswerCache()
        let question = try question(1)

        cache.keep(Self.found, to: question, holds: 20, at: Self.start)

        let almost = Self.start + .seconds(20) - .nanoseconds(1)
        #expect(cache.answer(to: question, at: almost) == Self.found)
        #expect(cache.answer(to: question, at: Self.start + .seconds(20)) == nil)
        #expect(cache.count == 0)
    }

    @Test func `an answer that holds for no time is not kept`() throws {
        var cache = AnswerCache()

        cache.keep(Self.found, to: try question(1), holds: 0, at: Self.start)

        #expect(cache.count == 0)
    }

    @Test func `types of one name are kept apart`() throws {
        var cache = AnswerCache()
        let question = try question(1)

        cache.keep(Self.found, to: question, holds: 20, at: Self.start)

        let other = Question(name: question.name, type: .aaaa)
        #expect(cache.answer(to: other, at: Self.start) == nil)
    }

    @Test func `nothing is kept longer than the limits, and failures for a second only`() throws {
        var cache = AnswerCache()

        cache.keep(Self.found, to: try question(1), holds: .max, at: Self.start)
        cache.keep(.nothing(.noSuchName), to: try question(2), holds: .max, at: Self.start)

        #expect(cache.answer(to: try question(1), at: Self.start + .seconds(59)) == Self.found)
        #expect(cache.answer(to: try question(1), at: Self.start + .seconds(60)) == nil)
        let failure = cache.answer(to: try question(2), at: Self.start + .milliseconds(999))
        #expect(failure == .nothing(.noSuchName))
        #expect(cache.answer(to: try question(2), at: Self.start + .seconds(1)) == nil)
    }

    @Test func `there is room for so many, and what is asked for stays`() throws {
        var cache = AnswerCache(AnswerCache.Limits(most: 100))
        let wanted = try question(0)
        cache.keep(Self.found, to: wanted, holds: 60, at: Self.start)

        var most = 0
        for number in 1...10_000 {
            cache.keep(Self.found, to: try question(number), holds: 60, at: Self.start)
            _ = cache.answer(to: wanted, at: Self.start)
            most = max(most, cache.count)
        }

        #expect((50...100).contains(most))
        #expect(cache.answer(to: wanted, at: Self.start) == Self.found)
        #expect(cache.answer(to: try question(10_000), at: Self.start) == Self.found)
        #expect(cache.answer(to: try question(1), at: Self.start) == nil)
    }

    @Test func `a new answer replaces the old one`() throws {
        var cache = AnswerCache()
        let question = try question(1)
        cache.keep(Self.found, to: question, holds: 60, at: Self.start)

        cache.keep(.nothing(.noError), to: question, holds: 60, at: Self.start)

        #expect(cache.answer(to: question, at: Self.start) == .nothing(.noError))
        #expect(cache.count == 1)
    }
}
