package import HealthWorkerModel

// What operators order. Each order is decided from the very inputs that its commit is compared with,
// so that of two at once the second sees the first; and each evaluates, whether or not it is due.
extension PolicyEvaluator {
    /// Sets overrides of members of one policy, all of them or none.
    ///
    /// - Throws: ``StorageError/refused(_:)`` for members that do not exist, and where a family would
    ///   be left without a healthy published member and `breakGlass` does not allow it.
    package func setOverrides(
        _ orders: [OverrideOrder], of policy: PolicyID, by person: Operator
    ) async throws(StorageError) -> Decision {
        try await carryOut(of: policy, by: person) { read throws(StorageError) in
            let members = Set(read.policy.spec.members.map(\.name))
            let strangers = orders.filter { !members.contains($0.member) }
            guard strangers.isEmpty else {
                throw .refused(
                    strangers.map {
                        .noSuchMember(policy: read.policy.spec.name, member: $0.member)
                    })
            }
            let words = orders.map { order in
                Override(
                    id: 0, policy: policy, member: order.member, word: order.word,
                    reason: order.reason, actor: person.name, createdAt: read.now,
                    until: order.until, breakGlass: order.breakGlass)
            }
            let families = PolicyEvaluation.refusal(of: words, in: read)
            guard families.isEmpty else {
                throw .refused(
                    [.unprotected(policy: read.policy.spec.name, families: families)])
            }
            let replaced = Set(orders.map(\.member))
            var inputs = read
            inputs.overrides = read.overrides.filter { !replaced.contains($0.member) } + words
            return Plan(inputs: inputs, writes: words.map { .setOverride($0) })
        }
    }

    /// - Throws: ``StorageError/refused(_:)`` when there is no such override any more.
    package func clearOverride(
        _ id: OverrideID, by person: Operator
    ) async throws(StorageError) -> Decision {
        guard let word = try await storage.override(id: id) else {
            throw .refused([.noSuchOverride(id)])
        }
        return try await carryOut(of: word.policy, by: person) { read throws(StorageError) in
            guard read.overrides.contains(where: { $0.id == id }) else {
                throw .refused([.noSuchOverride(id)])
            }
            var inputs = read
            inputs.overrides.removeAll { $0.id == id }
            return Plan(inputs: inputs, writes: [.clearOverride(id)])
        }
    }

    /// Brings the better tier back now, whatever its delay or `failback: manual` says.
    package func failback(
        _ policy: PolicyID, by person: Operator
    ) async throws(StorageError) -> Decision {
        try await carryOut(of: policy, by: person) { read throws(StorageError) in
            try Self.plan(.failback, read, nothingToDo: "no better tier waits to come back")
        }
    }

    /// Publishes members again that wait for their delay or for this order; nil: all that wait.
    package func reattach(
        _ members: [String]?, of policy: PolicyID, by person: Operator
    ) async throws(StorageError) -> Decision {
        try await carryOut(of: policy, by: person) { read throws(StorageError) in
            let known = Set(read.policy.spec.members.map(\.name))
            let strangers = (members ?? []).filter { !known.contains($0) }
            guard strangers.isEmpty else {
                throw .refused(
                    strangers.map { .noSuchMember(policy: read.policy.spec.name, member: $0) })
            }
            return try Self.plan(
                .reattach(members: members), read, nothingToDo: "no such member waits to come back")
        }
    }

    /// Stops automatic changes until `until`, or until ``thaw(_:by:)``.
    package func freeze(
        _ policy: PolicyID, reason: String, until: Timestamp?, by person: Operator
    ) async throws(StorageError) -> Decision {
        try await carryOut(of: policy, by: person) { read throws(StorageError) in
            let freeze = Freeze(
                reason: reason, actor: person.name, since: read.now, until: until)
            var inputs = read
            inputs.freeze = freeze
            return Plan(inputs: inputs, writes: [.freeze(freeze)])
        }
    }

    /// - Throws: ``StorageError/refused(_:)`` when the policy is not frozen.
    package func thaw(
        _ policy: PolicyID, by person: Operator
    ) async throws(StorageError) -> Decision {
        try await carryOut(of: policy, by: person) { read throws(StorageError) in
            guard read.freeze != nil else {
                throw .refused([.nothingToDo("The policy \(read.policy.spec.name) is not frozen.")])
            }
            var inputs = read
            inputs.freeze = nil
            return Plan(inputs: inputs, writes: [.thaw])
        }
    }

    /// What an order makes of the inputs that were read.
    private struct Plan {
        var inputs: PolicyEvaluation.Inputs
        var writes: [OperatorWrite] = []
    }

    /// An order that ends with its evaluation is refused where the answer is the same without it.
    private static func plan(
        _ order: PolicyEvaluation.Order, _ read: PolicyEvaluation.Inputs, nothingToDo why: String
    ) throws(StorageError) -> Plan {
        var inputs = read
        inputs.order = order
        let with = PolicyEvaluation.evaluate(inputs)
        let without = PolicyEvaluation.evaluate(read)
        guard with.answer != without.answer else {
            throw .refused([.nothingToDo("In policy \(read.policy.spec.name) \(why).")])
        }
        return Plan(inputs: inputs)
    }

    private func carryOut(
        of policy: PolicyID, by person: Operator,
        _ decide: (PolicyEvaluation.Inputs) throws(StorageError) -> Plan
    ) async throws(StorageError) -> Decision {
        for attempt in 0..<Self.attempts {
            guard let read = try await storage.evaluationInputs(of: policy) else {
                throw .refused([.missing(.policy, "\(policy)")])
            }
            let plan = try decide(read.inputs)
            let verdict = PolicyEvaluation.evaluate(plan.inputs)
            var decided = read
            decided.inputs.order = plan.inputs.order
            let outcome = try await storage.commit(
                EvaluationCommit(
                    read: decided, verdict: verdict, writes: plan.writes, actor: person.name,
                    message: person.message))
            if case .committed(let route, let isNewGeneration) = outcome {
                return Decision(verdict, route, isNewGeneration: isNewGeneration)
            }
            await pause(attempt)
        }
        throw .unavailable("The policy \(policy) changes all the time; try again.")
    }
}
