package import HTTPTypes
package import HealthWorkerDocument
import HealthWorkerModel
package import HealthWorkerStorage
package import Hummingbird

/// One operation of the API: the single source of its route, of what requests must be, and of its
/// description in OpenAPI.
///
/// Registering an endpoint does all three with the same values, so that the description cannot say
/// anything but what the program does.
package struct Endpoint: Sendable {
    package var method: HTTPTypes.HTTPRequest.Method
    /// With parameters in braces: `/v1/checks/{name}`.
    package var path: String
    package var operationID: String
    package var summary: String
    package var description: String?
    package var tag: Tag
    /// The least role a key must have; nil: no key is needed.
    package var role: KeyRole?
    package var parameters: [Parameter]
    package var body: Body?
    package var answers: [Answer]
    /// What can go wrong beside what follows from the other values, see ``allProblems``.
    package var problems: [ProblemKind]
    /// Balancers and supervisors go by its answer, so it is answered however much others ask.
    package var isUnlimited: Bool
    package var handler: @Sendable (Call) async throws -> Response

    init(
        _ method: HTTPTypes.HTTPRequest.Method, _ path: String, _ operationID: String, tag: Tag,
        role: KeyRole?, summary: String, description: String? = nil, parameters: [Parameter] = [],
        body: Body? = nil, answers: [Answer], problems: [ProblemKind] = [],
        isUnlimited: Bool = false,
        handler: @escaping @Sendable (Call) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.operationID = operationID
        self.tag = tag
        self.role = role
        self.summary = summary
        self.description = description
        self.parameters = parameters
        self.body = body
        self.answers = answers
        self.problems = problems
        self.isUnlimited = isUnlimited
        self.handler = handler
    }

    /// Every kind of error that the operation can answer.
    package var allProblems: [ProblemKind] {
        var kinds: Set<ProblemKind> = [
            .malformedRequest, .invalidParameter, .notAcceptable, .headersTooLarge,
        ]
        if !isUnlimited { kinds.insert(.tooManyRequests) }
        kinds.formUnion(problems)
        if role != nil {
            kinds.formUnion([.unauthenticated, .forbidden, .unavailable])
        }
        if body != nil {
            kinds.formUnion([.malformed, .tooSlow, .tooLarge, .unsupportedMediaType, .invalid])
        }
        return ProblemKind.allCases.filter(kinds.contains)
    }
}

extension Endpoint {
    package enum Tag: String, Hashable, Sendable, CaseIterable {
        case checks = "Checks"
        case policies = "Policies"
        case routes = "Routes"
        case overrides = "Overrides"
        case maintenances = "Maintenances"
        case events = "Events"
        case documents = "Documents"
        case installation = "Installation"
        case secrets = "Secrets"
        case keys = "Keys"

        package var description: String {
            switch self {
            case .checks: "What is probed, and what was found."
            case .policies: "How members are published, and why."
            case .routes: "The members published now."
            case .overrides: "An operator's word over measured health."
            case .maintenances: "Windows in which members drain and nobody is woken for it."
            case .events: "What happened, and what happens."
            case .documents: "Whole documents of checks and policies."
            case .installation:
                "The processes, what workers go by, the queue and the audit log."
            case .secrets: "What checks send in headers and nobody sees again."
            case .keys: "Keys of this API."
            }
        }
    }

    package struct Parameter: Sendable {
        package enum Place: String, Hashable, Sendable {
            case path
            case query
            case header
        }

        package var name: String
        package var place: Place
        package var schema: Schema
        package var summary: String
        /// It may be given several times.
        package var repeats: Bool
        /// In a query `+` is a blank, except where a value has no blanks and may have a `+`.
        package var plusIsPlus = false

        static func path(_ name: String, _ schema: Schema, _ summary: String) -> Parameter {
            Parameter(name: name, place: .path, schema: schema, summary: summary, repeats: false)
        }

        static func query(
            _ name: String, _ schema: Schema, _ summary: String, repeats: Bool = false
        ) -> Parameter {
            Parameter(name: name, place: .query, schema: schema, summary: summary, repeats: repeats)
        }

        static func header(
            _ name: String, _ summary: String, _ schema: Schema = .text(length: 1...256)
        ) -> Parameter {
            Parameter(
                name: name, place: .header, schema: schema, summary: summary, repeats: false)
        }
    }

    package struct Body: Sendable {
        package struct Content: Sendable {
            package var type: MediaType
            package var schema: Schema
            package var example: Node?
        }

        /// Who finds out what is wrong with it.
        package enum Validation: Sendable {
            /// The schema, before the handler is called.
            case schema
            /// The handler, with the document's compiler: it knows the same schema, and the rules
            /// between several keys.
            case compiler
        }

        /// The first is assumed where a request names no type.
        package var contents: [Content]
        package var validation: Validation
        package var limit: Limit
        package var isRequired: Bool
        /// Nothing of it may be repeated, not even where it is wrong.
        package var isConfidential = false

        package enum Limit: Sendable {
            case object
            case document
        }

        init(
            _ contents: [Content], validation: Validation = .schema, limit: Limit = .object,
            isRequired: Bool = true
        ) {
            self.contents = contents
            self.isRequired = isRequired
            self.validation = validation
            self.limit = limit
        }

        /// A body in JSON or YAML.
        init(
            _ schema: Schema, example: Node? = nil, validation: Validation = .schema,
            limit: Limit = .object, isRequired: Bool = true, isConfidential: Bool = false
        ) {
            self.init(
                [
                    Content(type: .json, schema: schema, example: example),
                    Content(type: .yaml, schema: schema, example: example),
                ], validation: validation, limit: limit, isRequired: isRequired)
            self.isConfidential = isConfidential
        }
    }

    /// One way in which the operation succeeds.
    package struct Answer: Sendable {
        package var status: HTTPResponse.Status
        package var summary: String
        package var types: [MediaType]
        /// Nil: nothing is in the body.
        package var schema: Schema?
        package var example: Node?
        /// Header → what it says.
        package var headers: [(name: String, summary: String)]

        init(
            _ status: HTTPResponse.Status, _ summary: String, _ schema: Schema? = nil,
            types: [MediaType] = [.json], example: Node? = nil,
            headers: [(name: String, summary: String)] = []
        ) {
            self.status = status
            self.summary = summary
            self.schema = schema
            self.types = types
            self.example = example
            self.headers = headers
        }
    }
}
