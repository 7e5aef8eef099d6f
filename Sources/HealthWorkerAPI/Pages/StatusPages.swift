import Foundation
import HTTPTypes
import HealthWorkerModel
import HealthWorkerPages
import HealthWorkerStorage
import HealthWorkerTelling
import Hummingbird
import Logging

/// The status page at `/`: what is wrong now, and everything that an operator asks for then.
///
/// It is written here as a whole, for browsers with or without scripts; one small script renews it while
/// things happen. What it shows and does it asks of the API's own operations.
struct StatusPages: Sendable {
    let backend: Backend
    let questions: Questions
    let problems: ProblemAnswers
    let sessions: PageSessions
    let reading: PageReading
    private let orders: PageOrders

    init(backend: Backend, questions: Questions, problems: ProblemAnswers) {
        self.backend = backend
        self.questions = questions
        self.problems = problems
        sessions = PageSessions(sealing: backend.sealing)
        reading = PageReading(questions: questions, storage: backend.storage)
        orders = PageOrders(questions: questions)
    }

    private static let assets = Assets(
        tag: EntityTag.tag(of: Assets.Asset.allCases.flatMap(\.bytes)).filter(\.isHexDigit))

    private static let shown = [
        Link.overview, Link.policies, "\(Link.policies)/{name}", Link.checks,
        "\(Link.checks)/{name}", Link.overrides, Link.changes, Link.fleet, Link.live,
    ]

    /// Pages are no operations: the OpenAPI document does not list them.
    static let paths: [(path: String, methods: [HTTPTypes.HTTPRequest.Method])] =
        shown.map { ($0, [.get]) } + PageOrders.paths.map { ($0, [.get, .post]) }
        + [(Link.signIn, [.get, .post]), (Link.signOut, [.post])]
        + Assets.Asset.allCases.map { (assets.path($0), [.get]) }

    func mount(on router: Router<APIContext>) {
        let open = router.group().add(middleware: StrangerMiddleware(limits: questions.limits))
        for asset in Assets.Asset.allCases {
            let answer = Self.answer(asset)
            open.get(RouterPath(Self.assets.path(asset))) { _, _ in answer }
        }
        open.get(RouterPath(Link.signIn)) { request, context in
            try await guarded(request, context) { try await signInPage(request, context) }
        }
        open.post(RouterPath(Link.signIn)) { request, context in
            try await guarded(request, context) { try await signIn(request, context) }
        }
        open.post(RouterPath(Link.signOut)) { request, context in
            try await guarded(request, context) {
                _ = try await PageForm(of: request)
                return Self.sentOn(
                    to: Link.signIn,
                    cookie: PageSessions.farewell(isSecure: SameOrigin.isSecure(request)))
            }
        }
        router.get(RouterPath(Link.overview)) { request, context in
            guard MediaType.wanted(by: request.headers[.accept], of: [.json, .html]) == .html else {
                try questions.limits.admitStranger(context)
                return PublicEndpoints.program(version: backend.settings.version)
            }
            return try await page(request, context) { looker, visit in
                try await reading.overview(visit, looker).document
            }
        }
        show(Link.policies, on: router) { try await reading.policies($0, $1).document }
        show("\(Link.policies)/{name}", on: router) {
            try await reading.policy($0, $1).document
        }
        show(Link.checks, on: router) { try await reading.checks($0, $1).document }
        show("\(Link.checks)/{name}", on: router) { try await reading.check($0, $1).document }
        show(Link.overrides, on: router) { try await reading.overrides($0, $1).document }
        show(Link.changes, on: router) { try await reading.changes($0, $1).document }
        show(Link.fleet, on: router) { try await reading.fleet($0, $1).document }
        router.get(RouterPath(Link.live)) { request, context in
            guard let looker = try await looker(request, context) else {
                throw ProblemDetails(.unauthenticated, "Sign in first.")
            }
            return try await questions.respond(
                "listEvents", accepting: .eventStream, by: looker)
        }
        for path in PageOrders.paths { give(path, on: router) }
    }

    private func show(
        _ path: String, on router: Router<APIContext>,
        _ write: @escaping @Sendable (Visit, Looker) async throws -> HTML
    ) {
        router.get(RouterPath(path)) { request, context in
            try await page(request, context) { looker, visit in try await write(visit, looker) }
        }
    }

    private func give(_ path: String, on router: Router<APIContext>) {
        router.get(RouterPath(path)) { request, context in
            try await page(request, context) { looker, visit in
                try await orders.order(at: path, looker).page(visit).document
            }
        }
        router.post(RouterPath(path)) { request, context in
            try await guarded(request, context) {
                let form = try await PageForm(of: request)
                guard let looker = try await looker(request, context) else {
                    return toSignIn(request)
                }
                let order = try await orders.order(at: path, looker)
                do {
                    let done = try await order.carryOut(form, looker)
                    return Self.sentOn(to: "\(order.back)?done=\(done.rawValue)")
                } catch let problem as ProblemDetails where problem.isAnswered {
                    let page = order.page(
                        visit(request, looker), refused: form, problem.sentence)
                    return Self.html(page.document, status: problem.kind.status)
                }
            }
        }
    }

    // MARK: - Who looks

    /// Nil: nobody of whom anything is known. 429 for one who asks too often.
    private func looker(_ request: Request, _ context: APIContext) async throws -> Looker? {
        let opened = sessions.opened(request)
        let presented = opened ?? request
        let caller: Caller
        do {
            caller = try await backend.authentication.caller(of: presented, context: context)
        } catch {
            switch error {
            case .missing:
                try questions.limits.admitStranger(context)
                return nil
            case .refused:
                // A session that we sealed is no guess at a key: its key was revoked, or is over.
                if opened == nil { try questions.limits.countRefusal(context) }
                return nil
            case .tooMany(let wait): throw CallLimits.tooManyRefused(wait)
            case .storage(let error): throw error
            }
        }
        try questions.limits.admit(caller)
        try caller.need(.read)
        var context = context
        context.caller = caller
        context.logger[metadataKey: "caller"] = "\(caller.actor)"
        context.logger[metadataKey: "caller_id"] = "\(caller.id)"
        return Looker(
            caller: caller, request: presented, context: context, hasSession: opened != nil)
    }

    private func page(
        _ request: Request, _ context: APIContext,
        _ write: (Looker, Visit) async throws -> HTML
    ) async throws -> Response {
        try await guarded(request, context) {
            guard let looker = try await looker(request, context) else {
                return toSignIn(request)
            }
            do {
                return Self.html(try await write(looker, visit(request, looker)))
            } catch {
                return problemPage(of: error, request, looker.context, for: looker)
            }
        }
    }

    private func visit(_ request: Request, _ looker: Looker?) -> Visit {
        Visit(
            visitor: looker.map { looker in
                Visitor(
                    actor: looker.caller.actor, role: looker.caller.role.rawValue,
                    mayOperate: looker.caller.role >= .operate,
                    mayWrite: looker.caller.role >= .write, sets: looker.caller.sets,
                    hasSession: looker.hasSession)
            },
            now: Date(), version: backend.settings.version, assets: Self.assets,
            place: request.head.path ?? Link.overview,
            done: PageForm(query: request.uri.query)["done"].flatMap(Done.init),
            eventKinds: EventKind.allCases.map(\.rawValue))
    }

    // MARK: - Signing in

    private func toSignIn(_ request: Request) -> Response {
        // An order that came without a session is asked for once more: it was not carried out.
        let place = Link.local(request.head.path)
        if request.method == .get, SameOrigin.isElsewhere(request), !PageSessions.isIn(request) {
            return Self.html(ComeBackPage(place: place).document)
        }
        let next = place == Link.overview ? "" : "?next=\(place.percentEncoded)"
        return Self.sentOn(to: Link.signIn + next)
    }

    private func signInPage(_ request: Request, _ context: APIContext) async throws -> Response {
        let next = Link.local(PageForm(query: request.uri.query)["next"])
        return Self.html(SignInPage(visit: visit(request, nil), next: next).document)
    }

    private func signIn(_ request: Request, _ context: APIContext) async throws -> Response {
        let form = try await PageForm(of: request)
        let next = Link.local(form["next"])
        func refused(_ sentence: String, _ status: HTTPResponse.Status) -> Response {
            Self.html(
                SignInPage(visit: visit(request, nil), next: next, problem: sentence).document,
                status: status)
        }
        guard let key = form["key"]?.trimmingCharacters(in: .whitespacesAndNewlines), !key.isEmpty
        else { return refused("Give a key.", .badRequest) }
        do {
            let caller = try await backend.authentication.caller(
                of: request.presenting(key), context: context)
            try caller.need(.read)
        } catch let error as AuthenticationError {
            switch error {
            case .missing(let sentence): return refused(sentence, .unauthorized)
            case .refused(let sentence):
                try questions.limits.countRefusal(context)
                return refused(sentence, .unauthorized)
            case .tooMany(let wait): throw CallLimits.tooManyRefused(wait)
            case .storage(let error): throw error
            }
        }
        return Self.sentOn(
            to: next,
            cookie: try sessions.cookie(for: key, isSecure: SameOrigin.isSecure(request)))
    }

    // MARK: - Answers

    /// Tells what goes wrong as a page.
    private func guarded(
        _ request: Request, _ context: APIContext, _ body: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await body()
        } catch {
            return problemPage(of: error, request, context, for: nil)
        }
    }

    private func problemPage(
        of error: any Error, _ request: Request, _ context: APIContext, for looker: Looker?
    ) -> Response {
        let problem = problems.problem(of: error, request: request, context: context)
        var response = Self.html(
            ProblemPage(
                visit: visit(request, looker), title: problem.kind.title,
                sentence: problem.sentence, requestID: context.requestID
            ).document, status: problem.kind.status)
        for field in problem.headers { response.headers[field.name] = field.value }
        return response
    }

    /// Nothing but our own files, and forms to ourselves alone.
    private static let safety: HTTPFields = [
        .contentSecurityPolicy: "default-src 'none'; script-src 'self'; style-src 'self'; "
            + "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
            + "frame-ancestors 'none'",
        // With no-referrer a browser says "Origin: null" of its forms to ourselves, too (WHATWG Fetch, §3.2):
        // whether they are ours, and whether they came by TLS, would not be known.
        .referrerPolicy: "same-origin",
    ]

    private static func html(_ page: HTML, status: HTTPResponse.Status = .ok) -> Response {
        var headers = safety
        headers[.cacheControl] = "no-store"
        headers[.vary] = "Accept, Cookie"
        return .text(
            page.text, type: "\(MediaType.html.rawValue); charset=utf-8", status: status,
            headers: headers)
    }

    private static func sentOn(to place: String, cookie: String? = nil) -> Response {
        var headers: HTTPFields = [.location: place, .cacheControl: "no-store"]
        headers[.setCookie] = cookie
        return Response(status: .seeOther, headers: headers)
    }

    private static func answer(_ asset: Assets.Asset) -> Response {
        let type =
            switch asset {
            case .style: "text/css; charset=utf-8"
            case .script: "text/javascript; charset=utf-8"
            case .icon: "image/svg+xml"
            }
        var headers = safety
        headers[.contentType] = type
        headers[.cacheControl] = "public, max-age=31536000, immutable"
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    }
}

extension ProblemDetails {
    /// All that is wrong, in words, and with what.
    var sentence: String {
        var sentences = errors.map(\.placed)
        if errors.count != 1 || detail != errors[0].detail, let detail {
            sentences.insert(detail, at: 0)
        }
        let all = sentences.isEmpty ? kind.title + "." : sentences.joined(separator: " ")
        return KeyMint.redacting(all)
    }

    /// Whether who filled in a form can mend it there, or has to know why it is refused.
    fileprivate var isAnswered: Bool {
        switch kind {
        case .conflict, .invalid, .invalidParameter, .forbidden, .notFound, .preconditionFailed,
            .malformed:
            true
        default: false
        }
    }
}

extension ProblemDetails.Item {
    /// `reason: must not be empty`: who filled in a form sees nothing of a pointer.
    fileprivate var placed: String {
        switch place {
        case .body(let pointer) where !pointer.isEmpty: "\(pointer.dropFirst()): \(detail)"
        case .parameter(let name): "\(name): \(detail)"
        case .body, .header, .nowhere: detail
        }
    }
}
