package import Foundation
package import HealthWorkerModel

/// Moments of the API for people: how long ago, or how long until then.
package enum Moments {
    package static var now: Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    /// `12m 5s ago`, `in 2h 0m`, `now`; the text itself where it is no moment.
    package static func relative(_ text: String?, now: Date = Date()) -> String {
        guard let text, let moment = Timestamp(text) else { return text ?? "-" }
        let seconds = Int64(now.timeIntervalSince1970.rounded()) - moment.microseconds / 1_000_000
        if seconds == 0 { return "now" }
        return seconds > 0 ? "\(span(seconds)) ago" : "in \(span(-seconds))"
    }

    /// The time of day in UTC, with the date where it is not today's.
    package static func clock(_ text: String?, now: Date = Date()) -> String {
        guard let text, let moment = Timestamp(text) else { return text ?? "-" }
        let whole = Timestamp(seconds: moment.microseconds / 1_000_000).description
        let today = Timestamp(seconds: Int64(now.timeIntervalSince1970)).description.prefix(10)
        let time = whole.dropFirst(11).prefix(8)
        return whole.hasPrefix(today) ? String(time) : "\(whole.prefix(10)) \(time)"
    }

    private static func span(_ seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m \(seconds % 60)s"
        case ..<86_400: "\(seconds / 3600)h \(seconds / 60 % 60)m"
        default: "\(seconds / 86_400)d \(seconds / 3600 % 24)h"
        }
    }
}
