import HealthWorkerDocument
import HealthWorkerModel

/// When an operator's order ends: exactly one of `for`, `until` and `permanent: true`, so that none
/// is forgotten by mistake.
enum OrderEnd {
    static let properties: [Schema.Property] = [
        Answers.optional(
            "for",
            .timeSpan(.seconds(1)...(.hours(24 * 366))).described("It ends after this time.")),
        Answers.optional("until", Answers.time.described("It ends at this moment.")),
        Answers.optional(
            "permanent", .boolean.described("It ends only when somebody ends it.")),
    ]

    /// Nil: permanent.
    static func end(of document: Node, now: Timestamp) throws -> Timestamp? {
        let span = document["for"]?.text.flatMap(TimeSpan.init)
        let until = document["until"]?.text.flatMap(Timestamp.init)
        let isPermanent = document["permanent"]?.bool ?? false
        guard [span != nil, until != nil, isPermanent].count(where: \.self) == 1 else {
            throw ProblemDetails(
                .invalid,
                [Problem("needs exactly one of `for`, `until` and `permanent: true`")])
        }
        if let until, until <= now {
            throw ProblemDetails(
                .invalid, [Problem("is over already", at: .root.appending("until"))])
        }
        return until ?? span.map { now + $0.duration }
    }
}
