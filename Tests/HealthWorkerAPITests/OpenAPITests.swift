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

    @Test func `operations that need a key say so`() async throws {
        let settings = APISettings(authHeader: "X-Worker-Key")
        try await TestAPI.run(settings: settings) { api in
            let document = try await api.get("/openapi.json", as: nil)

            let schemes = document["/components/securitySchemes"]
            #expect(schemes?["bearer"]?["scheme"]?.text == "bearer")
            #expect(schemes?["header"]?["name"]?.text == "X-Worker-Key")
            for path in document["/paths"]?.entries ?? [] {
                for operation in path.value.entries ?? [] {
                    #expect(operation.value["security"]?.elements?.count == 2, "\(path.key)")
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
