/// One configuration key, as the sample, the documentation and the unknown-key check see it.
package struct SettingKey: Sendable, Equatable {
    /// As in the file, tables and key joined by dots: `worker.batch_size`.
    package let path: String
    /// In words: `time`, `whole number`, `trace, debug, …`.
    package let type: String
    /// In words: `1 to 1000`; nil where the type says it all.
    package let range: String?
    /// As TOML; nil for `secrets.NAME`, which has none.
    package let defaultText: String?
    /// One sentence.
    package let documentation: String
    /// Whether the value, or a part of it, is never shown; such a key can be read from the file that
    /// `PATH_file` names.
    package let isSecret: Bool
    /// Whether a change takes effect without a restart.
    package let reloads: Bool
    /// A variable without our prefix that sets the same, behind ours: `DATABASE_URL`.
    package let otherVariable: String?

    /// The path in capitals after `HEALTH_WORKER_`.
    package var variable: String { Self.variable(for: path) }

    /// The flag that commands use for this key where they have one: `--worker-batch-size`.
    package var flag: String { Self.flag(for: path) }

    /// Every key, in the order of the sample.
    package static let all: [SettingKey] = {
        var reader = SettingReader(file: nil, environment: [:], flags: [:], flagNames: [:])
        _ = Settings(&reader)
        return reader.keys
    }()

    static func variable(for path: String) -> String {
        variablePrefix
            + String(
                path.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    static func flag(for path: String) -> String {
        "--" + String(path.map { $0 == "." || $0 == "_" ? "-" : $0 })
    }

    static let variablePrefix = "HEALTH_WORKER_"
}
