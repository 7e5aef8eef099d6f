/// A document before it is read, and where it is from.
package struct DocumentText: Sendable {
    package enum Syntax: Sendable {
        case yaml
        case json
    }

    /// What problems name: the path as the user gave it; nil for a request's body.
    package var file: String?
    package var bytes: [UInt8]
    package var syntax: Syntax

    /// Without `syntax`: JSON where the name ends so or, for other names than `.yaml` and `.yml`,
    /// where the text begins with `{`.
    package init(file: String? = nil, bytes: [UInt8], syntax: Syntax? = nil) {
        self.file = file
        self.bytes = bytes
        self.syntax = syntax ?? Self.syntax(file: file, bytes: bytes)
    }

    package init(file: String? = nil, text: String, syntax: Syntax? = nil) {
        self.init(file: file, bytes: Array(text.utf8), syntax: syntax)
    }

    package func read() throws(Problems) -> Node {
        switch syntax {
        case .yaml: try Node.readYAML(bytes, file: file)
        case .json: try Node.readJSON(bytes, file: file)
        }
    }

    private static func syntax(file: String?, bytes: [UInt8]) -> Syntax {
        if let file {
            if file.hasSuffix(".json") { return .json }
            if file.hasSuffix(".yaml") || file.hasSuffix(".yml") { return .yaml }
        }
        let blanks: [UInt8] = [9, 10, 13, 32]
        return bytes.first { !blanks.contains($0) } == UInt8(ascii: "{") ? .json : .yaml
    }
}
