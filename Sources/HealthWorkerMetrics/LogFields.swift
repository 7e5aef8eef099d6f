import Logging

/// What one log line says, in its order: time, level, logger, message, error, then metadata by name.
struct LogFields {
    private(set) var fields: [(name: String, value: Value)]

    enum Value {
        case text(String)
        case list([String])
    }

    init(
        event: LogEvent, label: String, time: String, metadata: Logger.Metadata,
        provided: Logger.Metadata?
    ) {
        fields = [
            ("time", .text(time)), ("level", .text(event.level.rawValue)),
            ("logger", .text(label)), ("message", .text(event.message.description)),
        ]
        if let error = event.error { fields.append(("error", .text(String(describing: error)))) }
        var taken = Set(fields.map(\.name))

        // The nearer wins: the line's own over the task's over the logger's.
        var all = metadata
        if let provided { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        var flat: [(name: String, value: Value)] = []
        for (key, value) in all { Self.flatten(value, under: key, into: &flat) }
        flat.sort { $0.name < $1.name }
        for var field in flat {
            // A name that stands twice is lost in most readers of JSON.
            while !taken.insert(field.name).inserted { field.name = "metadata." + field.name }
            fields.append(field)
        }
    }

    private static func flatten(
        _ value: Logger.MetadataValue, under name: String,
        into fields: inout [(name: String, value: Value)]
    ) {
        switch value {
        case .dictionary(let members):
            for (key, value) in members { flatten(value, under: "\(name).\(key)", into: &fields) }
        case .array(let items):
            fields.append((name, .list(items.map(\.description))))
        case .string(let text):
            fields.append((name, .text(text)))
        case .stringConvertible(let value):
            fields.append((name, .text(value.description)))
        }
    }
}
