import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerSecrets
import HealthWorkerStorage
import Hummingbird

/// `/v1/secrets`
///
/// Values go in and never come out: not in answers, errors, the log or the audit log, and the database
/// holds them sealed.
struct SecretEndpoints {
    let backend: Backend

    private static let name = Endpoint.Parameter.path("name", .name, "The secret's name.")

    /// What a header can carry, without blanks at its ends, which HTTP takes away.
    private static let value = TextFormat(
        pattern: "^[!-~]([ -~]*[!-~])?$",
        expectation: "printable ASCII characters without a blank at either end"
    ) { text in
        let isPrintable = text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
        return isPrintable && text.first != " " && text.last != " "
            ? nil : "is nothing that a header can carry"
    }

    private static let request = Schema.object([
        Answers.required(
            "value",
            .text(value, length: 1...8192).described(
                "What is sent in the header. It is never shown again."))
    ])

    var all: [Endpoint] { [list, get, put, delete, reseal] }

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/secrets", "listSecrets", tag: .secrets, role: .read,
            summary: "List the stored secrets, never their values",
            parameters: Listing.parameters,
            answers: Listing.answers("SecretPage", "Secrets, by name.")
        ) { [backend] call in
            let after = try Listing.after(call, in: "secrets") ?? ""
            let found = try await backend.storage.secrets().filter { $0.name > after }
                .prefix(Listing.limit(call) + 1)
            let users = try await backend.storage.secretUsers()
            return Listing.answer(call, "secrets", Array(found), position: \.name) {
                Self.node(of: $0, users)
            }
        }
    }

    private var get: Endpoint {
        Endpoint(
            .get, "/v1/secrets/{name}", "getSecret", tag: .secrets, role: .read,
            summary: "Get what is known of a secret, never its value", parameters: [Self.name],
            answers: [Endpoint.Answer(.ok, "The secret.", .reference("Secret"))],
            problems: [.notFound]
        ) { [backend] call in
            .json(
                Self.node(of: try await stored(call), try await backend.storage.secretUsers()))
        }
    }

    private var put: Endpoint {
        Endpoint(
            .put, "/v1/secrets/{name}", "putSecret", tag: .secrets, role: .write,
            summary: "Store a secret or give it another value",
            description:
                "Checks name it in `secret_headers` as `secret:NAME`; workers send the new "
                + "value within some seconds. Whoever may write checks of all sets may have a secret "
                + "sent to a target of their choice; a key for some sets may not.",
            parameters: [Self.name, ObjectWriting.message],
            body: Endpoint.Body(
                Self.request, example: .object([.init("value", .text("Bearer 0123456789"))]),
                isConfidential: true),
            answers: [
                Endpoint.Answer(.ok, "It has the value now.", .reference("Secret")),
                Endpoint.Answer(.created, "It is stored.", .reference("Secret")),
            ], problems: [.conflict]
        ) { [backend] call in
            let sealed: String
            do {
                sealed = try backend.sealing.seal(
                    try call.document["value"]?.text ?? "", as: call.name())
            } catch let error as SealingError {
                throw Self.problem(of: error)
            }
            let result = try await change(.put(sealed: sealed), call)
            let node = Self.node(
                of: try await stored(call), try await backend.storage.secretUsers())
            if case .created = result { return .json(node, status: .created) }
            return .json(node)
        }
    }

    private var delete: Endpoint {
        Endpoint(
            .delete, "/v1/secrets/{name}", "deleteSecret", tag: .secrets, role: .write,
            summary: "Delete a secret that no check uses",
            parameters: [Self.name, ObjectWriting.message],
            answers: [Endpoint.Answer(.noContent, "It is gone.", types: [])],
            problems: [.notFound, .conflict]
        ) { call in
            _ = try await change(.delete, call)
            return Response(status: .noContent)
        }
    }

    private var reseal: Endpoint {
        Endpoint(
            .post, "/v1/secrets/{name}/reseal", "resealSecret", tag: .secrets, role: .write,
            summary: "Seal a secret with the first of the present keys",
            description:
                "To change the key of `database.secrets_key`: list the new one behind the old "
                + "one at every api and worker, then before it, seal every secret anew, and take the "
                + "old one away. The value stays as it is.",
            parameters: [Self.name, ObjectWriting.message],
            answers: [Endpoint.Answer(.ok, "The secret.", .reference("Secret"))],
            problems: [.notFound, .conflict]
        ) { [backend] call in
            let secret = try await stored(call)
            if SealingKeys.label(of: secret.sealed) != backend.sealing.label {
                do {
                    let value = try backend.sealing.open(secret.sealed, as: secret.name)
                    let sealed = try backend.sealing.seal(value, as: secret.name)
                    _ = try await change(
                        .reseal(sealed: sealed, revision: secret.revision), call)
                } catch let error as SealingError {
                    throw Self.problem(of: error)
                }
            }
            return .json(
                Self.node(of: try await stored(call), try await backend.storage.secretUsers()))
        }
    }

    // MARK: - Parts

    private func stored(_ call: Call) async throws -> StoredSecret {
        let name = call.name()
        guard let secret = try await backend.storage.secrets().first(where: { $0.name == name })
        else { throw ProblemDetails.missing(.secret, name) }
        return secret
    }

    private func change(_ order: SecretChange.Order, _ call: Call) async throws -> WriteResult {
        let caller = try call.caller
        try Self.mayWriteSecrets(caller)
        do {
            return try await backend.storage.change(
                SecretChange(
                    order, of: call.name(), actor: caller.actor, message: call.text("message"),
                    requestID: call.context.requestID))
        } catch .refused(let refusals) {
            throw ProblemDetails(refusals)
        }
    }

    private static func mayWriteSecrets(_ caller: Caller) throws {
        guard caller.mayWrite(set: nil) else {
            throw ProblemDetails(
                .forbidden,
                "Secrets belong to no set, and this key may write "
                    + "\(caller.sets.joined(separator: ", ")) only.")
        }
    }

    private static func problem(of error: SealingError) -> ProblemDetails {
        switch error {
        case .noKey:
            ProblemDetails(
                .conflict,
                "There is no key to seal secrets with: give `database.secrets_key` to the api and "
                    + "the workers (openssl rand -base64 32 makes one).")
        case .otherKey(let label):
            ProblemDetails(
                .conflict,
                "It is sealed with the key \(label), which `database.secrets_key` does not list here."
            )
        case .damaged:
            ProblemDetails(.conflict, "What is stored is damaged; give the secret its value again.")
        }
    }

    /// So many names of checks are shown; the number of all stands beside them.
    private static let mostUsers = 100

    private static func node(of secret: StoredSecret, _ users: [String: [String]]) -> Node {
        let checks = users[secret.name] ?? []
        return .object([
            .init("name", .text(secret.name)), .init("created_at", .time(secret.createdAt)),
            .init("updated_at", .time(secret.updatedAt)),
            .init("updated_by", .text(secret.updatedBy)),
            .init("checks", .names(Array(checks.prefix(mostUsers)))),
            .init("check_count", .number(checks.count)),
            entry("sealed_with", SealingKeys.label(of: secret.sealed).map(Node.text)),
        ])
    }
}
