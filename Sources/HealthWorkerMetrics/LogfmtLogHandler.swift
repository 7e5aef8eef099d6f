package import Logging

/// One line of `name=value` for each event, for people and for `grep`.
///
/// A value with a blank, `=`, a quote or a control character stands in quotes.
package struct LogfmtLogHandler: LogHandler {
    package var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level }
        set { ownLevel = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let threshold: LogThreshold
    /// Of one logger that was set apart from all others.
    private var ownLevel: Logger.Level?
    private let output: LogOutput
    private let clock: LogClock

    package init(
        label: String, threshold: LogThreshold = LogThreshold(.info),
        metadataProvider: Logger.MetadataProvider? = nil, output: LogOutput = .standardError,
        clock: LogClock? = nil
    ) {
        self.label = label
        self.threshold = threshold
        self.metadataProvider = metadataProvider
        self.output = output
        self.clock = clock ?? LogTime.host
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let fields = LogFields(
            event: event, label: label, time: LogTime.text(clock()), metadata: metadata,
            provided: metadataProvider?.get())
        var line = ""
        for (name, value) in fields.fields {
            if !line.isEmpty { line += " " }
            line += Self.name(name) + "=" + Self.value(value)
        }
        output.write(line + "\n")
    }

    private static func name(_ text: String) -> String {
        guard text.isEmpty || text.unicodeScalars.contains(where: needsQuotes) else { return text }
        return text.isEmpty
            ? "_"
            : String(
                String.UnicodeScalarView(text.unicodeScalars.map { needsQuotes($0) ? "_" : $0 }))
    }

    private static func value(_ value: LogFields.Value) -> String {
        let text =
            switch value {
            case .text(let text): text
            case .list(let items): "[" + items.joined(separator: ",") + "]"
            }
        return text.isEmpty || text.unicodeScalars.contains(where: needsQuotes)
            ? LogText.quoted(text) : text
    }

    private static func needsQuotes(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "=", "\"", "\\": true
        default: scalar.properties.isWhitespace || LogText.breaksLine(scalar)
        }
    }
}
