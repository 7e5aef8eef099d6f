extension Timestamp: CustomStringConvertible, LosslessStringConvertible {
    /// RFC 3339 in UTC, with milliseconds where there are any and microseconds where these matter.
    package var description: String {
        let days = Self.floorDivide(seconds, by: 86_400)
        let ofDay = seconds - days * 86_400
        let date = Self.civil(day: days)
        let fraction = microseconds - seconds * 1_000_000
        var text =
            Self.padded(date.year, to: 4) + "-" + Self.padded(date.month, to: 2)
            + "-" + Self.padded(date.day, to: 2) + "T" + Self.padded(ofDay / 3600, to: 2)
            + ":" + Self.padded(ofDay / 60 % 60, to: 2) + ":" + Self.padded(ofDay % 60, to: 2)
        if fraction % 1000 != 0 {
            text += "." + Self.padded(fraction, to: 6)
        } else if fraction != 0 {
            text += "." + Self.padded(fraction / 1000, to: 3)
        }
        return text + "Z"
    }

    /// Reads RFC 3339 §5.6 `date-time`; digits beyond microseconds are dropped, a leap second is
    /// read as the second after it. Nil for anything else.
    package init?(_ text: String) {
        var rest = Substring(text)
        guard let year = Self.number(4, from: &rest), Self.drop("-", from: &rest),
            let month = Self.number(2, from: &rest), (1...12).contains(month),
            Self.drop("-", from: &rest),
            let day = Self.number(2, from: &rest),
            (1...Self.days(in: month, of: year)).contains(day),
            Self.drop("T", from: &rest) || Self.drop("t", from: &rest)
                || Self.drop(" ", from: &rest),
            let hour = Self.number(2, from: &rest), hour <= 23, Self.drop(":", from: &rest),
            let minute = Self.number(2, from: &rest), minute <= 59, Self.drop(":", from: &rest),
            let second = Self.number(2, from: &rest), second <= 60
        else { return nil }

        var fraction: Int64 = 0
        if Self.drop(".", from: &rest) {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty else { return nil }
            for place in 0..<6 {
                let digit = digits.dropFirst(place).first.flatMap { $0.wholeNumberValue } ?? 0
                fraction = fraction * 10 + Int64(digit)
            }
            rest = rest.dropFirst(digits.count)
        }

        var offset: Int64 = 0
        if rest == "Z" || rest == "z" {
            rest = ""
        } else if let sign = rest.first, sign == "+" || sign == "-" {
            rest = rest.dropFirst()
            guard let hours = Self.number(2, from: &rest), hours <= 23, Self.drop(":", from: &rest),
                let minutes = Self.number(2, from: &rest), minutes <= 59
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (sign == "-" ? -1 : 1)
        } else {
            return nil
        }
        guard rest.isEmpty else { return nil }

        let days = Self.dayNumber(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }

    private static func drop(_ character: Character, from text: inout Substring) -> Bool {
        guard text.first == character else { return false }
        text = text.dropFirst()
        return true
    }

    private static func number(_ digits: Int, from text: inout Substring) -> Int64? {
        let head = text.prefix(digits)
        guard head.count == digits, head.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            return nil
        }
        text = text.dropFirst(digits)
        return Int64(head)
    }

    private static func padded(_ number: Int64, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func floorDivide(_ number: Int64, by divisor: Int64) -> Int64 {
        let quotient = number / divisor
        return number % divisor < 0 ? quotient - 1 : quotient
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // The proleptic Gregorian calendar, counted in 400-year cycles of years that begin in March, so
    // that the leap day is a year's last.
    private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let cycle = floorDivide(shifted, by: 400)
        let yearOfCycle = shifted - cycle * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
        return cycle * 146_097 + dayOfCycle - 719_468
    }

    private static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let cycle = floorDivide(shifted, by: 146_097)
        let dayOfCycle = shifted - cycle * 146_097
        let yearOfCycle =
            (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let moment = Timestamp(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not an RFC 3339 time"))
        }
        self = moment
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
