import HTTPTypes
import HealthWorkerDocument
import HealthWorkerStorage
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// Answers every error as `application/problem+json`.
struct ProblemAnswers: MiddlewareProtocol {
    typealias Input = Request
    typealias Output = Response
    typealias Context = APIContext

    let paths: PathTable

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            if request.method == .options, let allowed = allowed(at: request) {
                return Response(status: .noContent, headers: [.allow: allowed])
            }
            return problem(of: error, request: request, context: context)
                .response(requestID: context.requestID)
        }
    }

    func problem(
        of error: any Error, request: Request, context: APIContext
    ) -> ProblemDetails {
        switch error {
        case let problem as ProblemDetails:
            return problem
        case let error as StorageError:
            if case .refused = error {
            } else {
                context.logger.error("The storage failed", metadata: ["error": "\(error)"])
            }
            return ProblemDetails(error)
        case let problems as Problems:
            return ProblemDetails(.invalid, problems.list)
        case is NIOTooManyBytesError:
            return ProblemDetails(.tooLarge)
        case let fault as HTTPParserError:
            return ProblemDetails(fault)
        case is RequestTooSlow:
            return ProblemDetails(
                .tooSlow, "The body has not arrived in time: send it again, faster.",
                headers: [.connection: "close"])
        case is CancellationError:
            return ProblemDetails(
                .unavailable, "This process is ending; ask again.", headers: [.retryAfter: "1"])
        case let error as any HTTPResponseError where error.status == .notFound:
            return nothingHere(request)
        default:
            context.logger.error("A request failed", metadata: ["error": "\(error)"])
            return ProblemDetails(
                .internal, "The log has the details under this request's id.")
        }
    }

    private func nothingHere(_ request: Request) -> ProblemDetails {
        guard let allowed = allowed(at: request) else {
            return ProblemDetails(
                .notFound, "Nothing is served at this path. GET /openapi.json lists what is.")
        }
        return ProblemDetails(
            .methodNotAllowed, "Allowed here: \(allowed).", headers: [.allow: allowed])
    }

    /// The methods of the path that is asked for; nil where nothing is.
    private func allowed(at request: Request) -> String? {
        // CONNECT names a host and no path: no path takes it.
        let path = request.method == .connect ? "/" : request.uri.path
        let methods = request.head.path == "*" ? paths.methods : paths.methods(at: path)
        return methods.isEmpty
            ? nil : (methods + [.options]).map(\.rawValue).joined(separator: ", ")
    }
}

/// Which methods a path takes, for answers to the others.
struct PathTable: Sendable {
    private var entries: [(template: [Substring], method: HTTPTypes.HTTPRequest.Method)] = []

    mutating func add(_ path: String, _ method: HTTPTypes.HTTPRequest.Method) {
        let template = String(path).split(separator: "/")
        entries.append((template, method))
        if method == .get { entries.append((template, .head)) }
    }

    /// The methods that any path takes.
    var methods: [HTTPTypes.HTTPRequest.Method] {
        var methods: [HTTPTypes.HTTPRequest.Method] = []
        for entry in entries where !methods.contains(entry.method) { methods.append(entry.method) }
        return methods
    }

    func methods(at path: String) -> [HTTPTypes.HTTPRequest.Method] {
        let parts = path.split(separator: "/")
        return entries.filter { entry in
            entry.template.count == parts.count
                && zip(entry.template, parts).allSatisfy { $0.first == "{" || $0 == $1 }
        }.map(\.method)
    }
}
