import Foundation

/// Reads each key from the first source that has it, and keeps what is wrong and what was found.
///
/// A flag is before the environment, that before `DATABASE_URL`, that before the file, that before the
/// default. What is not used is not judged: a flag can mend a value that the file has wrong.
struct SettingReader {
    let file: SettingsFile?
    let environment: [String: String]
    /// By the path of the key.
    let flags: [String: String]
    /// What the program calls the flag of a key, where it is not `SettingKey.flag`.
    let flagNames: [String: String]

    private(set) var keys: [SettingKey] = []
    private(set) var effective: [EffectiveSetting] = []
    /// What was given for keys that are never shown, to know a new value from the old one.
    private(set) var hidden: [String: Secret] = [:]
    private(set) var problems: [SettingsError.Problem] = []
    /// Sinks of which nobody knows what keys they have, which is told already.
    private var unjudgedSinks: Set<String> = []

    init(
        file: SettingsFile?, environment: [String: String], flags: [String: String],
        flagNames: [String: String]
    ) {
        self.file = file
        self.environment = environment
        self.flags = flags
        self.flagNames = flagNames
    }

    /// The host's name and the process id: tells the processes of a fleet apart as people do.
    static var processName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "host/\(getpid())" }
        let name = String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(name.isPrintable && !name.isEmpty ? name : "host")/\(getpid())"
    }

    mutating func value<Value>(
        _ path: String, _ type: SettingType<Value>, default fallback: Value,
        shownAs sampleText: String? = nil, isSecret: Bool = false, reloads: Bool = false,
        otherVariable: String? = nil, _ documentation: String
    ) -> Value {
        let key = SettingKey(
            path: path, type: type.name, range: type.range,
            defaultText: sampleText?.quoted ?? type.toml(fallback), documentation: documentation,
            isSecret: isSecret, reloads: reloads, otherVariable: otherVariable)
        keys.append(key)

        guard let given = given(key) else {
            effective.append(
                EffectiveSetting(
                    key: path, value: type.show(fallback), source: .default, readFrom: nil))
            return fallback
        }
        return read(given, key, type) ?? fallback
    }

    /// A key without a default. One that is not given is a problem, and answered with the specimen.
    mutating func required<Value>(
        _ path: String, _ type: SettingType<Value>, specimen: Value, in table: SettingSource,
        isSecret: Bool = false, reloads: Bool = false, _ documentation: String
    ) -> Value {
        let key = SettingKey(
            path: path, type: type.name, range: type.range, defaultText: type.toml(specimen),
            documentation: documentation, isSecret: isSecret, reloads: reloads, otherVariable: nil)
        keys.append(key)
        let known = problems.count
        guard let given = given(key) else {
            if problems.count == known {
                let last = path.split(separator: ".").last.map(String.init) ?? path
                refuse(
                    table, path,
                    "is missing; write \(last)\(isSecret ? "_file" : "") = \(type.toml(specimen)), "
                        + "or what it is with you.")
            }
            return specimen
        }
        return read(given, key, type) ?? specimen
    }

    private mutating func read<Value>(
        _ given: Given, _ key: SettingKey, _ type: SettingType<Value>
    ) -> Value? {
        do {
            let value = try type.read(given.value)
            if key.isSecret { hidden[key.path] = Secret("\(given.value)") }
            effective.append(
                EffectiveSetting(
                    key: key.path, value: type.show(value), source: given.source,
                    readFrom: given.readFrom))
            return value
        } catch {
            refuse(given.source, key.path, error.sentence)
            return nil
        }
    }

    /// The members of the table `group`, whose names the operator chooses.
    mutating func secrets(_ group: String, _ documentation: String) -> [String: Secret] {
        keys.append(
            SettingKey(
                path: "\(group).NAME", type: "text", range: nil, defaultText: nil,
                documentation: documentation, isSecret: true, reloads: true, otherVariable: nil))

        var secrets: [String: Secret] = [:]
        for name in secretNames(in: group).sorted() {
            let key = SettingKey(
                path: "\(group).\(name)", type: "text", range: nil, defaultText: nil,
                documentation: documentation, isSecret: true, reloads: true, otherVariable: nil)
            guard let given = given(key, at: [group, name]) else { continue }
            do {
                let secret = try readSecret(given.value, name: name)
                secrets[name] = secret
                hidden[key.path] = secret
                effective.append(
                    EffectiveSetting(
                        key: key.path, value: Secret.hidden, source: given.source,
                        readFrom: given.readFrom))
            } catch {
                refuse(given.source, key.path, error.sentence)
            }
        }
        return secrets
    }

    private func secretNames(in group: String) -> Set<String> {
        var names: Set<String> = []
        for path in (file?.values ?? [:]).keys where path.count == 2 && path[0] == group {
            names.insert(path[1].hasSuffix("_file") ? String(path[1].dropLast(5)) : path[1])
        }
        let prefix = SettingKey.variable(for: group) + "_"
        let known = Set(names.map { SettingKey.variable(for: "\(group).\($0)") })
        for variable in environment.keys where variable.hasPrefix(prefix) {
            let whole = variable.hasSuffix("_FILE") ? String(variable.dropLast(5)) : variable
            // A variable cannot spell "shop-probe": it means the file's secret that comes out alike.
            guard !known.contains(whole), whole.count > prefix.count else { continue }
            names.insert(whole.dropFirst(prefix.count).lowercased())
        }
        return names
    }

    private func readSecret(_ given: GivenValue, name: String) throws(Refusal) -> Secret {
        let isName =
            !name.isEmpty
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0)
                    || (0x61...0x7a).contains($0) || "-_.".utf8.contains($0)
            }
        guard isName else {
            throw Refusal(
                "a secret is named with letters, digits, \"-\", \"_\" and \".\"; rename it.")
        }
        let text = try given.text("text in quotes")
        guard !text.isEmpty else { throw Refusal("is empty; give a value or leave it out.") }
        guard text.isPrintable else {
            throw Refusal("holds a line break or control character, which no header can carry.")
        }
        return Secret(text)
    }
}

// MARK: - Sinks

extension SettingReader {
    /// What is configured under `sinks.NAME`, in the order of names, each by the kind that its `type`
    /// names.
    mutating func sinks(_ kinds: [SinkType]) -> [Settings.Sink] {
        var sinks: [Settings.Sink] = []
        if kinds.isEmpty { return sinks }
        for (name, source) in sinkNames().sorted(by: { $0.key < $1.key }) {
            let path = "sinks.\(name)"
            guard Self.isSinkName(name) else {
                refuse(
                    source, path,
                    "a sink is named with lower-case letters, digits, \"-\" and \"_\"; rename it.")
                unjudgedSinks.insert(name)
                continue
            }
            if file?.values[["sinks", name]].map({ $0 != .table }) ?? false {
                refuse(source, path, "is a table; write [\(path)] and its keys below it.")
                unjudgedSinks.insert(name)
                continue
            }
            let words = kinds.map(\.name)
            let type = required(
                "\(path).type", .word(of: words), specimen: words.first ?? "", in: source,
                "What kind of sink it is.")
            guard let kind = kinds.first(where: { $0.name == type }),
                effective.last?.key == "\(path).type"
            else {
                // Of a sink without a kind nobody knows the keys.
                unjudgedSinks.insert(name)
                continue
            }
            var keys = SinkKeys(reader: self, path: path, source: source)
            let configuration = kind.read(&keys)
            self = keys.reader
            sinks.append(
                Settings.Sink(name: name, type: kind.name, configuration: configuration))
        }
        return sinks
    }

    /// In the file, or in the environment, which names a sink by its type.
    private func sinkNames() -> [String: SettingSource] {
        var names: [String: SettingSource] = [:]
        for path in (file?.values ?? [:]).keys where path.count >= 2 && path[0] == "sinks" {
            names[path[1]] = file?.source(of: ["sinks", path[1]])
        }
        let known = Set(names.keys.map { SettingKey.variable(for: "sinks.\($0)") })
        let prefix = SettingKey.variable(for: "sinks") + "_"
        for variable in environment.keys
        where variable.hasPrefix(prefix) && variable.hasSuffix("_TYPE") {
            // A variable cannot spell "my-dns": it means the file's sink that comes out alike.
            let whole = String(variable.dropLast("_TYPE".count))
            guard !known.contains(whole), whole.count > prefix.count else { continue }
            names[whole.dropFirst(prefix.count).lowercased()] = .environment(variable)
        }
        return names
    }

    private static func isSinkName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.first != "-" && name.first != "_"
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d
                    || $0 == 0x5f
            }
    }
}

// MARK: - Sources

extension SettingReader {
    private struct Given {
        let value: GivenValue
        let source: SettingSource
        var readFrom: String?
    }

    private mutating func given(_ key: SettingKey, at names: [String]? = nil) -> Given? {
        if let text = flags[key.path] {
            return Given(value: .untyped(text), source: .flag(flagName(key.path)))
        }
        if let given = givenInEnvironment(key) { return given }
        if let other = key.otherVariable, let text = environment[other], !text.isEmpty {
            return Given(value: .untyped(text), source: .environment(other))
        }
        return givenInFile(key, at: names ?? key.path.split(separator: ".").map(String.init))
    }

    private mutating func givenInEnvironment(_ key: SettingKey) -> Given? {
        let direct = environment[key.variable].map {
            Given(value: .untyped($0), source: .environment(key.variable))
        }
        let fileVariable = key.variable + "_FILE"
        guard key.isSecret, let path = environment[fileVariable] else { return direct }
        let source = SettingSource.environment(fileVariable)
        if direct != nil {
            refuse(source, key.path, "\(key.variable) is set as well; set only one of them.")
            return nil
        }
        return read(path, for: key, source)
    }

    private mutating func givenInFile(_ key: SettingKey, at names: [String]) -> Given? {
        guard let file, let last = names.last else { return nil }
        let direct = file.values[names].map { Given(value: $0, source: file.source(of: names)) }
        let fileNames = Array(names.dropLast()) + [last + "_file"]
        guard key.isSecret, let value = file.values[fileNames] else { return direct }
        let source = file.source(of: fileNames)
        if direct != nil {
            refuse(
                source, key.path + "_file", "\(key.path) is given as well; give only one of them.")
            return nil
        }
        guard case .string(let path) = value else {
            refuse(
                source, key.path + "_file", "takes the path of a file in quotes, not \(value.kind)."
            )
            return nil
        }
        return read(path, for: key, source)
    }

    private mutating func read(
        _ path: String, for key: SettingKey, _ source: SettingSource
    ) -> Given? {
        do {
            var text = try FileText.read(path)[...]
            // Editors and `echo` end a file with a line break, which is no part of the secret.
            if text.last?.isNewline == true { text = text.dropLast() }
            return Given(value: .untyped(String(text)), source: source, readFrom: path)
        } catch {
            refuse(source, key.path + "_file", "\(path.quoted) cannot be read: \(error.sentence)")
            return nil
        }
    }

    private func flagName(_ path: String) -> String {
        flagNames[path] ?? SettingKey.flag(for: path)
    }

    fileprivate mutating func refuse(_ source: SettingSource, _ key: String?, _ sentence: String) {
        problems.append(.init(source: source, key: key, sentence: sentence))
    }
}

// MARK: - What nobody reads

extension SettingReader {
    /// Variables with our prefix that are not configuration: the commands that call the API, and
    /// the first start, read them.
    static let otherVariables: Set<String> = [
        "HEALTH_WORKER_KEY", "HEALTH_WORKER_KEY_FILE", "HEALTH_WORKER_SERVER",
        "HEALTH_WORKER_BOOTSTRAP_KEY",
    ]

    /// Refuses every key, variable and flag that no key of the table has read.
    mutating func refuseUnknown() {
        refuseUnknownInFile()
        refuseUnknownVariables()
        for path in flags.keys.sorted() where !keys.contains(where: { $0.path == path }) {
            refuse(.flag(flagName(path)), path, "unknown key" + hint(path))
        }
    }

    private mutating func refuseUnknownInFile() {
        guard let file else { return }
        var known: Set<[String]> = []
        var groups: Set<[String]> = []
        for key in keys {
            let names = key.path.split(separator: ".").map(String.init)
            known.insert(names)
            if key.isSecret { known.insert(names.dropLast() + [names[names.count - 1] + "_file"]) }
            for count in 1..<names.count { groups.insert(Array(names.prefix(count))) }
        }
        for (path, value) in file.values where !known.contains(path) {
            // Members of [secrets] have names of their own, which `secrets` has judged.
            if path.count == 2, path[0] == "secrets" { continue }
            if path.count >= 2, path[0] == "sinks", unjudgedSinks.contains(path[1]) { continue }
            let written = path.map(\.asKey).joined(separator: ".")
            if groups.contains(path) {
                if value == .table { continue }
                refuse(
                    file.source(of: path), written,
                    "is a table; write [\(written)] and its keys below it.")
            } else {
                refuse(file.source(of: path), written, "unknown key" + hint(written))
            }
        }
    }

    private mutating func refuseUnknownVariables() {
        let known = keys.flatMap { key in
            [key.variable] + (key.isSecret ? [key.variable + "_FILE"] : [])
        }
        let secrets = SettingKey.variable(for: "secrets") + "_"
        for (variable, value) in environment where variable.hasPrefix(SettingKey.variablePrefix) {
            if known.contains(variable) || Self.otherVariables.contains(variable) { continue }
            if variable.hasPrefix(secrets), variable.count > secrets.count { continue }
            if isOfUnjudgedSink(variable) { continue }
            if Self.isSetByKubernetes(variable, value) { continue }
            if variable.hasSuffix("_FILE"), known.contains(String(variable.dropLast(5))) {
                refuse(
                    .environment(variable), nil,
                    "only secrets are read from files; set \(variable.dropLast(5)).")
                continue
            }
            // Without the prefix, which is alike in all and would make any two of them look near.
            let prefix = SettingKey.variablePrefix.count
            let near = Spelling.nearest(
                to: String(variable.dropFirst(prefix)),
                among: (known + Self.otherVariables.sorted()).map { String($0.dropFirst(prefix)) })
            refuse(
                .environment(variable), nil,
                "unknown variable"
                    + (near.map { "; did you mean \(SettingKey.variablePrefix)\($0)?" }
                        ?? "; unset it."))
        }
    }

    private func isOfUnjudgedSink(_ variable: String) -> Bool {
        unjudgedSinks.contains {
            variable.hasPrefix(SettingKey.variable(for: "sinks.\($0)") + "_")
        }
    }

    /// Kubernetes and Docker set variables such as `HEALTH_WORKER_PORT_8080_TCP_ADDR` in every
    /// container beside a service named `health-worker`, unasked.
    private static func isSetByKubernetes(_ variable: String, _ value: String) -> Bool {
        let parts = variable.split(separator: "_")
        if variable.hasSuffix("_SERVICE_HOST") || variable.contains("_SERVICE_PORT") { return true }
        if parts.last == "PORT" || ["TCP", "UDP", "SCTP"].contains(parts.last) {
            if value.contains("://") { return true }
        }
        return parts.count >= 4 && ["PROTO", "PORT", "ADDR"].contains(parts.last)
            && ["TCP", "UDP", "SCTP"].contains(parts[parts.count - 2])
    }

    private func hint(_ written: String) -> String {
        let paths = keys.map(\.path)
        if written.hasSuffix("_file"), paths.contains(String(written.dropLast(5))) {
            return "; only secrets are read from files: give \(written.dropLast(5))."
        }
        if let near = Spelling.nearest(to: written, among: paths) {
            return "; did you mean \(near)?"
        }
        // The right key in the wrong table; of a short name any slip makes another word.
        let name = written.split(separator: ".").last.map(String.init) ?? written
        let names = paths.map { $0.split(separator: ".").last.map(String.init) ?? $0 }
        let near = name.count < 6 ? name : Spelling.nearest(to: name, among: names)
        let meant = paths.indices.filter { names[$0] == near }
        if meant.count == 1 { return "; did you mean \(paths[meant[0]])?" }
        return "; remove it."
    }
}

extension String {
    fileprivate var asKey: String {
        let isBare =
            !isEmpty
            && utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0)
                    || (0x61...0x7a).contains($0) || $0 == 0x5f || $0 == 0x2d
            }
        return isBare ? self : quoted
    }
}
