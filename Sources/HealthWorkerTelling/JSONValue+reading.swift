import Foundation
package import HealthWorkerModel

extension JSONValue {
    /// The text of a string, the digits of a number; nil for anything else.
    package var text: String? {
        switch self {
        case .string(let text): text
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .bool(let value): String(value)
        case .null, .array, .object: nil
        }
    }

    /// The same for people: without what a terminal would obey.
    package var shown: String? { text?.harmless }

    package var elements: [JSONValue] {
        if case .array(let elements) = self { elements } else { [] }
    }

    /// The texts of an array.
    package var words: [String] { elements.compactMap(\.shown) }

    package var number: Double? { text.flatMap(Double.init) }

    package var isTrue: Bool { self == .bool(true) }
}

extension String {
    /// With a sign that something was there in the place of each control character.
    package var harmless: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map {
                    $0.properties.generalCategory == .control ? "\u{fffd}" : $0
                }))
    }

    /// As a part of a URL's path or query: all but what RFC 3986 §2.3 calls unreserved is encoded.
    package var percentEncoded: String {
        let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        // Nil only for a text that is no Unicode, which no String is.
        return addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }
}
