/// The spelling rules of Prometheus' text format 0.0.4.
enum Exposition {
    /// A valid name (`[a-zA-Z_:][a-zA-Z0-9_:]*`) with the suffix of its kind.
    static func name(_ label: String, endingIn suffix: String = "") -> String {
        let name = cleaned(label, allowsColon: true)
        return name.hasSuffix(suffix) ? name : name + suffix
    }

    /// Label pairs ordered by name, so that one set of labels is one series.
    static func labels(_ dimensions: [(String, String)], isHistogram: Bool) -> String {
        if dimensions.isEmpty { return "" }
        var values: [String: String] = [:]
        for (key, value) in dimensions {
            var name = cleaned(key, allowsColon: false)
            // `le` is the histogram's own, and names with two underscores are Prometheus' own.
            if isHistogram, name == "le" { name = "label_le" }
            if name.hasPrefix("__") { name = "label" + name }
            if values[name] == nil { values[name] = value }
        }
        return values.sorted { $0.key < $1.key }
            .map { "\($0.key)=\"\(escaped($0.value, quotes: true))\"" }
            .joined(separator: ",")
    }

    static func header(name: String, kind: String, help: String) -> String {
        "# HELP \(name) \(escaped(help, quotes: false))\n# TYPE \(name) \(kind)\n"
    }

    static func line(_ name: String, labels: String, value: String) -> String {
        labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }

    private static func cleaned(_ text: String, allowsColon: Bool) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_":
                name.unicodeScalars.append(scalar)
            case "0"..."9":
                if name.isEmpty { name = "_" }
                name.unicodeScalars.append(scalar)
            case ":" where allowsColon:
                name.unicodeScalars.append(scalar)
            default:
                name += "_"
            }
        }
        return name.isEmpty ? "_" : name
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
