import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// An error as it is answered: `application/problem+json` (RFC 9457) with all that is wrong at once.
///
/// It never repeats a header, nor the secret of a key that was sent where none belongs.
struct ProblemDetails: Error, Sendable {
    /// One thing that is wrong, and where.
    struct Item: Hashable, Sendable {
        enum Place: Hashable, Sendable {
            /// A JSON pointer (RFC 6901) into the body.
            case body(pointer: String)
            case parameter(String)
            case header(String)
            case nowhere
        }

        var place: Place
        var detail: String
        var line: Int?
        var column: Int?
        var suggestion: String?

        init(
            _ detail: String, at place: Place = .nowhere, line: Int? = nil, column: Int? = nil,
            suggestion: String? = nil
        ) {
            self.detail = detail
            self.place = place
            self.line = line
            self.column = column
            self.suggestion = suggestion
        }
    }

    var kind: ProblemKind
    var detail: String?
    var errors: [Item]
    var headers: HTTPFields

    init(
        _ kind: ProblemKind, _ detail: String? = nil, errors: [Item] = [], headers: HTTPFields = [:]
    ) {
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers
    }

    func node(requestID: String) -> Node {
        var entries: [Node.Entry] = [
            .init("type", .string(kind.type)), .init("title", .string(kind.title)),
            .init("status", .integer(Int64(kind.status.code))),
        ]
        if let detail { entries.append(.init("detail", .string(KeyMint.redacting(detail)))) }
        if !errors.isEmpty {
            entries.append(.init("errors", .array(errors.map(\.node))))
        }
        entries.append(.init("request_id", .string(requestID)))
        return Node(.object(entries))
    }

    func response(requestID: String) -> Response {
        var response = Response.json(node(requestID: requestID), status: kind.status)
        response.headers[.contentType] = "application/problem+json"
        response.headers[.cacheControl] = "no-store"
        for field in headers { response.headers[field.name] = field.value }
        return response
    }
}

extension ProblemDetails.Item {
    fileprivate var node: Node {
        var entries: [Node.Entry] = []
        switch place {
        case .body(let pointer):
            entries.append(.init("pointer", .string(KeyMint.redacting(pointer))))
        case .parameter(let name):
            entries.append(.init("parameter", .string(KeyMint.redacting(name))))
        case .header(let name): entries.append(.init("header", .string(name)))
        case .nowhere: break
        }
        entries.append(.init("detail", .string(KeyMint.redacting(detail))))
        if let line { entries.append(.init("line", .integer(Int64(line)))) }
        if let column { entries.append(.init("column", .integer(Int64(column)))) }
        if let suggestion { entries.append(.init("suggestion", .string(suggestion))) }
        return Node(.object(entries))
    }
}

// MARK: - From the errors of other parts

extension ProblemDetails {
    /// Several things that are wrong in one way, or one.
    init(_ kind: ProblemKind, listing errors: [Item]) {
        self.init(
            kind, errors.count == 1 ? errors[0].detail : "\(errors.count) problems were found.",
            errors: errors)
    }

    /// What is wrong with a body, by its own pointers and lines.
    init(_ kind: ProblemKind, _ problems: [Problem]) {
        self.init(
            kind,
            problems.count == 1 ? problems[0].sentence : "\(problems.count) problems were found.",
            errors: problems.map { problem in
                Item(
                    problem.message, at: .body(pointer: problem.pointer), line: problem.line,
                    column: problem.column, suggestion: problem.suggestion)
            })
    }

    init(_ error: StorageError) {
        switch error {
        case .unavailable:
            // The reason may name hosts and users: it is for the log.
            self.init(
                .unavailable,
                "The storage cannot be reached at present. What is published stays as it is.",
                headers: [.retryAfter: "1"])
        case .schema(let why):
            self.init(.unavailable, why, headers: [.retryAfter: "30"])
        case .failed:
            self.init(.internal, "The log has the details under this request's id.")
        case .refused(let refusals):
            self.init(refusals)
        }
    }

    /// - Parameter conditional: the request carried a precondition, so that what exists or is missing
    ///   contradicts that precondition.
    init(
        _ refusals: [Refusal], conditional: Bool = false,
        pointer: (Refusal) -> String? = { _ in nil }
    ) {
        let kinds = refusals.map { $0.kind(conditional: conditional) }
        let kind: ProblemKind =
            if kinds.contains(.preconditionFailed) {
                .preconditionFailed
            } else if kinds.contains(.conflict) {
                .conflict
            } else {
                .notFound
            }
        self.init(
            kind,
            refusals.count == 1 ? refusals[0].description : "\(refusals.count) things contradict.",
            errors: refusals.map { refusal in
                Item(
                    refusal.description,
                    at: pointer(refusal).map { .body(pointer: $0) } ?? .nowhere)
            })
    }

    static func missing(_ kind: ObjectKind, _ name: String) -> ProblemDetails {
        ProblemDetails([.missing(kind, name)])
    }
}

extension Refusal {
    fileprivate func kind(conditional: Bool) -> ProblemKind {
        switch self {
        case .missing, .exists:
            if conditional {
                .preconditionFailed
            } else if case .missing = self {
                .notFound
            } else {
                .conflict
            }
        case .revision: .preconditionFailed
        case .noSuchMember, .noSuchOverride, .noSuchMaintenance: .notFound
        case .inUse, .noSuchCheck, .madeByPolicy, .nameTaken, .ownedBySet, .publicationTaken,
            .unprotected, .nothingToDo, .secretInUse, .tooMany, .noSuchDependency, .dependedOn,
            .dependencyCircle:
            .conflict
        }
    }
}
