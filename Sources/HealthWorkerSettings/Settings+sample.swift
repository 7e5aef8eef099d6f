extension Settings {
    /// A documented `worker.toml` in which every key stands, commented out, with its default.
    package static func sample(sinks: [SinkType] = []) -> String {
        var text = """
            # Health Worker. Every key with its default: remove the "#" before a key to change it.
            #
            # A flag overrides a HEALTH_WORKER_ variable, which overrides DATABASE_URL, which overrides
            # this file. `health-worker config show` tells what is in force and where it came from.

            """
        var group = ""
        for key in SettingKey.all {
            let names = key.path.split(separator: ".").map(String.init)
            if names[0] != group {
                group = names[0]
                text += "\n[\(group)]\n"
            }
            text += "\n" + comment(key)
            if let value = key.defaultText {
                text += "#\(names.dropFirst().joined(separator: ".")) = \(value)\n"
            } else {
                text += secretsComment
            }
        }
        return text + sinks.map(sample(of:)).joined()
    }

    /// A table that is commented out as a whole: which sinks there are is the operator's to say.
    private static func sample(of kind: SinkType) -> String {
        var keys = SinkKeys(
            reader: SettingReader(file: nil, environment: [:], flags: [:], flagNames: [:]),
            path: "sinks.NAME", source: .default)
        _ = kind.read(&keys)
        var text = "\n" + wrap(kind.summary).map { "# \($0)\n" }.joined()
        text += "#[sinks.NAME]\n#type = \(kind.name.quoted)\n"
        for key in keys.reader.keys {
            let name =
                String(key.path.dropFirst("sinks.NAME.".count)) + (key.isSecret ? "_file" : "")
            text += "\n" + comment(key)
            text += "#\(name) = \(key.defaultText ?? "\"\"")\n"
        }
        return text
    }

    private static func comment(_ key: SettingKey) -> String {
        var lines = [key.documentation]
        lines.append(
            [key.type, key.range].compactMap { $0 }.joined(separator: ", ").capitalizedFirst + ". "
                + ([key.variable] + [key.otherVariable].compactMap { $0 }).joined(separator: ", ")
                + ".")
        if key.isSecret, key.defaultText != nil {
            lines.append("Never shown in full; \(key.path)_file names a file to read it from.")
        }
        if key.reloads { lines.append("A change takes effect on SIGHUP.") }
        return lines.flatMap { wrap($0) }.map { "# \($0)\n" }.joined()
    }

    private static let secretsComment = """
        # Never shown. "_file" after the name reads the value from a file. A variable sets the secret
        # of this file that it spells, or a new one in lower case with "_".
        #     shop-probe_file = "/run/secrets/shop-probe"

        """

    private static func wrap(_ sentence: String) -> [String] {
        var lines: [String] = []
        for word in sentence.split(separator: " ") {
            if let last = lines.last, last.count + word.count < 97 {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
