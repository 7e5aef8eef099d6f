/// What a check's target was held to be, and when, within an hour. Pure.
///
/// Between its first moment, which is later than the hour's start only for a check that is younger, and
/// the hour's end it says something of each moment; time in which nothing was found out is `unknown`.
package struct HealthTimeline: Hashable, Sendable {
    package struct Span: Hashable, Sendable {
        package var from: Timestamp
        package var health: Health

        package init(from: Timestamp, health: Health) {
            self.from = from
            self.health = health
        }
    }

    package let hour: Hour
    /// In order, each until the next one; neighbours differ.
    package private(set) var spans: [Span]

    /// - Parameters:
    ///   - spans: in order; those of one moment count for nothing, but for the last.
    package init(_ hour: Hour, _ spans: [Span]) {
        self.hour = hour
        self.spans = []
        for (index, span) in spans.enumerated() {
            let end = index + 1 < spans.count ? spans[index + 1].from : hour.end
            guard span.from < min(end, hour.end), end > hour.start else { continue }
            if self.spans.last?.health == span.health { continue }
            self.spans.append(Span(from: max(span.from, hour.start), health: span.health))
        }
    }

    /// Each span with its end.
    package var stretches: [(from: Timestamp, until: Timestamp, health: Health)] {
        spans.indices.map { index in
            (
                spans[index].from,
                index + 1 < spans.count ? spans[index + 1].from : hour.end, spans[index].health
            )
        }
    }

    /// Nil before its first moment.
    package func health(at moment: Timestamp) -> Health? {
        spans.last { $0.from <= moment }?.health
    }

    package func time(_ health: Health) -> Duration {
        stretches.reduce(.zero) { $0 + ($1.health == health ? $1.until - $1.from : .zero) }
    }

    /// How much of the hour it says something of.
    package var measured: Duration { (spans.first.map { hour.end - $0.from }) ?? .zero }
}

extension HealthTimeline {
    /// What was held by the turns alone.
    ///
    /// - Parameters:
    ///   - turns: those from the hour's start on, oldest first, with those after its end, if any.
    ///   - present: what is held after all of these.
    ///   - birth: when the check was made.
    package init(
        of hour: Hour, turns: [(at: Timestamp, from: Health, to: Health)], present: Health,
        birth: Timestamp
    ) {
        let first = Span(
            from: max(hour.start, birth), health: turns.first?.from ?? present)
        self.init(hour, [first] + turns.map { Span(from: $0.at, health: $0.to) })
    }

    /// The same, `unknown` wherever the last conclusive outcome was longer ago than `limit`.
    ///
    /// - Parameters:
    ///   - seen: the moments of conclusive outcomes, oldest first, beginning with the last one before
    ///     the hour, if it is known.
    package func seen(at seen: [Timestamp], within limit: Duration) -> HealthTimeline {
        var known: [(from: Timestamp, until: Timestamp)] = []
        for moment in seen {
            if let last = known.last, last.until >= moment {
                known[known.count - 1].until = moment + limit
            } else {
                known.append((moment, moment + limit))
            }
        }
        var spans: [Span] = []
        for stretch in stretches {
            spans.append(Span(from: stretch.from, health: .unknown))
            for time in known where time.from < stretch.until && time.until > stretch.from {
                spans.append(Span(from: max(time.from, stretch.from), health: stretch.health))
                if time.until < stretch.until {
                    spans.append(Span(from: time.until, health: .unknown))
                }
            }
        }
        return HealthTimeline(hour, spans)
    }
}

/// A timeline's text is of none.
package struct TimelineError: Error, Hashable, Sendable, CustomStringConvertible {
    package var text: String

    package var description: String { "\"\(text.prefix(40))\" is no timeline." }
}

// The text: each span as the microseconds from the hour's start and one letter, `0h1800000000d`.
extension HealthTimeline {
    package var encoded: String {
        spans.map { "\(($0.from - hour.start).microseconds)\($0.health.letter)" }.joined()
    }

    package init(_ hour: Hour, encoded text: String) throws(TimelineError) {
        var spans: [Span] = []
        var offset: Int64?
        for character in text.utf8 {
            if let digit = Int64(exactly: Int(character) - 0x30), (0...9).contains(digit) {
                offset = (offset ?? 0) * 10 + digit
                if offset ?? 0 >= 3_600_000_000 { throw TimelineError(text: text) }
            } else if let from = offset, let health = Health(letter: character),
                spans.last.map({ $0.from < hour.start + .microseconds(from) }) ?? true
            {
                spans.append(Span(from: hour.start + .microseconds(from), health: health))
                offset = nil
            } else {
                throw TimelineError(text: text)
            }
        }
        if offset != nil { throw TimelineError(text: text) }
        self.init(hour, spans)
    }
}

extension Health {
    fileprivate var letter: Character {
        switch self {
        case .healthy: "h"
        case .unhealthy: "d"
        case .unknown: "u"
        }
    }

    fileprivate init?(letter: UInt8) {
        guard let health = Health.allCases.first(where: { $0.letter.asciiValue == letter }) else {
            return nil
        }
        self = health
    }
}
