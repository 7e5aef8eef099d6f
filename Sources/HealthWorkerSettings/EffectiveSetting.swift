/// One line of `config show`: a key, the value in force and where it came from.
package struct EffectiveSetting: Sendable, Equatable {
    package let key: String
    /// As people write it; `***` for a secret.
    package let value: String
    package let source: SettingSource
    /// The file that `KEY_file` named, where the value was read from one.
    package let readFrom: String?
}

extension EffectiveSetting: Encodable {
    private enum CodingKeys: String, CodingKey {
        case key, value, source
        case readFrom = "read_from"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encode(value, forKey: .value)
        try container.encode(source.description, forKey: .source)
        try container.encodeIfPresent(readFrom, forKey: .readFrom)
    }
}

extension Settings {
    /// Every key with its effective value, in the order of the sample, secrets hidden.
    package func show() -> [EffectiveSetting] { shown }
}
