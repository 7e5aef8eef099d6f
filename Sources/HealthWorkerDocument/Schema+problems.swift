import HealthWorkerModel

extension Schema {
    /// Everything in `node` that this schema does not allow; empty when it is valid.
    ///
    /// Rules between several keys are not the schema's: ``Compiler`` knows these as well.
    ///
    /// - Parameter keyWord: What a key is called where it is not one of a document.
    package func problems(
        in node: Node, at path: Path = .root, components: [String: Schema] = Schema.components,
        keyWord: String = "key"
    ) -> [Problem] {
        var validation = Validation(components: components, keyWord: keyWord)
        validation.validate(node, self, at: path)
        return validation.findings.list
    }
}

private struct Validation {
    let components: [String: Schema]
    let keyWord: String
    var findings = Findings()

    mutating func validate(_ node: Node, _ schema: Schema, at path: Path) {
        if node.isNull, schema.isNullable { return }
        switch schema.shape {
        case .object(let properties):
            validate(node, properties, at: path)
        case .map(let keys, let values, let limit):
            validate(node, keys: keys, values: values, limit: limit, at: path)
        case .list(let element, let count, let isUnique):
            validate(node, of: element, count: count, isUnique: isUnique, at: path)
        case .text(let format, let length):
            validate(node, format, length: length, at: path)
        case .choice(let words):
            validate(node, words, at: path)
        case .integer(let range):
            guard let number = node.integer else {
                refuse(node, expected: "a whole number", at: path)
                return
            }
            if !range.contains(number) {
                report(
                    "\(number) is out of range: write \(range.lowerBound) to \(range.upperBound)",
                    at: path, node)
            }
        case .number(let range):
            let number = node.integer.map { Double($0) } ?? node.number
            guard let number else {
                refuse(node, expected: "a number", at: path)
                return
            }
            if !range.contains(number) {
                report(
                    "\(number) is out of range: write \(range.lowerBound) to \(range.upperBound)",
                    at: path, node)
            }
        case .boolean:
            if node.bool == nil { refuse(node, expected: "true or false", at: path) }
        case .constant(let value):
            if node.json() != value {
                refuse(node, expected: "\(Node(json: value).shown)", at: path)
            }
        case .anyOf(let schemas), .oneOf(let schemas):
            validate(node, anyOf: schemas, at: path)
        case .anything:
            break
        case .reference(let name):
            if let target = components[name] { validate(node, target, at: path) }
        }
    }

    private mutating func report(
        _ message: String, at path: Path, _ node: Node, position: Position? = nil,
        suggestion: String? = nil
    ) {
        // What comes from `defaults` was reported there.
        guard !node.isDefault else { return }
        findings.add(
            Problem(
                message, at: path, position: position ?? node.position, suggestion: suggestion))
    }

    private mutating func refuse(_ node: Node, expected: String, at path: Path) {
        if node.isNull {
            report("has no value: write \(expected), or remove the key", at: path, node)
        } else {
            report("must be \(expected), and is \(node.shown)", at: path, node)
        }
    }

    private mutating func validate(_ node: Node, _ properties: [Schema.Property], at path: Path) {
        guard let entries = node.entries else {
            refuse(node, expected: "a map of keys and values", at: path)
            return
        }
        for entry in entries {
            guard
                let property = properties.first(where: {
                    $0.name == entry.key || $0.aliases.contains(entry.key)
                })
            else {
                let remedy = suggestion(for: entry.key, among: properties)
                let message = "is no known \(keyWord) here"
                let names = properties.map(\.name).joined(separator: ", ")
                report(
                    remedy != nil
                        ? message
                        : message + ": remove it"
                            + (names.isEmpty ? "" : ", or write one of \(names)"),
                    at: path.appending(entry.key), entry.value, position: entry.keyPosition,
                    suggestion: remedy)
                continue
            }
            if property.role == .observed { continue }
            // No value is the same as no key, where a key may be missing.
            if entry.value.isNull, !property.isRequired { continue }
            validate(entry.value, property.schema, at: path.appending(entry.key))
        }
        for property in properties where property.isRequired {
            let isThere = entries.contains {
                $0.key == property.name || property.aliases.contains($0.key)
            }
            if !isThere {
                let example = property.schema.exampleOfUse(in: components).map {
                    "one, such as `\(property.name): \($0.line)`"
                }
                report("has no `\(property.name)`: add \(example ?? "it")", at: path, node)
            }
        }
    }

    // Misspelt, or right and in the wrong place: `port` beside `target`, not under it.
    private func suggestion(for key: String, among properties: [Schema.Property]) -> String? {
        let writable = properties.filter { $0.role != .observed }
        let inside = writable.filter { property in
            property.schema.properties(in: components).contains {
                $0.name == key && $0.role != .observed
            }
        }
        if !inside.isEmpty {
            return inside.map { "`\($0.name).\(key)`" }.joined(separator: " or ")
        }
        return Spelling.nearest(to: key, among: writable.map(\.name)).map { "`\($0)`" }
    }

    private mutating func validate(
        _ node: Node, keys: TextFormat, values: Schema, limit: Int, at path: Path
    ) {
        guard let entries = node.entries else {
            refuse(node, expected: "a map of keys and values", at: path)
            return
        }
        if entries.count > limit {
            report("has \(entries.count) entries: at most \(limit) are allowed", at: path, node)
        }
        for entry in entries {
            let place = path.appending(entry.key)
            if let refusal = keys.refusal(entry.key) {
                report(refusal, at: place, entry.value, position: entry.keyPosition)
            } else {
                validate(entry.value, values, at: place)
            }
        }
    }

    private mutating func validate(
        _ node: Node, of element: Schema, count: ClosedRange<Int>, isUnique: Bool, at path: Path
    ) {
        guard let elements = node.elements else {
            refuse(node, expected: "a list", at: path)
            return
        }
        if elements.count < count.lowerBound {
            report(
                elements.isEmpty
                    ? "is empty: write at least \(count.lowerBound)"
                    : "has \(elements.count) entries: write at least \(count.lowerBound)",
                at: path, node)
        }
        if elements.count > count.upperBound {
            report(
                "has \(elements.count) entries: at most \(count.upperBound) are allowed", at: path,
                node)
        }
        var seen: Set<JSONValue> = []
        for (index, value) in elements.enumerated() {
            let place = path.appending(index, named: value["name"]?.text)
            validate(value, element, at: place)
            if isUnique, !seen.insert(value.json()).inserted {
                report("\(value.shown) is in the list twice: keep one", at: place, value)
            }
        }
    }

    private mutating func validate(
        _ node: Node, _ format: TextFormat?, length: ClosedRange<Int>, at path: Path
    ) {
        guard let text = node.text else {
            if let format, format.isConfidential, !node.isNull {
                report(
                    format.refusal("") ?? "must be text: write it in quotes", at: path, node)
            } else if format?.name == "time-span",
                let plain = node.plain ?? node.integer.map(String.init),
                plain.allSatisfy(\.isNumber)
            {
                report("\(plain) has no unit: write `\(plain)s` or `\(plain)ms`", at: path, node)
            } else if let plain = node.plain, !plain.isEmpty {
                report(
                    "must be text, and \(plain) is \(node.kind) in YAML: write \"\(plain)\" in quotes",
                    at: path, node)
            } else {
                refuse(node, expected: format?.expectation ?? "text", at: path)
            }
            return
        }
        if text.utf8.contains(0) {
            report("contains a NUL character, which cannot be stored: remove it", at: path, node)
        }
        // YAML readers drop it, so that what is exported would not come back.
        if text.unicodeScalars.first == "\u{feff}" {
            report("begins with an invisible byte order mark: remove it", at: path, node)
        }
        if text.utf8.count > length.upperBound {
            report(
                "has \(text.utf8.count) bytes: at most \(length.upperBound) are allowed", at: path,
                node)
        } else if text.isEmpty, length.lowerBound > 0 {
            report("is empty: write \(format?.expectation ?? "a text")", at: path, node)
        } else if let refusal = format?.refusal(text) {
            report(refusal, at: path, node)
        }
    }

    private mutating func validate(_ node: Node, _ words: [String], at path: Path) {
        let list =
            words.count == 1
            ? words[0] : words.dropLast().joined(separator: ", ") + " or \(words[words.count - 1])"
        guard let text = node.text else {
            refuse(node, expected: list, at: path)
            return
        }
        guard !words.contains(text) else { return }
        report(
            "\(text.shown) is not known: write \(list)", at: path, node,
            suggestion: Spelling.nearest(to: text, among: words).map { "`\($0)`" })
    }

    private mutating func validate(_ node: Node, anyOf schemas: [Schema], at path: Path) {
        var candidates: [[Problem]] = []
        for schema in schemas {
            var attempt = Validation(components: components, keyWord: keyWord)
            attempt.validate(node, schema, at: path)
            if attempt.findings.isEmpty { return }
            if schema.mayBe(node) { candidates.append(attempt.findings.list) }
        }
        if candidates.count > 1, candidates.allSatisfy({ $0.count == 1 && $0[0].path == path }) {
            // What it could have been is told, too.
            var problem = candidates[0][0]
            problem.message = candidates.map { $0[0].message }.joined(separator: "; and ")
            findings.add([problem])
        } else if let fewest = candidates.min(by: { $0.count < $1.count }) {
            findings.add(fewest)
        } else {
            refuse(
                node, expected: schemas.map(\.expectation).joined(separator: ", or "), at: path)
        }
    }
}

extension Schema {
    /// Whether a value of this kind can be meant, so that its other problems are worth telling.
    fileprivate func mayBe(_ node: Node) -> Bool {
        switch (shape, node.value) {
        case (.object, .object), (.map, .object), (.list, .array), (.text, .string),
            (.choice, .string), (.integer, .integer), (.number, .integer), (.number, .number),
            (.boolean, .bool), (.anything, _), (.reference, _):
            true
        default: false
        }
    }

    fileprivate func exampleOfUse(in components: [String: Schema]) -> JSONValue? {
        if let example { return example }
        guard case .reference(let name) = shape else { return nil }
        return components[name]?.exampleOfUse(in: components)
    }

    fileprivate var expectation: String {
        switch shape {
        case .object, .map: "a map of keys and values"
        case .list: "a list"
        case .text(let format, _): format?.expectation ?? "text"
        case .choice(let words): words.joined(separator: ", ")
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number: "a number"
        case .boolean: "true or false"
        case .constant(let value): Node(json: value).shown
        case .anyOf, .oneOf, .anything, .reference: "another value"
        }
    }
}

extension Node {
    var number: Double? {
        if case .number(let number) = value { number } else { nil }
    }

    fileprivate var kind: String {
        switch value {
        case .null: "nothing"
        case .bool: "true or false"
        case .integer, .number: "a number"
        case .string: "text"
        case .array: "a list"
        case .object: "a map"
        }
    }

    /// For messages: the value where it is short, else its kind.
    var shown: String {
        switch value {
        case .null: "nothing"
        case .bool(let bool): "\(bool)"
        case .integer(let number): "the number \(number)"
        case .number(let number): "the number \(plain ?? "\(number)")"
        case .string(let text): "the text \(text.shown)"
        case .array: "a list"
        case .object: "a map"
        }
    }
}
