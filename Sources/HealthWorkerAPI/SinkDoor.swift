package import HealthWorkerModel
package import HealthWorkerStorage

/// The sinks that are configured where this API runs, as far as it needs them.
package struct SinkDoor: Sendable {
    package struct Configured: Hashable, Sendable {
        package var name: String
        /// `sinks.NAME.type`
        package var type: String
        package var kind: SinkKind

        package init(name: String, type: String, kind: SinkKind) {
            self.name = name
            self.type = type
            self.kind = kind
        }
    }

    let configured: [Configured]
    let test: @Sendable (_ sink: String, _ places: [PublishedPlace]) async -> [SinkFinding]

    package init(
        _ configured: [Configured],
        test:
            @escaping @Sendable (_ sink: String, _ places: [PublishedPlace]) async ->
            [SinkFinding]
    ) {
        self.configured = configured
        self.test = test
    }

    /// Where none is configured.
    package static let none = SinkDoor([]) { _, _ in [] }
}
