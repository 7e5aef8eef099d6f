import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
package import Hummingbird

/// A request that its endpoint found valid.
package struct Call: Sendable {
    package var request: Request
    package var context: APIContext
    var path: [String: String] = [:]
    var query: [String: [Node]] = [:]
    /// Nil where the operation takes none.
    var body: Node?
    /// Of the types that the operation can answer, the one that is wanted.
    var wantedType: MediaType = .json

    /// A parameter of the path. The route would not have matched without it.
    func name(_ parameter: String = "name") -> String {
        path[parameter] ?? ""
    }

    func text(_ parameter: String) -> String? {
        query[parameter]?.first?.text
    }

    func texts(_ parameter: String) -> [String] {
        (query[parameter] ?? []).compactMap(\.text)
    }

    func integer(_ parameter: String) -> Int? {
        query[parameter]?.first?.integer.map(Int.init)
    }

    func flag(_ parameter: String) -> Bool {
        query[parameter]?.first?.bool ?? false
    }

    /// Whoever asks. Operations without a role never ask who.
    var caller: Caller {
        get throws {
            guard let caller = context.caller else { throw ProblemDetails(.unauthenticated) }
            return caller
        }
    }
}
