package import HealthWorkerModel
package import HealthWorkerSettings

/// The kinds of sinks that there are, a line for each.
package enum SinkTable {
    package static let all: [any RouteSink.Type] = [
        PowerDNSSink.self,
        WebhookSink.self,
    ]

    /// What the configuration needs to know of them.
    package static let types: [SinkType] = all.map { $0.settingsType }
}

/// A sink under the name that policies know it by.
package struct NamedSink: Sendable {
    package var name: String
    package var sink: any RouteSink

    package init(name: String, sink: any RouteSink) {
        self.name = name
        self.sink = sink
    }

    package var kind: SinkKind { type(of: sink).kind }
    package var typeName: String { type(of: sink).type }
}

extension SinkTable {
    /// Makes a sink that is configured.
    ///
    /// - Throws: what it says of its configuration.
    package static func sink(
        _ configured: Settings.Sink, _ context: SinkContext,
        among kinds: [any RouteSink.Type] = all
    ) throws(SinkError) -> NamedSink {
        guard let kind = kinds.first(where: { $0.type == configured.type }) else {
            throw .refused("There is no kind of sink \(configured.type).")
        }
        return NamedSink(
            name: configured.name, sink: try kind.make(configured.configuration, context))
    }
}

extension RouteSink {
    package static var settingsType: SinkType {
        SinkType(type, summary, of: Configuration.self)
    }

    fileprivate static func make(
        _ configuration: any SinkConfiguration, _ context: SinkContext
    ) throws(SinkError) -> any RouteSink {
        guard let configuration = configuration as? Configuration else {
            throw .refused("The sink \(context.name) was configured as another kind.")
        }
        return try Self(configuration, context)
    }
}
