import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Logging

/// What writing checks and policies has in common.
enum ObjectWriting {
    static let set = Endpoint.Parameter.query(
        "set", .name,
        "The set of the object, which is new or in no set yet. For one of another set it is refused "
            + "with 409.")
    static let message = Endpoint.Parameter.query(
        "message", .text(.storable, length: 1...1024).shown(as: .string("Ticket 4711")),
        "Why, for the audit log.")
}

extension Backend {
    struct Owned {
        var name: String
        var set: String?
    }

    /// Whether the key may write an object of this set.
    func mayWrite(_ call: Call, _ kind: ObjectKind, _ name: String, set: String?) throws {
        let caller = try call.caller
        guard caller.mayWrite(set: set) else {
            let place = set.map { "belongs to the set \($0)" } ?? "belongs to no set"
            throw ProblemDetails(
                .forbidden,
                "The \(kind.rawValue) \(name) \(place), and this key may write "
                    + "\(caller.sets.joined(separator: ", ")) only.")
        }
    }

    /// The set that a written object is in: that of the stored one, else the one asked for, else the
    /// only one that the key may write.
    func set(forNew call: Call, stored: Owned? = nil) throws -> String? {
        let caller = try call.caller
        let asked = call.text("set")
        if let stored {
            guard caller.mayWrite(set: stored.set) else {
                throw ProblemDetails(
                    .forbidden, "This key may not write \(stored.name), which is of another set.")
            }
        }
        let set =
            asked ?? stored.map(\.set) ?? (caller.sets.count == 1 ? caller.sets[0] : nil)
        guard caller.mayWrite(set: set) else {
            throw ProblemDetails(
                .forbidden,
                "This key may write the sets \(caller.sets.joined(separator: ", ")) only: name one "
                    + "as ?set=.")
        }
        return set
    }

    /// Writes, and decides the routes of the policies that the changes touch before it returns.
    func write(
        _ changes: [ObjectChange], _ call: Call, isConditional: Bool
    ) async throws -> [WriteResult] {
        try await mayUseSecrets(changes, call)
        return try await write(
            WriteBatch(
                changes, actor: try call.caller.actor, message: call.text("message"),
                requestID: call.context.requestID),
            isConditional: isConditional)
    }

    func write(_ batch: WriteBatch, isConditional: Bool) async throws -> [WriteResult] {
        let results: [WriteResult]
        do {
            results = try await storage.write(batch)
        } catch .refused(let refusals) {
            throw ProblemDetails(
                refusals, conditional: isConditional,
                pointer: { refusal in
                    batch.changes.lazy.compactMap { $0.pointer(of: refusal) }.first
                })
        }
        if !batch.isDryRun { await evaluatePolicies(touchedBy: batch.changes, results) }
        return results
    }

    /// Reads, changes and writes again when somebody else wrote in between, unless the caller said
    /// which revision is meant.
    func retryingRaces<Answer>(
        unless asked: Precondition, _ attempt: () async throws -> Answer
    ) async throws -> Answer {
        for _ in 0..<4 {
            do {
                return try await attempt()
            } catch let problem as ProblemDetails
                where problem.kind == .preconditionFailed && asked == .none
            {
                continue
            }
        }
        return try await attempt()
    }

    /// Evaluates the policies that see other inputs after `changes`. What is not done within 2 s, or
    /// fails, is left to the sweep of the registers: its evaluations are stored already.
    func evaluatePolicies(touchedBy changes: [ObjectChange], _ results: [WriteResult]) async {
        let differing = zip(changes, results).filter { !$0.1.isUnchanged }.map(\.0)
        guard !differing.isEmpty else { return }
        do {
            var policies = Set(
                try await storage.policies(named: differing.compactMap(\.policyName)).map(\.id))
            let checks = try await storage.checks(named: differing.compactMap(\.checkName))
            let users = try await storage.policyNames(using: checks.map(\.id))
            policies.formUnion(
                try await storage.policies(named: Array(Set(users.values.joined()))).map(\.id))
            let end = ContinuousClock.now + .seconds(2)
            for policy in policies.sorted() where ContinuousClock.now < end {
                try await evaluate(policy)
            }
        } catch {
            logger.warning(
                "The routes of a write are left to the registers", metadata: ["error": "\(error)"])
        }
    }
}

extension WriteResult {
    fileprivate var isUnchanged: Bool {
        if case .unchanged = self { true } else { false }
    }
}

extension ObjectChange {
    fileprivate var policyName: String? {
        switch self {
        case .putPolicy(let spec, _, _, _): spec.name
        case .renamePolicy(_, let name, _): name
        default: nil
        }
    }

    fileprivate var checkName: String? {
        switch self {
        case .putCheck(let spec, _, _): spec.name
        case .renameCheck(_, let name, _): name
        default: nil
        }
    }

    /// Where in the written object a refusal is to be mended.
    fileprivate func pointer(of refusal: Refusal) -> String? {
        if case .putCheck(let spec, _, _) = self { return spec.pointer(of: refusal) }
        guard case .putPolicy(let spec, _, _, _) = self else { return nil }
        switch refusal {
        case .noSuchCheck(_, let member, _):
            return spec.members.firstIndex { $0.name == member }.map { "/members/\($0)/check" }
        case .publicationTaken(_, let sink, let name, _, _):
            return spec.publish.firstIndex { $0.sink == sink && $0.name == name }
                .map { "/publish/\($0)" }
        default:
            return nil
        }
    }
}

extension CheckSpec {
    fileprivate func pointer(of refusal: Refusal) -> String? {
        let parent: String?
        switch refusal {
        case .noSuchDependency(name, let missing): parent = missing
        case .dependencyCircle(let circle):
            let place = circle.firstIndex(of: name)
            parent = place.map { circle[($0 + 1) % circle.count] }
        default: parent = nil
        }
        return dependsOn.firstIndex { $0 == parent }.map { "/depends_on/\($0)" }
    }
}

extension Call {
    /// The body of an operation that requires one.
    var document: Node {
        get throws {
            guard let body else { throw ProblemDetails(.malformed, "There is no body.") }
            return body
        }
    }
}
