/// What one sink is configured by. It reads itself from the keys of its `[sinks.NAME]`.
package protocol SinkConfiguration: Sendable {
    init(_ keys: inout SinkKeys)
}

/// A kind of sink, as the configuration knows it.
package struct SinkType: Sendable {
    /// `sinks.NAME.type`
    package let name: String
    /// One sentence.
    package let summary: String
    let read: @Sendable (inout SinkKeys) -> any SinkConfiguration

    package init<Configuration: SinkConfiguration>(
        _ name: String, _ summary: String, of configuration: Configuration.Type
    ) {
        self.name = name
        self.summary = summary
        read = { Configuration(&$0) }
    }
}

/// The keys of one sink: each key's name, type, default, range and sentence stand in the sink's
/// configuration and nowhere else.
package struct SinkKeys {
    var reader: SettingReader
    let path: String
    /// Where the sink is named, for what is missing there.
    let source: SettingSource

    package mutating func value<Value>(
        _ key: String, _ type: SettingType<Value>, default fallback: Value,
        _ documentation: String
    ) -> Value {
        reader.value(
            "\(path).\(key)", type, default: fallback, reloads: true, documentation)
    }

    /// A key that must be given; the specimen shows how it is written.
    package mutating func required<Value>(
        _ key: String, _ type: SettingType<Value>, specimen: Value, _ documentation: String
    ) -> Value {
        reader.required(
            "\(path).\(key)", type, specimen: specimen, in: source, reloads: true, documentation)
    }

    /// What is never shown, and may be read from the file that `KEY_file` names.
    package mutating func secret(_ key: String, _ documentation: String) -> Secret? {
        reader.value(
            "\(path).\(key)", .secret, default: nil, isSecret: true, reloads: true, documentation)
    }

    package mutating func requiredSecret(_ key: String, _ documentation: String) -> Secret {
        let specimen = "/etc/health-worker/\(key)"
        let type = SettingType<Secret?>.secret
        return reader.required(
            "\(path).\(key)",
            SettingType<Secret>(
                name: type.name,
                read: { (given) throws(Refusal) in
                    try type.read(given) ?? Secret("")
                },
                show: { _ in Secret.hidden }, toml: { _ in specimen.quoted }),
            specimen: Secret(""), in: source, isSecret: true, reloads: true, documentation)
    }
}

extension SettingType where Value == String {
    /// One of a few words.
    package static func word(of words: [String]) -> Self {
        Self(
            name: "one of " + words.joined(separator: ", "),
            read: { (given) throws(Refusal) in
                let text = try given.text("one of \(words.joined(separator: ", ")) in quotes")
                guard words.contains(text) else {
                    let hint = Spelling.nearest(to: text, among: words)
                    throw Refusal(
                        "\(text.quoted) is not one of \(words.joined(separator: ", "))"
                            + (hint.map { "; did you mean \($0.quoted)?" } ?? "."))
                }
                return text
            },
            show: { $0 }, toml: { $0.quoted })
    }
}
