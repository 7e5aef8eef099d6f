import Foundation
import HealthWorkerDocument
import HealthWorkerModel
import Testing

@Suite struct SchemaTests {
    private func names(_ component: String) throws -> [String] {
        let schema = try #require(Schema.components[component])
        return schema.properties(in: Schema.components).filter { $0.role == .kept }.map(\.name)
    }

    @Test func `the schema has the keys that are stored, and no others`() throws {
        #expect(try Set(names("Check")) == Set(CheckSpec.CodingKeys.allCases.map(\.rawValue)))
        #expect(try Set(names("Target")) == Set(Target.CodingKeys.allCases.map(\.rawValue)))
        #expect(
            try Set(names("HTTPRequest")) == Set(HTTPRequest.CodingKeys.allCases.map(\.rawValue)))
        #expect(try Set(names("TLSOptions")) == Set(TLSOptions.CodingKeys.allCases.map(\.rawValue)))
        #expect(
            try Set(names("TCPExchange")) == Set(TCPExchange.CodingKeys.allCases.map(\.rawValue)))
        #expect(
            try Set(names("Expectation")) == Set(Expectation.CodingKeys.allCases.map(\.rawValue)))
        #expect(try Set(names("Policy")) == Set(PolicySpec.CodingKeys.allCases.map(\.rawValue)))
        #expect(try Set(names("Member")) == Set(Member.CodingKeys.allCases.map(\.rawValue)))
        #expect(
            try Set(names("Publication")) == Set(Publication.CodingKeys.allCases.map(\.rawValue)))
    }

    @Test func `what the schema calls the default is what holds where nothing is written`() throws {
        let check = try JSONValue(
            encoding: CheckSpec(
                name: "a", type: .tcp, target: Target(host: "h"), http: .init(), tls: .init(),
                tcp: .init()))
        let policy = try JSONValue(
            encoding: PolicySpec(
                name: "p", type: .detach, members: [Member(name: "m", value: "192.0.2.1")],
                publish: [Publication(sink: "s", name: "n")]))

        #expect(wrongDefaults(check, .check) == [])
        #expect(wrongDefaults(policy, .policy) == [])
    }

    private func wrongDefaults(_ value: JSONValue, _ schema: Schema, at path: String = "")
        -> [String]
    {
        if case .array(let elements) = value, case .list(let element, _, _) = schema.shape {
            return elements.flatMap { wrongDefaults($0, element, at: path + "[]") }
        }
        return schema.properties(in: Schema.components).flatMap { property -> [String] in
            let place = "\(path).\(property.name)"
            guard let member = value[property.name] else { return [] }
            if let standard = property.schema.standard {
                return standard == member ? [] : [place]
            }
            return wrongDefaults(member, property.schema, at: place)
        }
    }

    @Test func `every example is valid`() {
        var wrong: [String] = []
        func visit(_ schema: Schema, _ place: String) {
            for value in [schema.example, schema.standard].compactMap({ $0 }) {
                for problem in schema.problems(in: Node(json: value)) {
                    wrong.append("\(place) \(problem)")
                }
            }
            switch schema.shape {
            case .object(let properties):
                for property in properties { visit(property.schema, "\(place).\(property.name)") }
            case .list(let element, _, _): visit(element, place + "[]")
            case .map(_, let values, _): visit(values, place + "{}")
            case .anyOf(let schemas), .oneOf(let schemas):
                for schema in schemas { visit(schema, place) }
            default: break
            }
        }

        for (name, schema) in Schema.components { visit(schema, name) }

        #expect(wrong == [])
    }

    @Test func `every reference has its component`() {
        func references(_ value: JSONValue) -> [String] {
            switch value {
            case .array(let elements): elements.flatMap(references)
            case .object(let members):
                members.flatMap { key, value -> [String] in
                    if key == "$ref", case .string(let text) = value { return [text] }
                    return references(value)
                }
            default: []
            }
        }

        let used = Schema.components.values.flatMap { references($0.jsonSchema()) }

        #expect(!used.isEmpty)
        for reference in used {
            #expect(reference.hasPrefix("#/components/schemas/"))
            #expect(
                Schema.components[String(reference.dropFirst("#/components/schemas/".count))] != nil
            )
        }
    }

    @Test func `the emitter writes what OpenAPI 3.1 reads`() {
        let schema = Schema.object([
            Schema.Property("name", .name, isRequired: true),
            Schema.Property("old", .boolean.deprecated.nullable, aliases: ["older"]),
            Schema.Property("seen", .anything, role: .observed),
            Schema.Property("to", .reference("Target").nullable),
        ])

        #expect(
            schema.jsonSchema()
                == .object([
                    "type": .string("object"), "additionalProperties": .bool(false),
                    "required": .array([.string("name")]),
                    "properties": .object([
                        "name": .object([
                            "type": .string("string"), "minLength": .integer(1),
                            "maxLength": .integer(128),
                            "pattern": .string("^[a-z0-9][a-z0-9._-]{0,127}$"),
                            "examples": .array([.string("shop-login")]),
                        ]),
                        "old": .object([
                            "type": .array([.string("boolean"), .string("null")]),
                            "deprecated": .bool(true),
                        ]),
                        "older": .object([
                            "type": .array([.string("boolean"), .string("null")]),
                            "deprecated": .bool(true),
                        ]),
                        "seen": .object(["readOnly": .bool(true)]),
                        "to": .object([
                            "anyOf": .array([
                                .object(["$ref": .string("#/components/schemas/Target")]),
                                .object(["type": .string("null")]),
                            ])
                        ]),
                    ]),
                ]))
    }

    @Test func `a merge-patch may leave out everything and set anything to null`() throws {
        let patch = Schema.check.mergePatch(in: Schema.components)

        #expect(
            patch.problems(in: try Node.readJSON(#"{"tls": null, "target": {"port": null}}"#)) == []
        )
        #expect(
            patch.problems(in: try Node.readJSON(#"{"target": {"prot": 1}}"#)).map(\.description)
                == ["/target/prot: is no known key here; did you mean `port`?"])
    }

    @Test func `an alternative is chosen by the kind of value`() {
        let schema = Schema.anyOf([.integer(1...3), .text(.name, length: 1...9)])

        #expect(schema.problems(in: Node(.integer(2))) == [])
        #expect(schema.problems(in: Node(.string("a"))) == [])
        #expect(
            schema.problems(in: Node(.integer(7))).map(\.message) == [
                "7 is out of range: write 1 to 3"
            ])
        #expect(
            schema.problems(in: Node(.bool(true))).map(\.message) == [
                "must be a whole number from 1 to 3, or a name of a-z, 0-9, `.`, `_` and `-`, and is true"
            ])
    }

    @Test func `python's jsonschema accepts the schema, our documents and refuses theirs`() throws {
        let python = """
            import json, sys
            try:
                import jsonschema
            except ImportError:
                sys.exit("no module jsonschema")
            given = json.load(sys.stdin)
            validator = jsonschema.Draft202012Validator
            validator.check_schema(given["schema"])
            v = validator(given["schema"])
            print([v.is_valid(d) for d in given["documents"]])
            """
        var good = try StartingDocument.allCases.map { try Node.readYAML($0.text).json() }
        good.append(try Node.readYAML(example).json())
        for seed in 0..<30 as Range<UInt64> {
            var specimens = Specimens(seed: 5000 + seed)
            good.append(
                .object([
                    "format": .integer(1),
                    "checks": .array([try JSONValue(encoding: specimens.check("a"))]),
                    "policies": .array([try JSONValue(encoding: specimens.policy("p"))]),
                ]))
        }
        let bad: [JSONValue] = [
            .object([:]), .object(["format": .integer(2)]),
            .object(["format": .integer(1), "checks": .array([.object(["nam": .string("a")])])]),
            .object([
                "format": .integer(1),
                "checks": .array([.object(["name": .string("a"), "interval": .string("10")])]),
            ]),
        ]
        let input = try JSONEncoder().encode(
            JSONValue.object([
                "schema": Schema.jsonSchemaDocument(of: "Document", components: Schema.components),
                "documents": .array(good + bad),
            ]))
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", python]
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stderr

        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: input)
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        let errors = try stderr.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()

        #expect(
            process.terminationStatus == 0,
            """
            jsonschema did not run; is it there (python3 -m pip install jsonschema)? It said: \
            \(String(decoding: errors, as: UTF8.self))
            """)
        let answers = good.map { _ in "True" } + bad.map { _ in "False" }
        #expect(
            String(decoding: output, as: UTF8.self)
                == "[\(answers.joined(separator: ", "))]\n")
    }
}
