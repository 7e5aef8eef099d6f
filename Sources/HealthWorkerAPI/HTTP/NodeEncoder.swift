import HealthWorkerDocument
import HealthWorkerModel

/// Encodes a value of the model as a tree, members in the order in which they are encoded.
enum NodeEncoder {
    static func node(of value: some Encodable) -> Node {
        let place = Place()
        do {
            try value.encode(to: TreeEncoder(place: place, codingPath: []))
        } catch {
            // The model's types only throw what an encoder throws, and this one never does.
            preconditionFailure("A value of the model did not encode: \(error)")
        }
        return place.node
    }

    /// A value that is being filled in. Only one encoder at a time holds it.
    fileprivate final class Place {
        enum Content {
            case nothing
            case value(Node.Value)
            case list([Place])
            case members([(key: String, place: Place)])
        }

        var content: Content = .nothing

        var node: Node {
            switch content {
            case .nothing: Node(.object([]))
            case .value(let value): Node(value)
            case .list(let places): Node(.array(places.map(\.node)))
            case .members(let members):
                Node(.object(members.map { Node.Entry(key: $0.key, value: $0.place.node) }))
            }
        }

        func element() -> Place {
            let place = Place()
            if case .list(let places) = content {
                content = .list(places + [place])
            } else {
                content = .list([place])
            }
            return place
        }

        var count: Int {
            if case .list(let places) = content { places.count } else { 0 }
        }

        func member(_ key: String) -> Place {
            let place = Place()
            if case .members(let members) = content {
                content = .members(members + [(key, place)])
            } else {
                content = .members([(key, place)])
            }
            return place
        }

        func encode(_ value: some Encodable, codingPath: [any CodingKey]) throws {
            if let scalar = scalar(value) {
                content = .value(scalar)
            } else if let json = value as? JSONValue {
                content = .value(Node(json: json).value)
            } else if let map = value as? [String: String] {
                // A dictionary has no order to keep, and answers should not differ by chance.
                content = .value(Node(json: .object(map.mapValues(JSONValue.string))).value)
            } else {
                try value.encode(to: TreeEncoder(place: self, codingPath: codingPath))
            }
        }

        private func scalar(_ value: some Encodable) -> Node.Value? {
            switch value {
            case let value as String: .string(value)
            case let value as Bool: .bool(value)
            case let value as Double: .number(value)
            case let value as Float: .number(Double(value))
            case let value as any BinaryInteger & Encodable: .integer(Int64(value))
            default: nil
            }
        }
    }

    fileprivate struct TreeEncoder: Encoder {
        let place: Place
        var codingPath: [any CodingKey]
        var userInfo: [CodingUserInfoKey: Any] { [:] }

        func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
            if case .nothing = place.content { place.content = .members([]) }
            return KeyedEncodingContainer(Members<Key>(place: place, codingPath: codingPath))
        }

        func unkeyedContainer() -> any UnkeyedEncodingContainer {
            if case .nothing = place.content { place.content = .list([]) }
            return Elements(place: place, codingPath: codingPath)
        }

        func singleValueContainer() -> any SingleValueEncodingContainer {
            Single(place: place, codingPath: codingPath)
        }
    }

    private struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let place: Place
        var codingPath: [any CodingKey]

        mutating func encodeNil(forKey key: Key) {
            place.member(key.stringValue).content = .value(.null)
        }

        mutating func encode(_ value: some Encodable, forKey key: Key) throws {
            try place.member(key.stringValue).encode(value, codingPath: codingPath + [key])
        }

        mutating func nestedContainer<NestedKey: CodingKey>(
            keyedBy type: NestedKey.Type, forKey key: Key
        ) -> KeyedEncodingContainer<NestedKey> {
            TreeEncoder(place: place.member(key.stringValue), codingPath: codingPath + [key])
                .container(keyedBy: type)
        }

        mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            TreeEncoder(place: place.member(key.stringValue), codingPath: codingPath + [key])
                .unkeyedContainer()
        }

        mutating func superEncoder() -> any Encoder {
            TreeEncoder(place: place.member("super"), codingPath: codingPath)
        }

        mutating func superEncoder(forKey key: Key) -> any Encoder {
            TreeEncoder(place: place.member(key.stringValue), codingPath: codingPath + [key])
        }
    }

    private struct Elements: UnkeyedEncodingContainer {
        let place: Place
        var codingPath: [any CodingKey]
        var count: Int { place.count }

        mutating func encodeNil() {
            place.element().content = .value(.null)
        }

        mutating func encode(_ value: some Encodable) throws {
            try place.element().encode(value, codingPath: codingPath)
        }

        mutating func nestedContainer<NestedKey: CodingKey>(
            keyedBy type: NestedKey.Type
        ) -> KeyedEncodingContainer<NestedKey> {
            TreeEncoder(place: place.element(), codingPath: codingPath).container(keyedBy: type)
        }

        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
            TreeEncoder(place: place.element(), codingPath: codingPath).unkeyedContainer()
        }

        mutating func superEncoder() -> any Encoder {
            TreeEncoder(place: place.element(), codingPath: codingPath)
        }
    }

    private struct Single: SingleValueEncodingContainer {
        let place: Place
        var codingPath: [any CodingKey]

        mutating func encodeNil() {
            place.content = .value(.null)
        }

        mutating func encode(_ value: some Encodable) throws {
            try place.encode(value, codingPath: codingPath)
        }
    }
}
