package import HealthWorkerStorage
package import Hummingbird

/// Finds out who sends a request.
///
/// The API asks it before each operation that needs a role, and then itself sees to the role, to how
/// often somebody may call, and to what the audit log says. The guide "Replacing authentication" shows
/// another one.
package protocol Authentication: Sendable {
    /// How a client says who it is, for the OpenAPI document.
    var schemes: [SecurityScheme] { get }

    /// - Throws: ``AuthenticationError``, which tells the client no more than it says.
    func caller(
        of request: Request, context: APIContext
    ) async throws(AuthenticationError) -> Caller
}

/// Who asks.
package struct Caller: Hashable, Sendable {
    /// Stable and short: requests of one id are counted together.
    package var id: String
    /// What the audit log shows, with its kind: `key:deploy`, `user:ann`.
    package var actor: String
    package var role: KeyRole
    /// Sets whose objects it may write; empty means all.
    package var sets: [String]

    package init(id: String, actor: String, role: KeyRole, sets: [String] = []) {
        // Somebody else's authentication may have longer ones than the audit log holds.
        self.id = String(id.prefix(256))
        self.actor = String(actor.prefix(256))
        self.role = role
        self.sets = sets
    }

    func mayWrite(set: String?) -> Bool {
        sets.isEmpty || set.map(sets.contains) ?? false
    }
}

/// Why nobody knows who sends a request. Each sentence is shown to the client.
package enum AuthenticationError: Error, Sendable {
    /// The request says nothing of who sends it.
    case missing(String)
    /// What it says is not believed.
    case refused(String)
    /// Others from there said too much that is not believed.
    case tooMany(Duration)
    /// Who it is cannot be found out at present.
    case storage(StorageError)
}
