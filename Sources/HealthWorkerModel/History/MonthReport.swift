/// How available policies were in one month, and how often what they publish had to change. Pure.
package struct MonthReport: Hashable, Sendable {
    package struct Line: Hashable, Sendable {
        /// The policy's name; nil: all together.
        package var policy: String?
        package var type: PolicyType?
        package var mode: PolicyMode?
        /// The first moment that is known: later than the month's start where the policy is younger, or
        /// hours before it are not kept any more. Nil: nothing is known.
        package var from: Timestamp?
        package var time = AvailableTime()
        package var failovers = FailoverFigures()

        package init(policy: String? = nil, type: PolicyType? = nil, mode: PolicyMode? = nil) {
            self.policy = policy
            self.type = type
            self.mode = mode
        }

        package mutating func add(_ hour: PolicyHour) {
            let first = hour.hour.end - hour.time.measured
            from = min(from ?? first, first)
            time += hour.time
            failovers.merge(hour.failovers)
        }

        package mutating func add(_ line: Line) {
            if let first = line.from { from = min(from ?? first, first) }
            time += line.time
            failovers.merge(line.failovers)
        }
    }

    package var month: Month
    /// In the order of names.
    package private(set) var lines: [Line] = []
    package private(set) var total = Line()

    package init(of month: Month) {
        self.month = month
    }

    package mutating func add(_ line: Line) {
        lines.append(line)
        total.add(line)
    }
}

extension AvailableTime {
    /// The share of the measured time, 0 … 1; nil where none was measured. Time of which nothing is
    /// known counts as measured and not as available.
    package var availability: Double? { share(available) }

    package func share(_ time: Duration) -> Double? {
        measured > .zero
            ? Double(time.microseconds) / Double(measured.microseconds) : nil
    }
}
