extension Settings {
    /// Read where it exists when no file is named.
    package static let defaultFile = "/etc/health-worker/worker.toml"

    /// Reads the configuration, or says all that is wrong with it.
    ///
    /// - Parameters:
    ///   - file: The file that was named, which must exist; nil for the default file if there is one.
    ///   - flags: Values given as arguments, by the path of their key.
    ///   - sinks: The kinds of sinks that `sinks.NAME.type` may name.
    ///   - flagNames: What these arguments are called, by path, where it is not `SettingKey.flag`.
    package static func load(
        file: String?, environment: [String: String], flags: [String: String] = [:],
        flagNames: [String: String] = [:], sinks: [SinkType] = [],
        defaultFile: String = Settings.defaultFile
    ) throws(SettingsError) -> Settings {
        var problems: [SettingsError.Problem] = []
        var contents: SettingsFile?
        do {
            contents = try SettingsFile.read(file ?? defaultFile, isRequired: file != nil)
        } catch {
            problems = error.problems
        }
        var reader = SettingReader(
            file: contents, environment: environment, flags: flags, flagNames: flagNames)
        let settings = Settings(&reader, sinks: sinks)
        reader.refuseUnknown()
        problems += reader.problems
        guard problems.isEmpty else { throw SettingsError(problems) }
        return settings
    }
}
