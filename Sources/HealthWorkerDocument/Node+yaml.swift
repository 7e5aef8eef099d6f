import Yams

extension Node {
    /// Reads one YAML document, with the place of everything in it.
    ///
    /// Scalars without quotes follow the core schema of YAML 1.2 (§10.3.2), narrowed: `yes`, `on`,
    /// `0755`, `1:30` and dates are texts. Aliases are followed, up to ``Limit/values`` values.
    package static func readYAML(_ bytes: [UInt8], file: String? = nil) throws(Problems) -> Node {
        guard bytes.count <= Limit.bytes else {
            throw Problems(.tooLarge(file: file))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Problems(
                Problem(
                    "is not UTF-8: save the file as UTF-8",
                    position: Position(file: file, line: 1, column: 1)))
        }
        return try readYAML(text, file: file)
    }

    package static func readYAML(_ text: String, file: String? = nil) throws(Problems) -> Node {
        guard text.utf8.count <= Limit.bytes else {
            throw Problems(.tooLarge(file: file))
        }
        var reader = YAMLReader(text: text, file: file)
        let node = try reader.document()
        guard reader.problems.isEmpty else { throw Problems(reader.problems) }
        return node
    }
}

private struct YAMLReader {
    private var text: String
    private let file: String?
    private var values = 0
    private var hasExceeded = false
    /// Characters put before keys that are written twice, see ``compose()``.
    private var marks: Set<Unicode.Scalar> = []
    var problems: [Problem] = []

    init(text: String, file: String?) {
        self.text =
            text.unicodeScalars.first == "\u{feff}" ? String(text.unicodeScalars.dropFirst()) : text
        self.file = file
    }

    mutating func document() throws(Problems) -> Node {
        if let problem = aliasAsKey() { throw Problems(problem) }
        guard let root = try compose() else {
            throw Problems(Problem("is empty", position: position(1, 1)))
        }
        return node(root, at: .root, depth: 0)
    }

    private func position(_ line: Int, _ column: Int) -> Position {
        Position(file: file, line: line, column: column)
    }

    private func position(_ mark: Mark?) -> Position? {
        mark.map { position($0.line, $0.column) }
    }

    // The parser compares the keys of every map in full. An alias inside a key would make it walk
    // what the alias stands for, which can be billions of values; no document needs one.
    private func aliasAsKey() -> Problem? {
        guard text.utf8.contains(UInt8(ascii: "*")), text.utf8.contains(UInt8(ascii: "&")) else {
            return nil
        }
        for (number, line) in text.split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).enumerated() {
            let bare = line.drop { $0 == " " || $0 == "-" }
            let isKey =
                line.contains(/(^|[\s\[{,])\*[^\s,\[\]{}:]+\s*:(\s|$)/)
                || line.contains(/[\]}]\s*:(\s|$)/)
                || bare.hasPrefix("? ") || bare == "?" || line.contains(/[\[{,]\s*\?\s/)
            if isKey, !bare.hasPrefix("#") {
                return Problem(
                    "a key must be a plain text in a document with aliases: write it out",
                    position: position(number + 1, 1))
            }
        }
        return nil
    }

    // Yams stops at the first map with a key written twice, and names one place. Such a key gets a
    // character before it that no document uses, and the parser goes again; when the tree is
    // walked, the two are found together. So all are reported, each with both lines.
    private mutating func compose() throws(Problems) -> Yams.Node? {
        for round in 0..<20 {
            do {
                // Without rules for tags: what a scalar means is decided here, not by Yams.
                return try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let mark = Unicode.Scalar(UInt8(round)).value + 0xf700
                guard let scalar = Unicode.Scalar(mark), insert(scalar, at: context.mark) else {
                    throw Problems(
                        Problem(
                            "a key is written twice in one map: \(keys.joined(separator: ", "))",
                            position: position(context.mark)))
                }
                marks.insert(scalar)
            } catch let error as YamlError {
                throw Problems(problem(error))
            } catch {
                throw Problems(Problem("is not valid YAML: \(error)"))
            }
        }
        throw Problems(Problem("many keys are written twice", position: position(1, 1)))
    }

    private mutating func insert(_ scalar: Unicode.Scalar, at mark: Mark) -> Bool {
        var scalars = text.unicodeScalars
        var index = scalars.startIndex
        var line = 1
        while line < mark.line, index < scalars.endIndex {
            let character = scalars[index]
            index = scalars.index(after: index)
            switch character {
            case "\r":
                if index < scalars.endIndex, scalars[index] == "\n" {
                    index = scalars.index(after: index)
                }
                line += 1
            case "\n", "\u{85}", "\u{2028}", "\u{2029}":
                line += 1
            default:
                break
            }
        }
        guard
            var place = scalars.index(
                index, offsetBy: mark.column - 1, limitedBy: scalars.endIndex),
            place < scalars.endIndex
        else { return false }
        switch scalars[place] {
        case "\"", "'": place = scalars.index(after: place)
        case "&", "!", "*", "?", "|", ">", "[", "{": return false
        default: break
        }
        scalars.insert(scalar, at: place)
        text = String(scalars)
        return true
    }

    private func problem(_ error: YamlError) -> Problem {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if problem.contains("another document") {
                return Problem(
                    "only one document is allowed in a file: put what follows `---` elsewhere",
                    position: position(mark))
            }
            if line(mark.line).first(where: { $0 != " " }) == "\t" {
                return Problem(
                    "is not valid YAML: a line begins with a tab, indent it with spaces",
                    position: position(mark))
            }
            let where_ = context.map { " (\($0.text), line \($0.mark.line))" } ?? ""
            return Problem("is not valid YAML: \(problem)\(where_)", position: position(mark))
        case .reader(let problem, let offset, _, _):
            let line = offset.map { text.prefix($0).filter(\.isNewline).count + 1 }
            return Problem("is not valid YAML: \(problem)", position: position(line ?? 1, 1))
        default:
            return Problem("is not valid YAML: \(error)", position: position(1, 1))
        }
    }

    private func line(_ number: Int) -> Substring {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return lines.indices.contains(number - 1) ? lines[number - 1] : ""
    }

    private mutating func node(_ yaml: Yams.Node, at path: Path, depth: Int) -> Node {
        let place = position(yaml.mark)
        values += 1
        if values > Node.Limit.values || depth > Node.Limit.depth {
            if !hasExceeded {
                hasExceeded = true
                problems.append(
                    Problem(
                        depth > Node.Limit.depth
                            ? "is nested deeper than \(Node.Limit.depth) levels"
                            : "stands for more than \(Node.Limit.values) values: write fewer aliases",
                        position: place))
            }
            return Node(.null, position: place)
        }
        // Once the limit is known to be exceeded, the rest is not walked.
        if hasExceeded { return Node(.null, position: place) }

        switch yaml {
        case .scalar(let scalar):
            return self.scalar(scalar, at: path)
        case .sequence(let sequence):
            refuse(tag: sequence.tag, unless: .seq, at: path, position: place)
            let elements = sequence.enumerated().map { index, element in
                node(element, at: path.appending(index), depth: depth + 1)
            }
            return Node(.array(elements), position: place)
        case .mapping(let mapping):
            refuse(tag: mapping.tag, unless: .map, at: path, position: place)
            return Node(.object(entries(of: mapping, at: path, depth: depth)), position: place)
        case .alias:
            problems.append(Problem("is an alias without an anchor", at: path, position: place))
            return Node(.null, position: place)
        }
    }

    private mutating func entries(
        of mapping: Yams.Node.Mapping, at path: Path, depth: Int
    ) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var seen: [String: Position] = [:]
        for (yamlKey, yamlValue) in mapping {
            let place = position(yamlKey.mark)
            guard case .scalar(let scalar) = yamlKey else {
                problems.append(
                    Problem("a key must be a text, and is a list or map", at: path, position: place)
                )
                continue
            }
            var key = scalar.string
            while let first = key.unicodeScalars.first, marks.contains(first) {
                key.unicodeScalars.removeFirst()
            }
            if key == "<<", scalar.style == .plain {
                problems.append(
                    Problem(
                        "YAML 1.2 has no merge keys: write what is shared under `defaults`",
                        at: path, position: place))
                continue
            }
            if let first = seen[key] {
                problems.append(.duplicateKey(key, first: first, at: path, position: place))
                continue
            }
            seen[key] = place
            let value = node(yamlValue, at: path.appending(key), depth: depth + 1)
            entries.append(Node.Entry(key: key, keyPosition: place, value: value))
            if hasExceeded { break }
        }
        return entries
    }

    private mutating func scalar(_ scalar: Yams.Node.Scalar, at path: Path) -> Node {
        let place = position(scalar.mark)
        let text = scalar.string
        let tag = Tag.Name(rawValue: scalar.tag.description)
        switch tag {
        case .implicit where scalar.style == .plain:
            return Node(Self.value(of: text), position: place, plain: text)
        case .implicit, .str, .nonSpecific:
            return Node(.string(text), position: place)
        case .int, .float, .bool, .null:
            return Node(Self.value(of: text), position: place, plain: text)
        default:
            problems.append(
                Problem(
                    "the tag \(tag.rawValue) means nothing here: remove it", at: path,
                    position: place))
            return Node(.null, position: place)
        }
    }

    private mutating func refuse(
        tag: Tag, unless allowed: Tag.Name, at path: Path, position: Position?
    ) {
        let name = Tag.Name(rawValue: tag.description)
        if name != .implicit, name != allowed, name != .nonSpecific {
            problems.append(
                Problem(
                    "the tag \(name.rawValue) means nothing here: remove it", at: path,
                    position: position))
        }
    }

    private static func value(of text: String) -> Node.Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        guard let first = text.utf8.first, first.isDigit || "+-".utf8.contains(first) else {
            return .string(text)
        }
        let digits = text.utf8.drop { "+-".utf8.contains($0) }
        // A zero in front is an octal number to some readers and a decimal one to others.
        if digits.first == UInt8(ascii: "0"), digits.count > 1,
            digits.dropFirst().first != UInt8(ascii: ".")
        {
            return .string(text)
        }
        // Swift reads "0x10", "1_0" and "nan" as well; documents hold decimal numbers only.
        let isDecimal =
            digits.first?.isDigit == true && digits.last != UInt8(ascii: "e")
            && text.utf8.allSatisfy { $0.isDigit || "+-.eE".utf8.contains($0) }
        guard isDecimal else { return .string(text) }
        if let number = Int64(text) { return .integer(number) }
        if let number = Double(text), number.isFinite { return .number(number) }
        return .string(text)
    }
}
