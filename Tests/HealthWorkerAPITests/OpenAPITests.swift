import Foundation
import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import Testing

@Suite struct OpenAPITests {
    @Test func `what is served is what is described`() async throws {
        try await TestAPI.run { api in
            let document = try await api.get("/openapi.json", as: nil)
            var described: Set<String> = []
            for path in document["/paths"]?.entries ?? [] {
                for operation in path.value.entries ?? [] {
                    described.insert("\(operation.key.uppercased()) \(path.key)")
                }
            }

            let routes = api.server.router.routes.filter { $0.method != .head }.map {
                (method: $0.method.rawValue, path: "\($0.path)")
            }
            let undescribed = Set(APIServer.undescribedPaths)
            let served = routes.filter { !undescribed.contains($0.path) }

            #expect(Set(served.map { "\($0.method) \($0.path)" }) == described)
            #expect(undescribed.isSubset(of: routes.map(\.path)))
        }
    }

    @Test func `operations have ids of their own, and every reference leads somewhere`()
        async throws
    {
        try await TestAPI.run { api in
            let ids = api.server.endpoints.map(\.operationID)
            let document = try await api.get("/openapi.json", as: nil)
            let names = Set((document["/components/schemas"]?.entries ?? []).map(\.key))

            #expect(Set(ids).count == ids.count)
            let references = document.text.split(separator: "\"#/components/schemas/").dropFirst()
                .map { String($0.prefix { $0 != "\"" }) }
            #expect(!references.isEmpty)
            #expect(Set(references).subtracting(names).isEmpty)
        }
    }

    @Test func `examples are valid by their own schemas`() async throws {
        try await TestAPI.run { api in
            var count = 0
            for endpoint in api.server.endpoints {
                for content in endpoint.body?.contents ?? [] {
                    guard let example = content.example else { continue }
                    count += 1
                    let problems = content.schema.problems(
                        in: example, components: api.server.components)
                    #expect(problems.isEmpty, "\(endpoint.operationID): \(problems)")
                }
            }
            #expect(count > 10)
        }
    }

    @Test func `every answer and every error is shown by an example that is valid`()
        async throws
    {
        try await TestAPI.run { api in
            for endpoint in api.server.endpoints {
                for answer in endpoint.answers {
                    guard let schema = answer.schema else { continue }
                    let example =
                        answer.example ?? schema.specimen(in: api.server.components)
                    let shown = try #require(example, "\(endpoint.operationID) has no example")
                    let problems = schema.problems(in: shown, components: api.server.components)
                    #expect(problems.isEmpty, "\(endpoint.operationID): \(problems)")
                }
            }
            let document = try await api.get("/openapi.json", as: nil)
            for path in document["/paths"]?.entries ?? [] {
                for operation in path.value.entries ?? [] {
                    for answer in operation.value["responses"]?.entries ?? [] {
                        let place = "\(operation.key) \(path.key) \(answer.key)"
                        #expect(answer.value["headers"]?["X-Request-Id"] != nil, "\(place)")
                        // A stream is lines that no example of an object shows.
                        for content in answer.value["content"]?.entries ?? []
                        where content.key != "text/event-stream" {
                            let shown = content.value["example"] ?? content.value["examples"]
                            #expect(shown != nil, "\(place)")
                        }
                    }
                }
            }
            let examples = document["/components/examples"]?.entries ?? []
            #expect(examples.map(\.key) == ProblemKind.allCases.map(\.rawValue))
            for example in examples {
                let problems = Schema.reference("Problem").problems(
                    in: example.value["value"] ?? Node(.null), components: api.server.components)
                #expect(problems.isEmpty, "\(example.key): \(problems)")
            }
        }
    }

    @Test func `editors get the schema of a whole document`() async throws {
        try await TestAPI.run { api in
            let schema = try await api.get("/schema/document.json", as: nil)
            let tag = try #require(schema.headers[.eTag])
            let again = try await api.get(
                "/schema/document.json", as: nil, headers: [.ifNoneMatch: tag])

            #expect(schema.status == .ok)
            #expect(schema.headers[.contentType] == "application/schema+json")
            #expect(again.status == .notModified)
            let documents = try StartingDocument.allCases.map { document in
                #expect(
                    document.text.contains("$schema=http://127.0.0.1:8080/schema/document.json"))
                let value = try Node.readYAML(document.text).json()
                return String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
            }
            let (status, output) = try run(
                "python3",
                [
                    "-c",
                    """
                    import json, sys
                    import jsonschema
                    given = json.load(sys.stdin)
                    kind = jsonschema.validators.validator_for(given["schema"])
                    kind.check_schema(given["schema"])
                    validator = kind(given["schema"])
                    for document in given["documents"]:
                        validator.validate(document)
                        document["policy"] = []
                        assert not validator.is_valid(document)
                    print(kind.__name__)
                    """,
                ],
                input:
                    "{\"schema\": \(schema.text), \"documents\": [\(documents.joined(separator: ","))]}"
            )
            #expect(status == 0, "\(output)")
            #expect(output == "Draft202012Validator\n")
        }
    }

    @Test func `operations that need a key say so`() async throws {
        let settings = APISettings(authHeader: "X-Worker-Key")
        try await TestAPI.run(settings: settings) { api in
            let document = try await api.get("/openapi.json", as: nil)

            let schemes = document["/components/securitySchemes"]
            #expect(schemes?["bearer"]?["scheme"]?.text == "bearer")
            #expect(schemes?["header"]?["name"]?.text == "X-Worker-Key")
            for path in document["/paths"]?.entries ?? [] {
                for operation in path.value.entries ?? [] {
                    let isPublic = ["/livez", "/readyz"].contains(path.key)
                    #expect(
                        operation.value["security"]?.elements?.count == (isPublic ? 0 : 2),
                        "\(path.key)")
                }
            }
        }
    }

    @Test func `the document is valid OpenAPI 3.1`() async throws {
        try await TestAPI.run { api in
            let document = try await api.get("/openapi.json", as: nil)
            #expect(document.string("/openapi") == "3.1.0")

            let (status, output) = try run(
                "python3", ["-m", "openapi_spec_validator", "-"], input: document.text)

            #expect(
                !output.contains("No module named"),
                "Install the validator: python3 -m pip install openapi-spec-validator")
            #expect(status == 0, "\(output)")
        }
    }

    private func run(
        _ program: String, _ arguments: [String], input: String
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let (input_, output) = (Pipe(), Pipe())
        process.standardInput = input_
        process.standardOutput = output
        process.standardError = output
        try process.run()
        // A program that ends without reading closes the pipe; its own words say why.
        try? input_.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try input_.fileHandleForWriting.close()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
