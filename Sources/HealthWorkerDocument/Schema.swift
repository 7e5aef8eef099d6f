package import HealthWorkerModel

/// What a value of a document must be. One description, read by two interpreters: ``problems(in:at:components:)``
/// tests a document against it, ``jsonSchema(references:)`` writes it as JSON Schema.
package struct Schema: Sendable {
    package indirect enum Shape: Sendable {
        /// Exactly these keys; order is that of documentation and of written documents.
        case object([Property])
        /// Any keys of one format.
        case map(keys: TextFormat, values: Schema, limit: Int)
        case list(of: Schema, count: ClosedRange<Int>, isUnique: Bool)
        /// `length` in bytes of UTF-8.
        case text(TextFormat?, length: ClosedRange<Int>)
        case choice([String])
        case integer(ClosedRange<Int64>)
        case number(ClosedRange<Double>)
        case boolean
        case constant(JSONValue)
        case anyOf([Schema])
        case oneOf([Schema])
        case anything
        /// A schema among the components.
        case reference(String)
    }

    package struct Property: Sendable {
        /// Whose word it is.
        package enum Role: Sendable {
            /// Written by people and kept.
            case kept
            /// Written by people, understood by ``Compiler``, not kept as such.
            case written
            /// Told by the program; accepted and ignored when it is written.
            case observed
        }

        package var name: String
        package var schema: Schema
        package var isRequired: Bool
        package var role: Role
        /// Names of old that are still understood.
        package var aliases: [String]

        package init(
            _ name: String, _ schema: Schema, isRequired: Bool = false, role: Role = .kept,
            aliases: [String] = []
        ) {
            self.name = name
            self.schema = schema
            self.isRequired = isRequired
            self.role = role
            self.aliases = aliases
        }
    }

    package var shape: Shape
    package var summary: String?
    package var example: JSONValue?
    /// What holds where nothing is written.
    package var standard: JSONValue?
    package var isNullable = false
    package var isDeprecated = false

    package init(_ shape: Shape) {
        self.shape = shape
    }
}

extension Schema {
    package static func object(_ properties: [Property]) -> Schema { Schema(.object(properties)) }
    package static func map(keys: TextFormat, values: Schema, limit: Int) -> Schema {
        Schema(.map(keys: keys, values: values, limit: limit))
    }
    package static func list(
        of element: Schema, count: ClosedRange<Int>, isUnique: Bool = false
    ) -> Schema {
        Schema(.list(of: element, count: count, isUnique: isUnique))
    }
    package static func text(
        _ format: TextFormat? = nil, length: ClosedRange<Int> = 0...4096
    ) -> Schema {
        Schema(.text(format, length: length))
    }
    package static func choice(_ words: [String]) -> Schema { Schema(.choice(words)) }
    package static func choice<Words: RawRepresentable<String> & CaseIterable>(
        of words: Words.Type
    ) -> Schema {
        Schema(.choice(Words.allCases.map(\.rawValue)))
    }
    package static func integer(_ range: ClosedRange<Int64>) -> Schema { Schema(.integer(range)) }
    package static func number(_ range: ClosedRange<Double>) -> Schema { Schema(.number(range)) }
    package static let boolean = Schema(.boolean)
    package static func constant(_ value: JSONValue) -> Schema { Schema(.constant(value)) }
    package static func anyOf(_ schemas: [Schema]) -> Schema { Schema(.anyOf(schemas)) }
    package static func oneOf(_ schemas: [Schema]) -> Schema { Schema(.oneOf(schemas)) }
    package static let anything = Schema(.anything)
    package static func reference(_ name: String) -> Schema { Schema(.reference(name)) }
    package static func timeSpan(_ range: ClosedRange<TimeSpan>) -> Schema {
        .text(.timeSpan(range), length: 1...64)
    }

    package func described(_ summary: String) -> Schema {
        var schema = self
        schema.summary = summary
        return schema
    }

    package func shown(as example: JSONValue) -> Schema {
        var schema = self
        schema.example = example
        return schema
    }

    package func standing(at standard: JSONValue) -> Schema {
        var schema = self
        schema.standard = standard
        return schema
    }

    package var nullable: Schema {
        var schema = self
        schema.isNullable = true
        return schema
    }

    package var deprecated: Schema {
        var schema = self
        schema.isDeprecated = true
        return schema
    }

    /// The properties of an object, those of the component where it is a reference.
    package func properties(in components: [String: Schema]) -> [Property] {
        switch shape {
        case .object(let properties): properties
        case .reference(let name): components[name]?.properties(in: components) ?? []
        default: []
        }
    }

    /// The same object where nothing but `names` must be written: for defaults and overlays.
    package func requiring(only names: Set<String> = []) -> Schema {
        guard case .object(let properties) = shape else { return self }
        var schema = self
        schema.shape = .object(
            properties.map { property in
                var property = property
                property.isRequired = names.contains(property.name)
                return property
            })
        return schema
    }

    /// The same object without some of its properties.
    package func removing(_ names: Set<String>) -> Schema {
        guard case .object(let properties) = shape else { return self }
        var schema = self
        schema.shape = .object(properties.filter { !names.contains($0.name) })
        return schema
    }

    /// The same object with `property` replaced or, where there is none of its name, added.
    package func with(_ property: Property) -> Schema {
        guard case .object(var properties) = shape else { return self }
        if let index = properties.firstIndex(where: { $0.name == property.name }) {
            properties[index] = property
        } else {
            properties.append(property)
        }
        var schema = self
        schema.shape = .object(properties)
        return schema
    }

    /// What a merge-patch (RFC 7396) of such a value may be: every key may be missing, or null to
    /// take what stands there away; maps merge key by key.
    package func mergePatch(in components: [String: Schema]) -> Schema {
        var schema = self
        switch shape {
        case .reference(let name):
            guard let target = components[name] else { return self }
            schema = target.mergePatch(in: components)
            schema.summary = summary ?? schema.summary
        case .object(let properties):
            schema.shape = .object(
                properties.map { property in
                    var property = property
                    property.isRequired = false
                    property.schema = property.schema.mergePatch(in: components).nullable
                    property.schema.standard = nil
                    return property
                })
        case .map(let keys, let values, let limit):
            schema.shape = .map(keys: keys, values: values.nullable, limit: limit)
        default:
            break
        }
        return schema
    }
}
