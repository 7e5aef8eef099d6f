package import HTTPTypes

/// What kind of error an answer tells: the stable part of its `type`, its status and its title.
package enum ProblemKind: String, Hashable, Sendable, CaseIterable {
    /// The body is not JSON or YAML at all.
    case malformed
    /// A path, query or header parameter is not what the operation takes.
    case invalidParameter = "invalid-parameter"
    case unauthenticated
    case forbidden
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case conflict
    /// `If-Match` or `If-None-Match` does not hold.
    case preconditionFailed = "precondition-failed"
    case tooLarge = "too-large"
    case unsupportedMediaType = "unsupported-media-type"
    /// The body was read and is not a valid document.
    case invalid
    case `internal`
    /// The storage is away; the same request may succeed later.
    case unavailable

    package var status: HTTPResponse.Status {
        switch self {
        case .malformed, .invalidParameter: .badRequest
        case .unauthenticated: .unauthorized
        case .forbidden: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .notAcceptable: .notAcceptable
        case .conflict: .conflict
        case .preconditionFailed: .preconditionFailed
        case .tooLarge: .contentTooLarge
        case .unsupportedMediaType: .unsupportedMediaType
        case .invalid: .unprocessableContent
        case .internal: .internalServerError
        case .unavailable: .serviceUnavailable
        }
    }

    package var title: String {
        switch self {
        case .malformed: "The body cannot be read"
        case .invalidParameter: "A parameter is not valid"
        case .unauthenticated: "A key is needed"
        case .forbidden: "The key may not do this"
        case .notFound: "Not found"
        case .methodNotAllowed: "The method is not allowed here"
        case .notAcceptable: "None of the accepted types can be answered"
        case .conflict: "It contradicts what is stored"
        case .preconditionFailed: "The precondition does not hold"
        case .tooLarge: "The body is too large"
        case .unsupportedMediaType: "The type of the body is not supported"
        case .invalid: "The document is not valid"
        case .internal: "Something failed"
        case .unavailable: "The storage is not available"
        }
    }

    /// RFC 9457 §3.1.1: an absolute URI that nobody needs to follow.
    package var type: String { "urn:problem-type:health-worker:\(rawValue)" }
}
