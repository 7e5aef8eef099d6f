/// What a check of one kind may have beside what every check has. The prober of the kind stands in the
/// table of probers.
package struct CheckKind: Hashable, Sendable {
    /// The parts of a check that not every kind knows.
    package enum Part: String, Hashable, Sendable, CaseIterable {
        /// `http`, and what `expect` says of a status and a body.
        case http
        case tls
        /// `tcp`, and `expect.tcp_contains`.
        case tcp
    }

    package var type: CheckType
    /// The port where the document names none; nil where it must.
    package var defaultPort: Int?
    package var parts: Set<Part>

    package init(_ type: CheckType, defaultPort: Int? = nil, parts: Set<Part> = []) {
        self.type = type
        self.defaultPort = defaultPort
        self.parts = parts
    }

    /// Every kind, in the order of documentation.
    package static let all: [CheckKind] = [
        CheckKind(.http, defaultPort: 80, parts: [.http]),
        CheckKind(.https, defaultPort: 443, parts: [.http, .tls]),
        CheckKind(.tcp, parts: [.tls, .tcp]),
    ]
}
