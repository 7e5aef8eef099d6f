import Foundation
import HTTPTypes
import HealthWorkerDocument
import HealthWorkerStorage
import Hummingbird
import HummingbirdCore
import NIOCore

/// What endpoints share once they are mounted.
struct Mounting: Sendable {
    /// Finds out who asks; nil where nothing that is mounted needs a key.
    var authentication: (any Authentication)?
    var watch: RouteWatch
    var limits: CallLimits
    var settings: APISettings
    /// The components to which schemas refer.
    var components: [String: Schema]
}

extension Endpoint {
    /// Adds the route: authentication, validation, handler.
    func mount(on router: Router<APIContext>, _ mounting: Mounting) {
        let endpoint = self
        let handler: @Sendable (Request, APIContext) async throws -> Response = {
            request, context in
            try await endpoint.answer(to: request, context: context, mounting)
        }
        if let role {
            guard let authentication = mounting.authentication else {
                preconditionFailure("\(operationID) needs a key, and nothing here knows any")
            }
            router.group()
                .add(
                    middleware: CallerMiddleware(
                        authentication: authentication, limits: mounting.limits,
                        role: role)
                )
                .on(RouterPath(path), method: method, use: handler)
        } else if isUnlimited {
            router.on(RouterPath(path), method: method, use: handler)
        } else {
            router.group()
                .add(middleware: StrangerMiddleware(limits: mounting.limits))
                .on(RouterPath(path), method: method, use: handler)
        }
    }

    /// Validates and carries out a request of a caller who is let in already.
    func answer(
        to request: Request, context: APIContext, _ mounting: Mounting
    ) async throws -> Response {
        let call = try await call(of: request, context: context, mounting)
        // Whatever is written may move routes, also where it fails half-way.
        defer { if method != .get { mounting.watch.forget() } }
        return try await handler(call)
    }

    private func call(
        of request: Request, context: APIContext, _ mounting: Mounting
    ) async throws -> Call {
        var call = Call(request: request, context: context)
        var errors: [ProblemDetails.Item] = []
        readPath(into: &call, &errors, mounting)
        readQuery(into: &call, &errors, mounting)
        readHeaders(of: request, &errors, mounting)
        if !errors.isEmpty {
            throw ProblemDetails(
                .invalidParameter, errors.count == 1 ? errors[0].detail : nil, errors: errors)
        }
        try readWantedType(into: &call)
        if let body { call.body = try await read(body, of: request, mounting) }
        return call
    }

    // MARK: - Parameters

    private func readPath(
        into call: inout Call, _ errors: inout [ProblemDetails.Item], _ mounting: Mounting
    ) {
        for parameter in parameters where parameter.place == .path {
            let raw = call.context.parameters.get(parameter.name) ?? ""
            let text = raw.removingPercentEncoding ?? raw
            let node = parameter.node(of: text)
            for problem in parameter.schema.problems(in: node, components: mounting.components) {
                errors.append(.init(problem, parameter: parameter.name))
            }
            call.path[parameter.name] = text
        }
    }

    /// The query as one object, so that the schema finds misspelt parameters as it finds keys.
    private var querySchema: Schema {
        .object(
            parameters.filter { $0.place == .query }.map { parameter in
                let schema = parameter.schema
                return Schema.Property(
                    parameter.name, parameter.repeats ? .list(of: schema, count: 0...64) : schema)
            })
    }

    private func readQuery(
        into call: inout Call, _ errors: inout [ProblemDetails.Item], _ mounting: Mounting
    ) {
        var unknown: [Node.Entry] = []
        for (name, value) in call.request.uri.queryFields {
            let known = parameters.first { $0.place == .query && $0.name == name }
            let node =
                known.map { $0.node(of: URI.unescaped(value, plusIsPlus: $0.plusIsPlus)) }
                ?? Node(.bool(true))
            if let known {
                if call.query[known.name] != nil, !known.repeats {
                    errors.append(.init("can be given once only", at: .parameter(known.name)))
                }
                call.query[known.name, default: []].append(node)
            } else {
                unknown.append(Node.Entry(name, node))
            }
        }
        let given = parameters.compactMap { parameter in
            call.query[parameter.name].map { nodes in
                Node.Entry(parameter.name, parameter.repeats ? .list(nodes) : nodes[0])
            }
        }
        let problems = querySchema.problems(
            in: .object(given + unknown), components: mounting.components, keyWord: "parameter")
        for problem in problems {
            guard case .key(let name)? = problem.path.steps.first else { continue }
            errors.append(.init(problem, parameter: name))
        }
    }

    private func readHeaders(
        of request: Request, _ errors: inout [ProblemDetails.Item], _ mounting: Mounting
    ) {
        for parameter in parameters where parameter.place == .header {
            guard let name = HTTPField.Name(parameter.name), let text = request.headers[name] else {
                continue
            }
            if !parameter.schema.problems(in: .text(text), components: mounting.components).isEmpty
            {
                errors.append(.init("The value is not valid.", at: .header(parameter.name)))
            }
        }
    }

    private func readWantedType(into call: inout Call) throws {
        let offered = answers.filter { $0.schema != nil || !$0.types.isEmpty }.flatMap(\.types)
        guard !offered.isEmpty else { return }
        guard let type = MediaType.wanted(by: call.request.headers[.accept], of: offered) else {
            let types = offered.map(\.rawValue).joined(separator: ", ")
            throw ProblemDetails(.notAcceptable, "This can be answered as \(types).")
        }
        call.wantedType = type
    }

    // MARK: - Body

    private func read(
        _ body: Body, of request: Request, _ mounting: Mounting
    ) async throws -> Node? {
        let content = try content(of: body, request)
        if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
            // RFC 9110 §12.5.3.
            throw ProblemDetails(
                .unsupportedMediaType, "A body is read as it is: send it without compression.",
                headers: [.acceptEncoding: "identity"])
        }
        let limit =
            switch body.limit {
            case .object: mounting.settings.bodyLimit
            case .document: mounting.settings.documentLimit
            }
        let tooLarge = ProblemDetails(.tooLarge, "A body may have at most \(limit) bytes here.")
        // What is announced as too long is not waited for.
        if let announced = request.headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw tooLarge
        }
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
        if buffer.readableBytes == 0, !body.isRequired { return nil }
        let node: Node
        do {
            let text = DocumentText(
                bytes: Array(buffer.readableBytesView),
                syntax: content.type == .yaml ? .yaml : .json)
            node = try text.read()
        } catch {
            throw body.isConfidential
                ? ProblemDetails(
                    .malformed, "The body is neither JSON nor YAML; it is not repeated here.")
                : ProblemDetails(.malformed, error.list)
        }
        if body.validation == .schema {
            let problems = content.schema.problems(in: node, components: mounting.components)
            guard problems.isEmpty else {
                throw body.isConfidential
                    ? ProblemDetails(
                        .invalid,
                        "The body is not as the description of this operation asks; it is not "
                            + "repeated here.")
                    : ProblemDetails(.invalid, problems)
            }
        }
        return node
    }

    private func content(of body: Body, _ request: Request) throws -> Body.Content {
        guard let header = request.headers[.contentType] else { return body.contents[0] }
        if let type = MediaType(header: header),
            let content = body.contents.first(where: { $0.type == type })
        {
            return content
        }
        let types = body.contents.map(\.type.rawValue).joined(separator: ", ")
        throw ProblemDetails(
            .unsupportedMediaType, "Send the body as \(types).",
            // RFC 9110 §15.5.16 and RFC 5789 §3.1.
            headers: method == .patch ? [.acceptPatch: types] : [.accept: types])
    }
}

extension Endpoint.Parameter {
    /// The value that a text of a URL stands for.
    fileprivate func node(of text: String) -> Node {
        switch schema.shape {
        case .integer:
            Int64(text).map { Node(.integer($0)) } ?? .text(text)
        case .boolean:
            switch text {
            case "true", "1", "": .flag(true)
            case "false", "0": .flag(false)
            default: .text(text)
            }
        default:
            .text(text)
        }
    }
}

extension ProblemDetails.Item {
    fileprivate init(_ problem: Problem, parameter: String) {
        self.init(problem.message, at: .parameter(parameter), suggestion: problem.suggestion)
    }
}

extension HTTPField.Name {
    static let acceptPatch = Self("Accept-Patch")!  // a token (RFC 9110 §5.1)
}
