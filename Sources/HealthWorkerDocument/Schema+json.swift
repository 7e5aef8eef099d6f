package import HealthWorkerModel

extension Schema {
    /// Where the components of an OpenAPI document are.
    package static let openAPIComponents = "#/components/schemas/"
    /// Where the components of a JSON Schema document are.
    package static let definitions = "#/$defs/"

    /// The schema in JSON Schema 2020-12, which is what OpenAPI 3.1 uses.
    ///
    /// What a rule between several keys refuses cannot be seen in it: the descriptions tell.
    package func jsonSchema(references: String = Schema.openAPIComponents) -> JSONValue {
        var members = body(references: references)
        if isNullable { members = Self.nullable(members) }
        if let summary { members["description"] = .string(summary) }
        if let standard { members["default"] = standard }
        if let example { members["examples"] = .array([example]) }
        if isDeprecated { members["deprecated"] = .bool(true) }
        return .object(members)
    }

    /// A document of JSON Schema by itself, for editors and validators.
    package static func jsonSchemaDocument(
        of root: String, components: [String: Schema]
    ) -> JSONValue {
        .object([
            "$schema": .string("https://json-schema.org/draft/2020-12/schema"),
            "title": .string("Health Worker: \(root)"),
            "$ref": .string(definitions + root),
            "$defs": .object(components.mapValues { $0.jsonSchema(references: definitions) }),
        ])
    }

    private func body(references: String) -> [String: JSONValue] {
        switch shape {
        case .object(let properties):
            return Self.object(properties, references: references)
        case .map(let keys, let values, let limit):
            var members: [String: JSONValue] = [
                "type": .string("object"), "maxProperties": .integer(Int64(limit)),
                "additionalProperties": values.jsonSchema(references: references),
            ]
            if let pattern = keys.pattern {
                members["propertyNames"] = .object(["pattern": .string(pattern)])
            }
            return members
        case .list(let element, let count, let isUnique):
            var members: [String: JSONValue] = [
                "type": .string("array"), "items": element.jsonSchema(references: references),
                "maxItems": .integer(Int64(count.upperBound)),
            ]
            if count.lowerBound > 0 { members["minItems"] = .integer(Int64(count.lowerBound)) }
            if isUnique { members["uniqueItems"] = .bool(true) }
            return members
        case .text(let format, let length):
            var members: [String: JSONValue] = [
                "type": .string("string"), "maxLength": .integer(Int64(length.upperBound)),
            ]
            // A character has at least one byte, and at most four.
            if length.lowerBound > 0 {
                members["minLength"] = .integer(Int64((length.lowerBound + 3) / 4))
            }
            if let name = format?.name { members["format"] = .string(name) }
            if let pattern = format?.pattern { members["pattern"] = .string(pattern) }
            return members
        case .choice(let words):
            return ["type": .string("string"), "enum": .array(words.map { .string($0) })]
        case .integer(let range):
            return [
                "type": .string("integer"), "minimum": .integer(range.lowerBound),
                "maximum": .integer(range.upperBound),
            ]
        case .number(let range):
            return [
                "type": .string("number"), "minimum": .number(range.lowerBound),
                "maximum": .number(range.upperBound),
            ]
        case .boolean: return ["type": .string("boolean")]
        case .constant(let value): return ["const": value]
        case .anyOf(let schemas):
            return ["anyOf": .array(schemas.map { $0.jsonSchema(references: references) })]
        case .oneOf(let schemas):
            return ["oneOf": .array(schemas.map { $0.jsonSchema(references: references) })]
        case .anything: return [:]
        case .reference(let name): return ["$ref": .string(references + name)]
        }
    }

    private static func object(
        _ properties: [Property], references: String
    ) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "type": .string("object"), "additionalProperties": .bool(false),
        ]
        var written: [String: JSONValue] = [:]
        for property in properties {
            var schema = property.schema.jsonSchema(references: references)
            if property.role == .observed, case .object(var inner) = schema {
                inner["readOnly"] = .bool(true)
                schema = .object(inner)
            }
            written[property.name] = schema
            for alias in property.aliases {
                guard case .object(var inner) = schema else { continue }
                inner["deprecated"] = .bool(true)
                written[alias] = .object(inner)
            }
        }
        members["properties"] = .object(written)
        let required = properties.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { members["required"] = .array(required) }
        return members
    }

    private static func nullable(_ members: [String: JSONValue]) -> [String: JSONValue] {
        guard !members.isEmpty else { return members }
        guard case .string(let type)? = members["type"] else {
            return ["anyOf": .array([.object(members), .object(["type": .string("null")])])]
        }
        var members = members
        members["type"] = .array([.string(type), .string("null")])
        if case .array(let words)? = members["enum"] { members["enum"] = .array(words + [.null]) }
        return members
    }
}
