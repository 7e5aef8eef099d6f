import HealthWorkerDocument
import HealthWorkerModel

/// A moment as callers name it: a time, or how long before now.
enum AskedMoment {
    static let schema = Schema.anyOf([
        Answers.time, .timeSpan(.seconds(1)...(.hours(24 * 3660))),
    ]).shown(as: .string("2h"))
}

extension Call {
    /// Nil where it is not asked for.
    func moment(_ parameter: String, now: Timestamp) -> Timestamp? {
        text(parameter).flatMap { text in
            TimeSpan(text).map { now - $0.duration } ?? Timestamp(text)
        }
    }
}
