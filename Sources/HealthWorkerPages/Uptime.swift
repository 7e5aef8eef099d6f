import Foundation
import HealthWorkerModel

/// How long a check was held healthy on each of the last days, made of its hours.
struct Uptime {
    private struct Day {
        var date: String
        var healthy: Duration = .zero
        var unhealthy: Duration = .zero
        var measured: Duration = .zero

        /// The worst of the day: a minute of being unhealthy is worth a look.
        var worst: OutcomeKind {
            unhealthy > .zero ? .failure : healthy < measured ? .inconclusive : .success
        }
    }

    private var days: [Day] = []

    /// - Parameter hours: oldest first.
    init(_ hours: [CheckHour]) {
        for hour in hours {
            let date = String(hour.hour.start.description.prefix(10))
            if days.last?.date != date { days.append(Day(date: date)) }
            days[days.count - 1].healthy += hour.timeline.time(.healthy)
            days[days.count - 1].unhealthy += hour.timeline.time(.unhealthy)
            days[days.count - 1].measured += hour.timeline.measured
        }
        days = days.suffix(30)
    }

    /// Nil where no hour was made yet.
    var html: HTML? {
        let measured = days.reduce(Duration.zero) { $0 + $1.measured }
        guard measured > .zero else { return nil }
        let share = Self.percent(days.reduce(.zero) { $0 + $1.healthy }, of: measured)
        var bars = OutcomeBars(
            days.map { day in
                OutcomeBars.Bar(
                    day.worst,
                    title: "\(day.date) \(Self.percent(day.healthy, of: day.measured)) healthy")
            })
        bars.sentence = "\(share) healthy in \(days.count == 1 ? "1 day" : "\(days.count) days")"
        return "\(share) \(bars.html)"
    }

    /// Rounded down.
    private static func percent(_ part: Duration, of whole: Duration) -> String {
        guard whole > .zero else { return "–" }
        let share = Double(part.microseconds) / Double(whole.microseconds)
        return String(format: "%.2f %%", (share * 10_000).rounded(.down) / 100)
    }
}
