import HTTPTypes
import HealthWorkerAPI
import HealthWorkerStorage
import Hummingbird

/// Believes a proxy in front of the API, which asks for a login and says in headers who it was.
struct ProxyAuthentication: Authentication {
    /// The addresses of proxies that take these headers away from whatever a client sends.
    let proxies: Set<String>

    private static let user = HTTPField.Name("X-Forwarded-User")!
    private static let groups = HTTPField.Name("X-Forwarded-Groups")!

    var schemes: [SecurityScheme] {
        [.header("X-Forwarded-User", named: "proxy", "Set by the proxy, after its own login.")]
    }

    func caller(
        of request: Request, context: APIContext
    ) async throws(AuthenticationError) -> Caller {
        guard let peer = context.peer, proxies.contains(peer) else {
            throw .refused("Only the proxy may call this API.")
        }
        guard let user = request.headers[Self.user], !user.isEmpty else {
            throw .missing("The proxy did not say who asks.")
        }
        let groups = (request.headers[Self.groups] ?? "").split { $0 == "," || $0 == " " }
        let role: KeyRole =
            if groups.contains("admins") {
                .admin
            } else if groups.contains("operators") {
                .operate
            } else {
                .read
            }
        return Caller(id: "user:\(user)", actor: "user:\(user)", role: role)
    }
}
