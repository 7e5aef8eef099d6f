import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// Listings: a page of at most `limit` objects, and a cursor to the next one.
///
/// Pages go on after the last object that was shown, by name or by id, and not at a number: what is
/// made or deleted meanwhile moves nothing.
enum Listing {
    static let standardLimit = 100

    static let parameters: [Endpoint.Parameter] = [
        .header("If-None-Match", "The `ETag` of the page that the caller has."),
        .query(
            "limit", .integer(1...500).standing(at: .integer(Int64(standardLimit))),
            "At most so many are answered."),
        .query(
            "cursor", .text(length: 1...1024),
            "Where the page begins: the `next_cursor` of the page before."),
    ]

    static let linkHeader = (
        name: "Link", summary: "The next page, `rel=\"next\"`; missing on the last one."
    )

    /// What a listing answers.
    static func answers(_ component: String, _ summary: String) -> [Endpoint.Answer] {
        [
            Endpoint.Answer(
                .ok, summary, .reference(component),
                headers: [("ETag", "Of this page, whole as it is."), linkHeader]),
            notModified,
        ]
    }

    static let notModified = Endpoint.Answer(
        .notModified, "The caller has the page already.", types: [])

    /// Where the page begins, by the cursor; nil: with the first object.
    static func after(_ call: Call, in listing: String) throws -> String? {
        guard let text = call.text("cursor") else { return nil }
        guard let cursor = Cursor(text), cursor.listing == listing else { throw noCursor }
        return cursor.after
    }

    /// The same where ids are listed.
    static func before(_ call: Call, in listing: String) throws -> Int64? {
        guard let text = try after(call, in: listing) else { return nil }
        guard let id = Int64(text) else { throw noCursor }
        return id
    }

    static let noCursor = ProblemDetails(
        .invalidParameter,
        errors: [.init("is not a cursor of this listing", at: .parameter("cursor"))])

    static func limit(_ call: Call) -> Int {
        call.integer("limit") ?? standardLimit
    }

    /// - Parameter found: up to one more than the limit, so that it is known whether more follow.
    static func answer<Element>(
        _ call: Call, _ listing: String, _ found: [Element], position: (Element) -> String,
        node: (Element) -> Node?
    ) -> Response {
        let shown = found.prefix(limit(call))
        return answer(
            call, nodes: shown.compactMap(node),
            next: found.count > shown.count
                ? shown.last.map { Cursor(listing: listing, after: position($0)) } : nil)
    }

    static func answer(_ call: Call, nodes: [Node], next: Cursor?) -> Response {
        let next = next?.text
        var headers: HTTPFields = [:]
        if let next {
            headers[.link] = "<\(call.request.uri.path)?\(query(call, cursor: next))>; rel=\"next\""
        }
        return .taggedJSON(
            .object([
                .init("items", .list(nodes)), entry("next_cursor", next.map(Node.text)),
            ]), headers: headers, for: call.request)
    }

    private static func query(_ call: Call, cursor: String) -> String {
        let kept = (call.request.uri.query ?? "").split(separator: "&").filter {
            !$0.hasPrefix("cursor=")
        }
        return (kept + ["cursor=\(cursor)"]).joined(separator: "&")
    }
}

extension HTTPField.Name {
    static let link = Self("Link")!  // a token (RFC 9110 §5.1)
}
