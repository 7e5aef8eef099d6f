import Foundation
import HummingbirdCore

extension URI {
    /// The parameters of the query, in order: a name, and its value with what is escaped still escaped.
    var queryFields: [(name: String, value: Substring)] {
        (query ?? "").split(separator: "&").compactMap { field in
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.unescaped(parts[0])
            return name.isEmpty ? nil : (name, parts.count > 1 ? parts[1] : "")
        }
    }

    /// A name or a value as it was meant; what is no escape stands for itself.
    ///
    /// A blank is `%20`, or `+` as forms and most client libraries write it
    /// (https://url.spec.whatwg.org/#urlencoded-parsing), unless `plusIsPlus`.
    static func unescaped(_ text: Substring, plusIsPlus: Bool = false) -> String {
        let text = plusIsPlus ? String(text) : String(text).replacing("+", with: " ")
        return text.removingPercentEncoding ?? text
    }
}
