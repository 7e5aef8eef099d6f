package import HTTPTypes

/// What kind of error an answer tells: the stable part of its `type`, its status and its title.
package enum ProblemKind: String, Hashable, Sendable, CaseIterable {
    /// What was sent is no request of HTTP/1.1.
    case malformedRequest = "malformed-request"
    /// The body is not JSON or YAML at all.
    case malformed
    /// A path, query or header parameter is not what the operation takes.
    case invalidParameter = "invalid-parameter"
    case unauthenticated
    case forbidden
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    /// The body did not arrive in its time.
    case tooSlow = "too-slow"
    case conflict
    /// `If-Match` or `If-None-Match` does not hold.
    case preconditionFailed = "precondition-failed"
    case tooLarge = "too-large"
    case headersTooLarge = "headers-too-large"
    case unsupportedMediaType = "unsupported-media-type"
    /// The body was read and is not a valid document.
    case invalid
    case tooManyRequests = "too-many-requests"
    case `internal`
    /// A method that HTTP does not know.
    case notImplemented = "not-implemented"
    /// The storage is away; the same request may succeed later.
    case unavailable

    package var status: HTTPResponse.Status {
        switch self {
        case .malformedRequest, .malformed, .invalidParameter: .badRequest
        case .unauthenticated: .unauthorized
        case .forbidden: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .notAcceptable: .notAcceptable
        case .tooSlow: .requestTimeout
        case .conflict: .conflict
        case .preconditionFailed: .preconditionFailed
        case .tooLarge: .contentTooLarge
        case .headersTooLarge: .requestHeaderFieldsTooLarge
        case .unsupportedMediaType: .unsupportedMediaType
        case .invalid: .unprocessableContent
        case .tooManyRequests: .tooManyRequests
        case .internal: .internalServerError
        case .notImplemented: .notImplemented
        case .unavailable: .serviceUnavailable
        }
    }

    package var title: String {
        switch self {
        case .malformedRequest: "The request is not valid HTTP"
        case .malformed: "The body cannot be read"
        case .invalidParameter: "A parameter is not valid"
        case .unauthenticated: "A key is needed"
        case .forbidden: "This is not allowed"
        case .notFound: "Not found"
        case .methodNotAllowed: "The method is not allowed here"
        case .notAcceptable: "None of the accepted types can be answered"
        case .tooSlow: "The body took too long"
        case .conflict: "It contradicts what is stored"
        case .preconditionFailed: "The precondition does not hold"
        case .tooLarge: "The body is too large"
        case .headersTooLarge: "The head of the request is too large"
        case .unsupportedMediaType: "The type of the body is not supported"
        case .invalid: "The document is not valid"
        case .tooManyRequests: "Too many requests"
        case .internal: "Something failed"
        case .notImplemented: "The method is not known"
        case .unavailable: "The storage is not available"
        }
    }

    /// What helps, for the example in the description.
    package var remedy: String {
        switch self {
        case .malformedRequest: "What was sent is no HTTP/1.1 request."
        case .malformed: "Write JSON (RFC 8259), or YAML where it is taken."
        case .invalidParameter: "`limi` is no known parameter here; did you mean `limit`?"
        case .unauthenticated: "Send a key as Authorization: Bearer KEY."
        case .forbidden: "This needs a key with the role write; this key has read."
        case .notFound: "There is no check shop-login."
        case .methodNotAllowed: "Allowed here: GET, HEAD, OPTIONS."
        case .notAcceptable: "This can be answered as application/json."
        case .tooSlow: "The body has not arrived in time: send it again, faster."
        case .conflict: "The check shop-login is used by the policy acme-www."
        case .preconditionFailed: "The check shop-login has the revision 3."
        case .tooLarge: "A body may have at most 1048576 bytes here."
        case .headersTooLarge: "Send fewer, shorter header fields or a shorter URL."
        case .unsupportedMediaType: "This takes application/json, application/yaml."
        case .invalid: "/interval: 10 has no unit: write `10s` or `10ms`"
        case .tooManyRequests: "Wait as long as Retry-After says."
        case .internal: "The log has the details under this request's id."
        case .notImplemented: "The method is none that HTTP knows; methods are in capitals."
        case .unavailable: "The storage cannot be reached at present."
        }
    }

    /// Headers that such an answer carries beside those of every answer.
    package var headers: [(name: String, summary: String)] {
        switch self {
        case .unauthenticated: [("WWW-Authenticate", "How to send a key (RFC 6750).")]
        case .unavailable, .tooManyRequests:
            [("Retry-After", "Seconds until it is worth another try.")]
        default: []
        }
    }

    /// RFC 9457 §3.1.1: an absolute URI that nobody needs to follow.
    package var type: String { "urn:problem-type:health-worker:\(rawValue)" }
}
