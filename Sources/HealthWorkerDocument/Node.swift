package import HealthWorkerModel

/// A document as it was written: values in their order, each with its place.
package struct Node: Sendable {
    package enum Value: Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        case number(Double)
        case string(String)
        case array([Node])
        case object([Entry])
    }

    package struct Entry: Sendable {
        package var key: String
        package var keyPosition: Position?
        package var value: Node

        package init(key: String, keyPosition: Position? = nil, value: Node) {
            self.key = key
            self.keyPosition = keyPosition
            self.value = value
        }
    }

    package var value: Value
    package var position: Position?
    /// The text of a YAML scalar without quotes: what a person wrote where a number was read.
    package var plain: String?
    /// Whether it came from `defaults`, where its own problems are reported.
    var isDefault = false

    package init(_ value: Value, position: Position? = nil, plain: String? = nil) {
        self.value = value
        self.position = position
        self.plain = plain
    }

    /// What documents may cost: a longer one is split, a deeper one is a mistake or an attack.
    package enum Limit {
        package static let bytes = 32 * 1_048_576
        package static let depth = 64
        /// Values after aliases are followed; ten lines of aliases can stand for billions.
        package static let values = 2_000_000
    }
}

extension Node {
    package var entries: [Entry]? {
        if case .object(let entries) = value { entries } else { nil }
    }

    package var elements: [Node]? {
        if case .array(let elements) = value { elements } else { nil }
    }

    package var text: String? {
        if case .string(let text) = value { text } else { nil }
    }

    package var integer: Int64? {
        if case .integer(let number) = value { number } else { nil }
    }

    package var bool: Bool? {
        if case .bool(let bool) = value { bool } else { nil }
    }

    package var isNull: Bool {
        if case .null = value { true } else { false }
    }

    /// The value of `key`; nil where it is missing, where it is null, and for what is no map.
    package subscript(key: String) -> Node? {
        guard let node = entries?.first(where: { $0.key == key })?.value, !node.isNull else {
            return nil
        }
        return node
    }

    package func keyPosition(of key: String) -> Position? {
        entries?.first { $0.key == key }?.keyPosition
    }

    mutating func set(_ key: String, to node: Node) {
        guard case .object(var entries) = value else { return }
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].value = node
        } else {
            entries.append(Entry(key: key, keyPosition: node.position, value: node))
        }
        value = .object(entries)
    }

    mutating func remove(_ keys: Set<String>) {
        guard case .object(let entries) = value else { return }
        value = .object(entries.filter { !keys.contains($0.key) })
    }

    /// `self` laid over `defaults`: maps merge, everything else replaces. A null takes the default
    /// away.
    func merged(over defaults: Node) -> Node {
        guard case .object(let own) = value, case .object(let base) = defaults.value else {
            return self
        }
        var merged = self
        for entry in base {
            if let index = own.firstIndex(where: { $0.key == entry.key }) {
                let value = own[index].value.merged(over: entry.value)
                merged.set(entry.key, to: value)
            } else {
                merged.append(entry)
            }
        }
        return merged
    }

    private mutating func append(_ entry: Entry) {
        guard case .object(let entries) = value else { return }
        value = .object(entries + [entry])
    }

    func markedAsDefault() -> Node {
        var node = self
        node.isDefault = true
        switch value {
        case .array(let elements):
            node.value = .array(elements.map { $0.markedAsDefault() })
        case .object(let entries):
            node.value = .object(
                entries.map {
                    Entry(
                        key: $0.key, keyPosition: $0.keyPosition, value: $0.value.markedAsDefault())
                })
        default:
            break
        }
        return node
    }
}

extension Node {
    package init(json value: JSONValue) {
        switch value {
        case .null: self.init(.null)
        case .bool(let bool): self.init(.bool(bool))
        case .integer(let number): self.init(.integer(number))
        case .number(let number): self.init(.number(number))
        case .string(let text): self.init(.string(text))
        case .array(let elements): self.init(.array(elements.map { Node(json: $0) }))
        case .object(let members):
            self.init(
                .object(
                    members.sorted { $0.key < $1.key }.map {
                        Entry(key: $0.key, value: Node(json: $0.value))
                    }))
        }
    }

    /// The value alone. Keys without a value (null) are left out where `withoutNulls`.
    package func json(withoutNulls: Bool = false) -> JSONValue {
        switch value {
        case .null: return .null
        case .bool(let bool): return .bool(bool)
        case .integer(let number): return .integer(number)
        case .number(let number): return .number(number)
        case .string(let text): return .string(text)
        case .array(let elements):
            return .array(elements.map { $0.json(withoutNulls: withoutNulls) })
        case .object(let entries):
            var members: [String: JSONValue] = [:]
            for entry in entries where !(withoutNulls && entry.value.isNull) {
                members[entry.key] = entry.value.json(withoutNulls: withoutNulls)
            }
            return .object(members)
        }
    }
}
