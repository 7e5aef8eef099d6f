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
            try Self.plan(orders, read, by: person)
        }
    }

    /// Sets overrides of members of several policies, all of them or none; refused as one, with all
    /// that any of them is refused for.
    package func setOverrides(
        _ orders: [PolicyID: [OverrideOrder]], by person: Operator
    ) async throws(StorageError) -> [PolicyID: Decision] {
        try await carryOut(of: orders.keys.sorted(), by: person) { read throws(StorageError) in
            try Self.plan(orders[read.policy.id] ?? [], read, by: person)
        }
    }

    private static func plan(
        _ orders: [OverrideOrder], _ read: PolicyEvaluation.Inputs, by person: Operator
    ) throws(StorageError) -> Plan {
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
                id: 0, policy: read.policy.id, member: order.member, word: order.word,
                reason: order.reason, actor: person.name, createdAt: read.now,
                until: order.until, breakGlass: order.breakGlass)
        }
        let families = PolicyEvaluation.refusal(of: words, in: read)
        guard families.isEmpty else {
            throw .refused([.unprotected(policy: read.policy.spec.name, families: families)])
        }
        let replaced = Set(orders.map(\.member))
        var inputs = read
        inputs.overrides = read.overrides.filter { !replaced.contains($0.member) } + words
        return Plan(inputs: inputs, writes: words.map { .setOverride($0) })
    }

    /// Clears overrides of several policies, all of them or none.
    ///
    /// - Throws: ``StorageError/refused(_:)`` when one of them does not hold any more.
    package func clearOverrides(
        _ overrides: [Override], by person: Operator
    ) async throws(StorageError) -> [PolicyID: Decision] {
        let ids = Dictionary(grouping: overrides, by: \.policy).mapValues { Set($0.map(\.id)) }
        return try await carryOut(of: ids.keys.sorted(), by: person) { read throws(StorageError) in
            let cleared = ids[read.policy.id] ?? []
            let missing = cleared.subtracting(read.overrides.map(\.id))
            guard missing.isEmpty else {
                throw .refused(missing.sorted().map { .noSuchOverride($0) })
            }
            var inputs = read
            inputs.overrides.removeAll { cleared.contains($0.id) }
            return Plan(inputs: inputs, writes: cleared.sorted().map { .clearOverride($0) })
        }
    }

    /// - Throws: ``StorageError/refused(_:)`` when there is no such override any more.
    package func clearOverride(
        _ id: OverrideID, by person: Operator
    ) async throws(StorageError) -> Decision {
        guard let word = try await storage.override(id: id),
            let decision = try await clearOverrides([word], by: person)[word.policy]
        else { throw .refused([.noSuchOverride(id)]) }
        return decision
    }

    /// Brings the better tier back now, whatever its delay or `failback: manual` says.
    package func failback(
        _ policy: PolicyID, by person: Operator
    ) async throws(StorageError) -> Decision {
        try await carryOut(of: policy, by: person) { read throws(StorageError) in
            try Self.plan(.failback, read)
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
            return try Self.plan(.reattach(members: members), read)
        }
    }

    /// Lets members leave that are held although they turned unhealthy.
    ///
    /// - Throws: ``StorageError/refused(_:)`` when the policy holds none.
    package func release(
        _ policy: PolicyID, by person: Operator
    ) async throws(StorageError) -> Decision {
        try await carryOut(of: policy, by: person) { read throws(StorageError) in
            guard read.previous?.memory.holds != nil else {
                throw .refused([
                    .nothingToDo(PolicyEvaluation.standstill(of: .release, in: read))
                ])
            }
            var inputs = read
            inputs.order = .release
            return Plan(inputs: inputs)
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
        _ order: PolicyEvaluation.Order, _ read: PolicyEvaluation.Inputs
    ) throws(StorageError) -> Plan {
        var inputs = read
        inputs.order = order
        let with = PolicyEvaluation.evaluate(inputs)
        let without = PolicyEvaluation.evaluate(read)
        guard with.answer != without.answer else {
            throw .refused([.nothingToDo(PolicyEvaluation.standstill(of: order, in: read))])
        }
        return Plan(inputs: inputs)
    }

    private func carryOut(
        of policy: PolicyID, by person: Operator,
        _ decide: (PolicyEvaluation.Inputs) throws(StorageError) -> Plan
    ) async throws(StorageError) -> Decision {
        let decisions = try await carryOut(of: [policy], by: person, decide)
        guard let decision = decisions[policy] else {
            throw .failed("Nothing was decided of the policy \(policy).")
        }
        return decision
    }

    /// Decides of each policy, and stores all or nothing.
    private func carryOut(
        of policies: [PolicyID], by person: Operator,
        _ decide: (PolicyEvaluation.Inputs) throws(StorageError) -> Plan
    ) async throws(StorageError) -> [PolicyID: Decision] {
        let start = ContinuousClock.now
        for attempt in 0..<Self.attempts {
            var commits: [EvaluationCommit] = []
            var refusals: [Refusal] = []
            for policy in policies {
                guard var read = try await storage.evaluationInputs(of: policy) else {
                    refusals.append(.missing(.policy, "\(policy)"))
                    continue
                }
                do throws(StorageError) {
                    let plan = try decide(read.inputs)
                    let verdict = try await verdict(on: plan.inputs)
                    read.inputs.order = plan.inputs.order
                    commits.append(
                        EvaluationCommit(
                            read: read, verdict: verdict, writes: plan.writes, actor: person.name,
                            message: person.message, requestID: person.requestID))
                } catch {
                    guard case .refused(let more) = error else { throw error }
                    refusals += more
                }
            }
            guard refusals.isEmpty else { throw .refused(refusals) }
            if let outcomes = try await commit(commits) {
                var decisions: [PolicyID: Decision] = [:]
                for case (let commit, .committed(let route, let isNew)) in zip(commits, outcomes) {
                    let decision = Decision(commit, route, isNewGeneration: isNew)
                    metrics.record(decision, took: ContinuousClock.now - start)
                    decisions[commit.read.inputs.policy.id] = decision
                }
                return decisions
            }
            await pause(attempt)
        }
        let names = policies.map(\.description).joined(separator: ", ")
        throw .unavailable("The policies \(names) change all the time; try again.")
    }

    /// Nil: somebody else was faster, and nothing is stored.
    private func commit(
        _ commits: [EvaluationCommit]
    ) async throws(StorageError) -> [CommitOutcome]? {
        guard commits.count == 1 else { return try await storage.commit(all: commits) }
        let outcome = try await storage.commit(commits[0])
        if case .superseded = outcome { return nil }
        return [outcome]
    }
}
