import Foundation
import HTTPTypes
import Hummingbird

/// What was written into a form (WHATWG URL, §5.1).
struct PageForm: Sendable {
    private let fields: [(name: String, value: String)]

    private static let limit = 16_384

    /// - Throws: 403 for one that no page of ours sent; 4xx for what is none.
    init(of request: Request) async throws {
        guard SameOrigin.holds(for: request) else {
            throw ProblemDetails(
                .forbidden, "This form was sent by a page of another site, and is not carried out.")
        }
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased()
        guard type == "application/x-www-form-urlencoded" else {
            throw ProblemDetails(.unsupportedMediaType, "Send the form as a browser does.")
        }
        let buffer = try await request.body.collect(upTo: Self.limit)
        fields = Self.fields(of: String(buffer: buffer))
    }

    /// A form that was sent in a URL, as is one that only asks.
    init(query: String?) {
        fields = Self.fields(of: query ?? "")
    }

    private static func fields(of text: String) -> [(name: String, value: String)] {
        text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.text(parts[0]), parts.count == 2 ? Self.text(parts[1]) : "")
        }
    }

    /// Nil for a field that is missing or left empty.
    subscript(name: String) -> String? {
        fields.first { $0.name == name && !$0.value.isEmpty }?.value
    }

    private static func text(_ part: Substring) -> String {
        let spaced = part.replacing("+", with: " ")
        return String(spaced).removingPercentEncoding ?? String(spaced)
    }
}
