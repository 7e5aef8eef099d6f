package import NIOCore

/// Answers, for as long as they hold and there is room.
package struct AnswerCache: Sendable {
    package struct Limits: Hashable, Sendable {
        /// How many answers are kept.
        package var most: Int
        /// The longest that addresses are kept, whatever their records say.
        package var longest: TimeAmount
        /// The longest that is remembered that there is nothing.
        ///
        /// That is a failure of a check, and failures are counted in a row: they must not be one
        /// answer, read several times. Checks are probed a second apart at the least.
        package var longestNegative: TimeAmount

        package init(
            most: Int = 20_000, longest: TimeAmount = .seconds(60),
            longestNegative: TimeAmount = .seconds(1)
        ) {
            self.most = most
            self.longest = longest
            self.longestNegative = longestNegative
        }
    }

    private struct Entry {
        var answer: DNSAnswer
        var until: NIODeadline
    }

    private let limits: Limits
    // What is not asked for while one generation fills is forgotten with the other: no list of uses.
    private var young: [Question: Entry] = [:]
    private var old: [Question: Entry] = [:]

    package init(_ limits: Limits = Limits()) {
        self.limits = limits
    }

    package var count: Int { young.count + old.count }

    package mutating func answer(to question: Question, at now: NIODeadline) -> DNSAnswer? {
        if let entry = young[question] {
            if entry.until > now { return entry.answer }
            young[question] = nil
        } else if let entry = old.removeValue(forKey: question), entry.until > now {
            store(entry, for: question)
            return entry.answer
        }
        return nil
    }

    /// Keeps `answer`, which holds for so many seconds; not at all for none.
    package mutating func keep(
        _ answer: DNSAnswer, to question: Question, holds seconds: UInt32, at now: NIODeadline
    ) {
        let longest = if case .nothing = answer { limits.longestNegative } else { limits.longest }
        let time = min(.seconds(Int64(seconds)), longest)
        guard time > .zero else { return }
        old[question] = nil
        store(Entry(answer: answer, until: now + time), for: question)
    }

    private mutating func store(_ entry: Entry, for question: Question) {
        if young.count >= limits.most / 2, young[question] == nil {
            old = young
            young = [:]
        }
        guard limits.most > 1 else { return }
        young[question] = entry
    }

    package mutating func removeAll() {
        young = [:]
        old = [:]
    }
}
