import HTTPTypes
import HealthWorkerDocument
import HealthWorkerStorage
import Hummingbird

/// What a request says must hold of the stored object (RFC 9110 §13).
enum Preconditions {
    static let parameters: [Endpoint.Parameter] = [
        .header("If-Match", "Carry it out only on this revision, as its `ETag` said; else 412."),
        .header(
            "If-None-Match",
            "`*`: carry it out only if there is no such object yet; else 412.", .choice(["*"])),
    ]
    static let ifMatch = [parameters[0]]

    /// The entity tag of a revision or a generation.
    static func tag(_ number: Int64) -> String { "\"\(number)\"" }

    static func precondition(of request: Request) throws -> Precondition {
        if let text = request.headers[.ifNoneMatch] {
            guard text == "*" else {
                throw ProblemDetails(
                    .invalidParameter,
                    errors: [.init("A write takes `*` only.", at: .header("If-None-Match"))])
            }
            return .absent
        }
        guard let text = request.headers[.ifMatch] else { return .none }
        if text == "*" { return .present }
        guard text.hasPrefix("\""), text.hasSuffix("\""), text.utf8.count > 2,
            let revision = Int64(text.dropFirst().dropLast())
        else {
            // A tag that never was ours cannot be the present one (RFC 9110 §13.1.1).
            throw ProblemDetails(
                .preconditionFailed, "If-Match is not the ETag of any revision.",
                errors: [.init("Send the ETag of a revision.", at: .header("If-Match"))])
        }
        return .revision(revision)
    }

    /// Whether `If-None-Match` names `tag`: then the caller has it already. Weak tags match too.
    static func matches(_ tag: String, header: String?) -> Bool {
        guard let header else { return false }
        return header.split(separator: ",").contains { part in
            var candidate = part.drop { $0 == " " }
            if candidate.hasPrefix("W/") { candidate = candidate.dropFirst(2) }
            return candidate == "*" || candidate.prefix { $0 != " " } == tag
        }
    }
}
