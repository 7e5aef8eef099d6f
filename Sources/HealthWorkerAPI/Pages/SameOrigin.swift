import HTTPTypes
import Hummingbird

/// Whether a form was sent by a page of ours.
///
/// The session's cookie does not come with what other sites send (`SameSite=Strict`). This holds as well
/// for who is known by other means, such as a proxy's login.
enum SameOrigin {
    static func holds(for request: Request) -> Bool {
        // Set by the browser alone, and only where the connection can be trusted (W3C Fetch Metadata).
        if let site = request.headers[.secFetchSite] { return site == "same-origin" }
        guard let origin = request.headers[.origin]?.lowercased(),
            let host = (request.head.authority ?? request.headers[.host])?.lowercased()
        else { return false }
        return origin == "http://\(host)" || origin == "https://\(host)"
    }

    /// Whether the browser reached the page by TLS, whatever a proxy in between makes of it.
    static func isSecure(_ request: Request) -> Bool {
        request.headers[.origin]?.lowercased().hasPrefix("https://") ?? false
    }

    /// Whether another site's link led here.
    static func isElsewhere(_ request: Request) -> Bool {
        ["cross-site", "same-site"].contains(request.headers[.secFetchSite] ?? "")
    }
}

extension HTTPField.Name {
    static let secFetchSite = Self("Sec-Fetch-Site")!  // a token (RFC 9110 §5.1)
    static let host = Self("Host")!  // a token (RFC 9110 §5.1)
}
