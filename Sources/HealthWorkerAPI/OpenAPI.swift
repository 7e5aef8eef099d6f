import HTTPTypes
package import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// Assembles the OpenAPI 3.1.0 document of endpoints, with nothing in it that they do not say.
package enum OpenAPI {
    package static func document(
        of endpoints: [Endpoint], components: [String: Schema], schemes: [SecurityScheme],
        version: String
    ) -> Node {
        var paths: [(path: String, operations: [Node.Entry])] = []
        for endpoint in endpoints {
            let operation = Node.Entry(
                endpoint.method.rawValue.lowercased(), operation(endpoint, components, schemes))
            if let index = paths.firstIndex(where: { $0.path == endpoint.path }) {
                paths[index].operations.append(operation)
            } else {
                paths.append((endpoint.path, [operation]))
            }
        }
        let tags = Endpoint.Tag.allCases.filter { tag in endpoints.contains { $0.tag == tag } }
        return .object([
            .init("openapi", .text("3.1.0")),
            .init("info", info(version: version)),
            .init(
                "tags",
                .list(
                    tags.map { tag in
                        .object([
                            .init("name", .text(tag.rawValue)),
                            .init("description", .text(tag.description)),
                        ])
                    })),
            .init(
                "paths", .object(paths.map { Node.Entry($0.path, .object($0.operations)) })),
            .init(
                "components",
                .object([
                    .init(
                        "securitySchemes",
                        .object(schemes.map { .init($0.name, $0.description) })),
                    .init(
                        "schemas",
                        .object(
                            components.sorted { $0.key < $1.key }.map {
                                Node.Entry($0.key, Node(json: $0.value.jsonSchema()))
                            })),
                    .init("headers", .object([.init(requestID, requestIDHeader)])),
                    .init("examples", .object(ProblemKind.allCases.map(example))),
                ])),
        ])
    }

    private static let requestID = "X-Request-Id"

    private static let requestIDHeader = Node.object([
        .init(
            "description",
            .text(
                "The request in the log: the id that the request carried in this header, or a "
                    + "random one.")),
        .init(
            "schema",
            .object([.init("type", .text("string")), .init("maxLength", .number(64))])),
        .init("example", .text("4f2a9c1be77d0361")),
    ])

    /// What every answer carries.
    private static let requestIDReference = Node.Entry(
        requestID, .object([.init("$ref", .text("#/components/headers/\(requestID)"))]))

    private static func example(of kind: ProblemKind) -> Node.Entry {
        .init(
            kind.rawValue,
            .object([
                .init("summary", .text(kind.title)),
                .init(
                    "value",
                    ProblemDetails(kind, kind.remedy).node(requestID: "4f2a9c1be77d0361")),
            ]))
    }

    private static func info(version: String) -> Node {
        .object([
            .init("title", .text("Health Worker")), .init("version", .text(version)),
            .init(
                "summary",
                .text("Health checks as SQL rows, and routes that follow.")),
            .init(
                "description",
                .text(
                    "Checks probe targets; policies publish the members whose checks are healthy. "
                        + "Writes are answered after the routes that they touch were decided. "
                        + "Every error is `application/problem+json` (RFC 9457) and lists all that "
                        + "is wrong, each with a JSON pointer. Times are RFC 3339 in UTC; spans are "
                        + "texts such as `10s`. Where a key may be missing it may also be null, "
                        + "which says the same. Every path answers HEAD where it answers GET, and "
                        + "OPTIONS with the methods that it takes.")),
            .init(
                "license",
                .object([
                    .init("name", .text("MIT")), .init("identifier", .text("MIT")),
                ])),
        ])
    }

    // MARK: - One operation

    private static func operation(
        _ endpoint: Endpoint, _ components: [String: Schema], _ schemes: [SecurityScheme]
    ) -> Node {
        let needs = endpoint.role.map { "Needs a key with the role `\($0.rawValue)`." }
        let description = [endpoint.description, needs].compactMap(\.self).joined(separator: "\n\n")
        return .object([
            .init("operationId", .text(endpoint.operationID)),
            .init("tags", .names([endpoint.tag.rawValue])),
            .init("summary", .text(endpoint.summary)),
            description.isEmpty ? nil : .init("description", .text(description)),
            endpoint.parameters.isEmpty
                ? nil : .init("parameters", .list(endpoint.parameters.map(parameter))),
            entry("requestBody", endpoint.body.map(body)),
            .init("responses", responses(of: endpoint, components)),
            .init(
                "security",
                .list(
                    endpoint.role == nil
                        ? [] : schemes.map { .object([.init($0.name, .list([]))]) })),
        ])
    }

    private static func parameter(_ parameter: Endpoint.Parameter) -> Node {
        let schema =
            parameter.repeats ? Schema.list(of: parameter.schema, count: 0...64) : parameter.schema
        return .object([
            .init("name", .text(parameter.name)), .init("in", .text(parameter.place.rawValue)),
            .init("description", .text(parameter.summary)),
            parameter.place == .path ? .init("required", .flag(true)) : nil,
            .init("schema", Node(json: schema.jsonSchema())),
        ])
    }

    private static func body(_ body: Endpoint.Body) -> Node {
        .object([
            .init("required", .flag(body.isRequired)),
            .init(
                "content",
                .object(
                    body.contents.map { content in
                        .init(
                            content.type.rawValue,
                            media(content.schema, example: content.example))
                    })),
        ])
    }

    private static func media(_ schema: Schema, example: Node?) -> Node {
        .object([.init("schema", Node(json: schema.jsonSchema())), entry("example", example)])
    }

    private static func responses(
        of endpoint: Endpoint, _ components: [String: Schema]
    ) -> Node {
        var entries: [Node.Entry] = endpoint.answers.map { answer in
            .init(
                String(answer.status.code),
                .object([
                    .init("description", .text(answer.summary)),
                    .init("headers", .object(answer.headers.map(header) + [requestIDReference])),
                    answer.schema.map { schema in
                        let example = answer.example ?? schema.specimen(in: components)
                        return .init(
                            "content",
                            .object(
                                answer.types.map { type in
                                    // A stream is lines of text, each event on its own.
                                    .init(
                                        type.rawValue,
                                        type == .eventStream
                                            ? media(.text(length: 0...1_048_576), example: nil)
                                            : media(schema, example: example))
                                }))
                    },
                ]))
        }
        let kinds = Dictionary(grouping: endpoint.allProblems, by: \.status.code)
        for (status, kinds) in kinds.sorted(by: { $0.key < $1.key }) {
            let problem = problem(String(status), kinds.map(\.title), kinds)
            if let index = entries.firstIndex(where: { $0.key == problem.key }) {
                entries[index].value = joined(entries[index].value, problem.value)
            } else {
                entries.append(problem)
            }
        }
        entries.append(problem("default", ["Anything else that went wrong"], [.internal]))
        return .object(entries)
    }

    /// An answer and an error of the same status: told apart by the type of their bodies.
    private static func joined(_ answer: Node, _ problem: Node) -> Node {
        .object(
            (answer.entries ?? []).map { entry in
                switch entry.key {
                case "description":
                    .init(
                        entry.key,
                        .text(
                            [answer, problem].compactMap { $0["description"]?.text }
                                .joined(separator: " Or: ")))
                case "content":
                    .init(
                        entry.key,
                        .object((entry.value.entries ?? []) + (problem["content"]?.entries ?? [])))
                case "headers":
                    .init(
                        entry.key,
                        .object(
                            (entry.value.entries ?? [])
                                + (problem["headers"]?.entries ?? []).filter {
                                    entry.value[$0.key] == nil
                                }))
                default: entry
                }
            })
    }

    private static func header(_ header: (name: String, summary: String)) -> Node.Entry {
        .init(
            header.name,
            .object([
                .init("description", .text(header.summary)),
                .init("schema", .object([.init("type", .text("string"))])),
            ]))
    }

    private static func problem(
        _ status: String, _ titles: [String], _ kinds: [ProblemKind]
    ) -> Node.Entry {
        let headers: [Node.Entry] = kinds.flatMap(\.headers).map(header) + [requestIDReference]
        let examples: [Node.Entry] = kinds.map { kind in
            let reference = Node.text("#/components/examples/\(kind.rawValue)")
            return Node.Entry(kind.rawValue, .object([Node.Entry("$ref", reference)]))
        }
        let media = Node.object([
            Node.Entry("schema", Node(json: Schema.reference("Problem").jsonSchema())),
            Node.Entry("examples", .object(examples)),
        ])
        return Node.Entry(
            status,
            .object([
                Node.Entry("description", .text(titles.joined(separator: ". ") + ".")),
                Node.Entry("headers", .object(headers)),
                Node.Entry(
                    "content", .object([Node.Entry("application/problem+json", media)])),
            ]))
    }
}
