package import HealthWorkerModel

/// Turns due evaluations into routes: reads, decides, commits, and reads again when somebody else
/// was faster. No lock is held while it decides.
package struct PolicyEvaluator: Sendable {
    let storage: any RouteStore
    /// Waits before a decision is taken again, so that two that meet do not meet again.
    let pause: @Sendable (_ attempt: Int) async -> Void
    let metrics = EvaluationMetrics()

    package static let attempts = 5

    package init(storage: any RouteStore) {
        self.init(storage: storage) { attempt in
            // Cancelled: the next attempt follows at once, and there are few of them.
            try? await Task.sleep(for: .milliseconds(Int.random(in: 1...(5 << attempt))))
        }
    }

    package init(storage: any RouteStore, pause: @escaping @Sendable (_ attempt: Int) async -> Void)
    {
        self.storage = storage
        self.pause = pause
    }

    /// Evaluates a policy if an evaluation is due.
    package func evaluate(_ policy: PolicyID) async throws(StorageError) -> EvaluationResult {
        let start = ContinuousClock.now
        for attempt in 0..<Self.attempts {
            guard let read = try await storage.evaluationInputs(of: policy) else {
                // Left, it would be due for ever, and the first in every sweep.
                try await storage.dropEvaluations(ofGone: policy)
                return .gone
            }
            if read.answers.isEmpty { return .notDue }
            let verdict = PolicyEvaluation.evaluate(read.inputs)
            let outcome = try await storage.commit(EvaluationCommit(read: read, verdict: verdict))
            if case .committed(let route, let isNewGeneration) = outcome {
                let decision = Decision(verdict, route, isNewGeneration: isNewGeneration)
                metrics.record(decision, took: ContinuousClock.now - start)
                return .decided(decision)
            }
            await pause(attempt)
        }
        return .leftToSweep
    }

    /// Evaluates the policies that are due, the one that waits longest first.
    ///
    /// One that cannot be evaluated stays due and holds up none of the others, however many such
    /// there are.
    /// - Returns: what became of each, at most `limit` but for those that failed.
    /// - Throws: ``StorageError/unavailable(_:)``: the storage is away, for all of them.
    package func evaluateDue(limit: Int) async throws(StorageError) -> EvaluationSweep {
        var sweep = EvaluationSweep()
        var isComplete = false
        while !isComplete {
            // Those that failed wait longest and are first again.
            let due = try await storage.dueEvaluations(limit: limit + sweep.failures.count)
                .filter { sweep.results[$0.policy] == nil && sweep.failures[$0.policy] == nil }
                .prefix(limit - sweep.results.count)
            let failedBefore = sweep.failures.count
            for policy in due.map(\.policy) {
                do throws(StorageError) {
                    sweep.results[policy] = try await evaluate(policy)
                } catch .unavailable(let why) {
                    throw .unavailable(why)
                } catch {
                    sweep.failures[policy] = error
                }
            }
            isComplete = sweep.failures.count == failedBefore
        }
        return sweep
    }
}

/// What became of the policies that were due.
package struct EvaluationSweep: Sendable {
    package var results: [PolicyID: EvaluationResult] = [:]
    /// Those that could not be evaluated; they stay due.
    package var failures: [PolicyID: StorageError] = [:]
}

package enum EvaluationResult: Hashable, Sendable {
    case decided(PolicyEvaluator.Decision)
    /// Nothing was due: somebody else evaluated it, or nothing turned.
    case notDue
    /// Others kept on committing first; what is due stays due.
    case leftToSweep
    /// There is no such policy, and nothing of it is due any more.
    case gone
}

extension PolicyEvaluator {
    /// What an evaluation left.
    package struct Decision: Hashable, Sendable {
        /// Nil: the policy waits for its first answer.
        package var route: Route?
        package var isNewGeneration: Bool
        package var verdict: PolicyEvaluation.Verdict

        package init(
            _ verdict: PolicyEvaluation.Verdict, _ route: Route?, isNewGeneration: Bool
        ) {
            self.verdict = verdict
            self.route = route
            self.isNewGeneration = isNewGeneration
        }
    }

    /// An operator's word on one member, before it is stored.
    package struct OverrideOrder: Hashable, Sendable {
        package var member: String
        package var word: OverrideWord
        package var reason: String
        /// Nil: permanent.
        package var until: Timestamp?
        package var breakGlass: Bool

        package init(
            member: String, word: OverrideWord, reason: String, until: Timestamp? = nil,
            breakGlass: Bool = false
        ) {
            self.member = member
            self.word = word
            self.reason = reason
            self.until = until
            self.breakGlass = breakGlass
        }
    }

    /// Who orders something, and why.
    package struct Operator: Hashable, Sendable {
        package var name: String
        package var message: String?
        package var requestID: String?

        package init(_ name: String, message: String? = nil, requestID: String? = nil) {
            self.name = name
            self.message = message
            self.requestID = requestID
        }
    }
}
