import HealthWorkerModel
import HealthWorkerStorage

extension Backend {
    private var evaluator: PolicyEvaluator { PolicyEvaluator(storage: storage) }

    /// Evaluates a policy if a write made an evaluation of it due.
    func evaluate(_ policy: PolicyID) async throws(StorageError) {
        _ = try await evaluator.evaluate(policy)
    }

    func failBack(_ policy: Policy, _ call: Call) async throws {
        _ = try await evaluator.failback(policy.id, by: person(of: call))
    }

    func reattach(_ members: [String]?, of policy: Policy, _ call: Call) async throws {
        do {
            _ = try await evaluator.reattach(members, of: policy.id, by: person(of: call))
        } catch StorageError.refused(let refusals) {
            throw ProblemDetails(refusals) { refusal in
                guard case .noSuchMember(_, let name) = refusal else { return nil }
                return members?.firstIndex(of: name).map { "/members/\($0)" }
            }
        }
    }

    func freeze(
        _ policy: Policy, reason: String, until: Timestamp?, _ call: Call
    ) async throws {
        _ = try await evaluator.freeze(
            policy.id, reason: reason, until: until, by: person(of: call))
    }

    func thaw(_ policy: Policy, _ call: Call) async throws {
        _ = try await evaluator.thaw(policy.id, by: person(of: call))
    }

    func release(_ policy: Policy, _ call: Call) async throws {
        _ = try await evaluator.release(policy.id, by: person(of: call))
    }

    /// Sets overrides, all or none.
    ///
    /// - Parameter pointers: member → where the request names it.
    func set(
        _ orders: [PolicyID: [PolicyEvaluator.OverrideOrder]], pointers: [String: String],
        _ call: Call
    ) async throws {
        do {
            _ = try await evaluator.setOverrides(orders, by: person(of: call))
        } catch StorageError.refused(let refusals) {
            throw ProblemDetails(refusals) { refusal in
                guard case .noSuchMember(_, let name) = refusal else { return nil }
                return pointers[name]
            }
        }
    }

    func clear(_ override: OverrideID, _ call: Call) async throws {
        _ = try await evaluator.clearOverride(override, by: person(of: call))
    }

    func clear(_ overrides: [Override], _ call: Call) async throws {
        _ = try await evaluator.clearOverrides(overrides, by: person(of: call))
    }

    private func person(of call: Call) throws -> PolicyEvaluator.Operator {
        PolicyEvaluator.Operator(
            try call.caller.actor, message: call.text("message"),
            requestID: call.context.requestID)
    }
}
