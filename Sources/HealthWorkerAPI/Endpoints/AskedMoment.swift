import HealthWorkerDocument
import HealthWorkerModel

/// A moment as callers name it: a time, or how long before now.
enum AskedMoment {
    private static let schema = Schema.anyOf([
        Answers.time, .timeSpan(.seconds(1)...(.hours(24 * 3660))),
    ]).shown(as: .string("2h"))

    /// A parameter of a query. Its `+` is that of an offset: `2026-11-26T10:00:00+01:00`.
    static func parameter(_ name: String, _ summary: String) -> Endpoint.Parameter {
        var parameter = Endpoint.Parameter.query(name, schema, summary)
        parameter.plusIsPlus = true
        return parameter
    }
}

extension Call {
    /// Nil where it is not asked for.
    func moment(_ parameter: String, now: Timestamp) -> Timestamp? {
        text(parameter).flatMap { text in
            TimeSpan(text).map { now - $0.duration } ?? Timestamp(text)
        }
    }
}
