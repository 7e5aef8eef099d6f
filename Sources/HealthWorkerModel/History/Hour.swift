/// One hour of the storage's clock, in UTC.
package struct Hour: Hashable, Comparable, Sendable {
    /// Hours since 1970-01-01T00:00:00Z.
    package var number: Int64

    package init(number: Int64) {
        self.number = number
    }

    /// The hour that a moment lies in.
    package init(of moment: Timestamp) {
        let seconds = moment.seconds
        number = seconds >= 0 ? seconds / 3600 : -((3599 - seconds) / 3600)
    }

    package var start: Timestamp { Timestamp(seconds: number * 3600) }
    package var end: Timestamp { Timestamp(seconds: (number + 1) * 3600) }
    package var next: Hour { Hour(number: number + 1) }
    package var previous: Hour { Hour(number: number - 1) }

    package func contains(_ moment: Timestamp) -> Bool { moment >= start && moment < end }

    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// One month of the calendar, in UTC.
package struct Month: Hashable, Sendable {
    package var year: Int
    package var month: Int

    /// The month that a moment lies in.
    package init(of moment: Timestamp) {
        let digits = moment.description.split(separator: "-")
        // A moment is written as YYYY-MM-DDT….
        year = Int(digits[0]) ?? 1970
        month = Int(digits[1]) ?? 1
    }

    package var previous: Month {
        var other = self
        (other.year, other.month) = month == 1 ? (year - 1, 12) : (year, month - 1)
        return other
    }

    package var next: Month {
        var other = self
        (other.year, other.month) = month == 12 ? (year + 1, 1) : (year, month + 1)
        return other
    }

    package var start: Timestamp {
        // Every month of four digits has a first day.
        Timestamp("\(description)-01T00:00:00Z") ?? Timestamp(seconds: 0)
    }

    package var end: Timestamp { next.start }
}

extension Month: CustomStringConvertible, LosslessStringConvertible {
    /// `2026-10`.
    package var description: String {
        let digits = String(year)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            + (month < 10 ? "-0" : "-") + String(month)
    }

    /// Nil for anything but four digits, a dash and two digits from 01 to 12, and for years before 1970.
    package init?(_ text: String) {
        guard text.utf8.count == 7, let moment = Timestamp("\(text)-01T00:00:00Z"),
            moment.seconds >= 0, moment.seconds < 253_370_764_800
        else { return nil }
        self.init(of: moment)
    }
}
