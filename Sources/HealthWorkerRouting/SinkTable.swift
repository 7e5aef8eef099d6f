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
    /// Makes the sinks that are configured.
    ///
    /// - Throws: what a sink says of its configuration.
    package static func sinks(
        _ configured: [Settings.Sink], _ context: (String) -> SinkContext,
        among kinds: [any RouteSink.Type] = all
    ) throws(SinkError) -> [NamedSink] {
        var sinks: [NamedSink] = []
        for sink in configured {
            guard let kind = kinds.first(where: { $0.type == sink.type }) else {
                throw .refused("There is no kind of sink \(sink.type).")
            }
            sinks.append(
                NamedSink(
                    name: sink.name, sink: try kind.make(sink.configuration, context(sink.name))))
        }
        return sinks
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
