package import Logging

/// One JSON object a line for each event: all values are strings, or lists of strings.
package struct JSONLogHandler: LogHandler {
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
        let members = fields.fields.map { name, value in
            let text =
                switch value {
                case .text(let text): LogText.quoted(text)
                case .list(let items):
                    "[" + items.map(LogText.quoted).joined(separator: ",") + "]"
                }
            return LogText.quoted(name) + ":" + text
        }
        output.write("{" + members.joined(separator: ",") + "}\n")
    }
}
