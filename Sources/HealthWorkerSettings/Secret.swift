/// A value that no log line, message or dump shows: only `revealed` gives it.
package struct Secret: Sendable, Equatable {
    package let revealed: String

    package init(_ value: String) {
        revealed = value
    }

    static let hidden = "***"
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { Self.hidden }
    package var debugDescription: String { Self.hidden }
    // Without this, `dump` and string interpolation of a struct around it would find the value.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension String {
    /// A URL with the password in its authority, and those in its query, hidden.
    var withoutPasswords: String {
        guard let scheme = firstRange(of: "://") else { return self }
        var text = self
        let end = text[scheme.upperBound...].firstIndex(where: { "/?#".contains($0) })
        let authority = scheme.upperBound..<(end ?? text.endIndex)
        // The last @ ends the password: one that was not percent-encoded may hold another.
        if let at = text[scheme.upperBound...].lastIndex(of: "@"),
            let colon = text[authority.lowerBound..<at].firstIndex(of: ":")
        {
            text.replaceSubrange(text.index(after: colon)..<at, with: Secret.hidden)
        }
        guard let query = text.firstIndex(of: "?") else { return text }
        let parameters = text[text.index(after: query)...].split(
            separator: "&", omittingEmptySubsequences: false
        ).map { parameter -> String in
            guard let equals = parameter.firstIndex(of: "="),
                ["pass", "secret", "token", "key"].contains(where: {
                    parameter[..<equals].lowercased().contains($0)
                })
            else { return String(parameter) }
            return parameter[...equals] + Secret.hidden
        }
        return text[...query] + parameters.joined(separator: "&")
    }
}
