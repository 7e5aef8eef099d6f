import Foundation

/// Milliseconds since 1970, as the host has them.
package typealias LogClock = @Sendable () -> Int64

enum LogTime {
    static let host: LogClock = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// RFC 3339 in UTC, always with milliseconds, so that lines sort as text.
    static func text(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var date = tm()
        gmtime_r(&seconds, &date)
        var text = ""
        text.reserveCapacity(24)
        append(Int(date.tm_year) + 1900, 4, "-", to: &text)
        append(Int(date.tm_mon) + 1, 2, "-", to: &text)
        append(Int(date.tm_mday), 2, "T", to: &text)
        append(Int(date.tm_hour), 2, ":", to: &text)
        append(Int(date.tm_min), 2, ":", to: &text)
        append(Int(date.tm_sec), 2, ".", to: &text)
        append(Int(milliseconds % 1000), 3, "Z", to: &text)
        return text
    }

    private static func append(
        _ number: Int, _ width: Int, _ separator: String, to text: inout String
    ) {
        let digits = String(number)
        for _ in digits.utf8.count..<max(width, digits.utf8.count) { text += "0" }
        text += digits
        text += separator
    }
}
