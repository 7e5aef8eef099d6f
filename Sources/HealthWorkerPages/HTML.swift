/// A piece of a page, in which every value that was interpolated is escaped.
///
/// What stands in the source is markup; what comes in between is text, unless it is such a piece
/// itself. There is no way to make one of a text that was read somewhere:
///
///     let name = "<b>"
///     let piece: HTML = "<a title=\"\(name)\">\(name)</a>"    // &lt;b&gt; in both places
package struct HTML: Hashable, Sendable {
    package private(set) var text: String

    private init(markup: String) {
        text = markup
    }

    package static let nothing: HTML = ""

    package static func + (left: HTML, right: HTML) -> HTML {
        HTML(markup: left.text + right.text)
    }

    package var isEmpty: Bool { text.isEmpty }

    /// As safe in an attribute within quotes as between tags (WHATWG HTML, §13.3).
    static func escaping(_ text: String) -> String {
        // Nearly every text is as it may be.
        guard text.utf8.contains(where: { Self.entity(of: $0) != nil }) else { return text }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            if let entity = Self.entity(of: byte) {
                escaped += entity.utf8
            } else {
                escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    private static func entity(of byte: UInt8) -> String? {
        switch byte {
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "\""): "&quot;"
        case UInt8(ascii: "'"): "&#39;"
        default: nil
        }
    }
}

extension HTML: ExpressibleByStringInterpolation {
    // Static strings only: a text that is known at run time alone is no literal.
    package init(stringLiteral value: StaticString) {
        self.init(markup: value.description)
    }

    package init(stringInterpolation: Interpolation) {
        self.init(markup: stringInterpolation.markup)
    }

    package struct Interpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            markup.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        package mutating func appendLiteral(_ literal: StaticString) {
            markup += literal.description
        }

        package mutating func appendInterpolation(_ text: String) {
            markup += HTML.escaping(text)
        }

        package mutating func appendInterpolation(_ number: Int) {
            markup += number.description
        }

        package mutating func appendInterpolation(_ piece: HTML) {
            markup += piece.text
        }

        package mutating func appendInterpolation(_ pieces: [HTML]) {
            for piece in pieces { markup += piece.text }
        }

        /// Nothing where it is nil.
        package mutating func appendInterpolation(_ piece: HTML?) {
            if let piece { markup += piece.text }
        }
    }
}
