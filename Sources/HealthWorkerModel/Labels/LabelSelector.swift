/// Which objects are meant, by their labels: those for which every requirement holds.
///
/// Written as people write it: `env=prod,tier!=dev`, `env in (prod,dev)`, `env notin (dev)`, `env`
/// (the label is there), `!env` (it is not). The canonical text is its description.
package struct LabelSelector: Hashable, Sendable {
    package struct Requirement: Hashable, Sendable {
        package var label: String
        package var test: Test

        package init(_ label: String, _ test: Test) {
            self.label = label
            self.test = test
        }
    }

    package enum Test: Hashable, Sendable {
        case isOneOf([String])
        /// Also where the label is not there at all.
        case isNoneOf([String])
        case exists
        case isMissing
    }

    package var requirements: [Requirement]

    /// Everything is meant where nothing is required.
    package init(_ requirements: [Requirement] = []) {
        self.requirements = requirements
    }

    /// Just these values.
    package init(_ labels: [String: String]) {
        requirements = labels.sorted { $0.key < $1.key }.map {
            Requirement($0.key, .isOneOf([$0.value]))
        }
    }

    package var isEmpty: Bool { requirements.isEmpty }

    package func admits(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            let value = labels[requirement.label]
            return switch requirement.test {
            case .isOneOf(let values): value.map(values.contains) ?? false
            case .isNoneOf(let values): value.map { !values.contains($0) } ?? true
            case .exists: value != nil
            case .isMissing: value == nil
            }
        }
    }
}

extension LabelSelector: CustomStringConvertible {
    package var description: String {
        requirements.map(\.description).joined(separator: ",")
    }
}

extension LabelSelector.Requirement: CustomStringConvertible {
    package var description: String {
        switch test {
        case .isOneOf(let values) where values.count == 1: "\(label)=\(values[0])"
        case .isNoneOf(let values) where values.count == 1: "\(label)!=\(values[0])"
        case .isOneOf(let values): "\(label) in (\(values.joined(separator: ",")))"
        case .isNoneOf(let values): "\(label) notin (\(values.joined(separator: ",")))"
        case .exists: label
        case .isMissing: "!\(label)"
        }
    }
}

// MARK: - Reading

/// What is wrong with the text of a selector, as a sentence without its end.
package struct LabelSelectorError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
}

extension LabelSelector {
    /// - Throws: ``LabelSelectorError`` for the first requirement that is none.
    package init(_ text: String) throws(LabelSelectorError) {
        var requirements: [Requirement] = []
        for part in Self.parts(of: text) {
            requirements.append(try Requirement(part))
        }
        self.init(requirements)
    }

    /// Split at the commas that are not within parentheses.
    private static func parts(of text: String) -> [Substring] {
        var parts: [Substring] = []
        var depth = 0
        var start = text.startIndex
        for index in text.indices {
            switch text[index] {
            case "(": depth += 1
            case ")": depth -= 1
            case "," where depth <= 0:
                parts.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        return parts + [text[start...]]
    }
}

extension LabelSelector.Requirement {
    fileprivate init(_ part: Substring) throws(LabelSelectorError) {
        let text = part.withoutSpaces
        guard !text.isEmpty else {
            throw LabelSelectorError(
                description: "has an empty requirement: write KEY=VALUE, with commas between")
        }
        if text.hasPrefix("!") {
            let label = Self.name(in: text.dropFirst().withoutSpaces)
            guard let label else { throw Self.isNone(text) }
            self.init(label, .isMissing)
            return
        }
        if let label = Self.name(in: text) {
            self.init(label, .exists)
            return
        }
        let label = text.prefix(while: \.isOfLabel)
        let rest = text.dropFirst(label.count).withoutSpaces
        guard Self.isName(label) else { throw Self.isNone(text) }
        if rest.hasPrefix("!=") {
            self.init(String(label), .isNoneOf([String(rest.dropFirst(2).withoutSpaces)]))
        } else if rest.hasPrefix("=") {
            let value = rest.dropFirst(rest.hasPrefix("==") ? 2 : 1).withoutSpaces
            self.init(String(label), .isOneOf([String(value)]))
        } else if let values = Self.list(in: rest, after: "in") {
            self.init(String(label), .isOneOf(values))
        } else if let values = Self.list(in: rest, after: "notin") {
            self.init(String(label), .isNoneOf(values))
        } else {
            throw Self.isNone(text)
        }
    }

    /// `KEY`, `has KEY`, `has(KEY)`, and the same with `exists`.
    private static func name(in text: Substring) -> String? {
        if isName(text) { return String(text) }
        for word in ["has", "exists"] where text.hasPrefix(word) {
            var rest = text.dropFirst(word.count)
            guard rest.first == " " || rest.first == "(" else { continue }
            rest = rest.withoutSpaces
            if rest.hasPrefix("("), rest.hasSuffix(")") {
                rest = rest.dropFirst().dropLast().withoutSpaces
            }
            if isName(rest) { return String(rest) }
        }
        return nil
    }

    private static func list(in text: Substring, after word: String) -> [String]? {
        guard text.hasPrefix(word) else { return nil }
        let list = text.dropFirst(word.count).withoutSpaces
        guard list.hasPrefix("("), list.hasSuffix(")"), list.count > 2 else { return nil }
        return list.dropFirst().dropLast()
            .split(separator: ",", omittingEmptySubsequences: false)
            .map { String($0.withoutSpaces) }
    }

    private static func isName(_ text: Substring) -> Bool {
        (1...128).contains(text.count) && text.allSatisfy(\.isOfLabel)
            && text.first.map { $0.isLetter || $0.isNumber } == true
    }

    private static func isNone(_ text: Substring) -> LabelSelectorError {
        LabelSelectorError(
            description: "contains \"\(text.prefix(100))\", which is no requirement: "
                + "write KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY or !KEY")
    }
}

extension Character {
    fileprivate var isOfLabel: Bool {
        isASCII && (isLetter || isNumber || "._/-".contains(self))
    }
}

extension Substring {
    fileprivate var withoutSpaces: Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
