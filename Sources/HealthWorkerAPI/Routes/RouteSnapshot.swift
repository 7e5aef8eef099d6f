import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import NIOCore

/// Every policy's route and its members' lines, as they were at one moment.
struct RouteSnapshot: Sendable {
    struct Known: Sendable {
        var route: StoredRoute
        /// Nil: the policy waits for its first answer.
        var answer: Answer?
    }

    /// The route as it is answered, so that it is written out once.
    struct Answer: Sendable {
        var tag: String
        var body: ByteBuffer
    }

    private var byName: [String: Known] = [:]
    private var nameOfID: [PolicyID: String] = [:]
    /// In the order of listings.
    private var names: [String] = []

    init(_ routes: [StoredRoute] = []) {
        update(routes, removing: [])
    }

    subscript(policy: String) -> Known? { byName[policy] }

    /// In the order of listings.
    var routes: [StoredRoute] { names.compactMap { byName[$0]?.route } }

    var policies: [PolicyID] { Array(nameOfID.keys) }

    /// The number of the evaluation that is known of a policy.
    func evaluation(of policy: PolicyID) -> Int64? {
        nameOfID[policy].flatMap { byName[$0]?.route.evaluation }
    }

    /// At most `limit` routes after the policy `name`, in the order of listings.
    func routes(after name: String?, limit: Int) -> [StoredRoute] {
        var (low, high) = (0, names.count)
        if let name {
            while low < high {
                let middle = (low + high) / 2
                if names[middle] > name { high = middle } else { low = middle + 1 }
            }
        }
        return names[low...].prefix(limit).compactMap { byName[$0]?.route }
    }

    mutating func update(_ changed: [StoredRoute], removing gone: [PolicyID]) {
        let isOther =
            !gone.isEmpty || changed.contains { nameOfID[$0.policy] != $0.policyName }
        for policy in gone + changed.map(\.policy) {
            if let name = nameOfID.removeValue(forKey: policy) { byName[name] = nil }
        }
        for route in changed {
            nameOfID[route.policy] = route.policyName
            byName[route.policyName] = Known(route: route, answer: Self.answer(of: route))
        }
        if isOther { names = byName.keys.sorted() }
    }

    private static func answer(of route: StoredRoute) -> Answer? {
        route.route.flatMap { newest in
            RouteAnswer.node(of: route).map { node in
                Answer(
                    tag: Preconditions.tag(newest.generation),
                    body: ByteBuffer(bytes: JSONText.bytes(node)))
            }
        }
    }
}
