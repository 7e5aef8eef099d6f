package import HealthWorkerModel

/// Into which parts by time the outcomes are divided, and what is to be done about it now.
///
/// The first part has no beginning; what is later than the last part's end goes to the default one
/// until a part is made of it.
package struct OutcomePartitions: Hashable, Sendable {
    package struct Part: Hashable, Sendable {
        package var name: String
        /// Exclusive.
        package var end: Timestamp

        package init(name: String, end: Timestamp) {
            self.name = name
            self.end = end
        }
    }

    /// By their ends, all but the default one.
    package private(set) var parts: [Part]

    package init(_ parts: [Part]) {
        self.parts = parts.sorted { $0.end < $1.end }
    }

    /// How long a part is: an eighth of what is kept, so that no more than that is kept too long, and
    /// an hour to a day, so that there are neither too many parts nor too few.
    package static func length(keeping keep: Duration) -> Duration {
        min(max(keep / 8, .hours(1)), .hours(24))
    }

    /// Parts of which every outcome is older than `keep`. The last one always stays: what comes
    /// later is attached to its end.
    package func outdated(at now: Timestamp, keeping keep: Duration) -> [Part] {
        parts.dropLast().filter { $0.end <= now - keep }
    }

    /// The ends of the parts that are to follow, so that there are two for the time to come. Each
    /// begins where the one before ends.
    package func missing(at now: Timestamp, keeping keep: Duration) -> [Timestamp] {
        guard var end = parts.last?.end else { return [] }
        let length = Self.length(keeping: keep)
        var ends: [Timestamp] = []
        while end < now + length * 2 {
            end = Self.end(after: end, length)
            ends.append(end)
        }
        return ends
    }

    /// Ends the time of what was written beyond the last part, so that the parts to follow begin soon
    /// after `now`, and not where the last one ends.
    /// - Returns: what was written there, as a part; nil without any part.
    package mutating func setAside(
        at now: Timestamp, named name: (Timestamp) -> String
    ) -> Part? {
        guard let last = parts.last?.end else { return nil }
        // A part's name says its end in whole seconds.
        let seconds = max(now, last).microseconds / 1_000_000 + 2
        let aside = Part(name: name(Timestamp(seconds: seconds)), end: Timestamp(seconds: seconds))
        parts.append(aside)
        return aside
    }

    /// The next whole multiple of `length`, in UTC.
    package static func end(after moment: Timestamp, _ length: Duration) -> Timestamp {
        let step = length.microseconds
        return Timestamp(microseconds: (moment.microseconds / step + 1) * step)
    }
}
