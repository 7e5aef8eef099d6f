package import HealthWorkerModel

/// Turns due evaluations into routes: reads, decides, commits, and reads again when somebody else
/// was faster. No lock is held while it decides.
package struct PolicyEvaluator: Sendable {
    let storage: any Storage
    /// Waits before a decision is taken again, so that two that meet do not meet again.
    let pause: @Sendable (_ attempt: Int) async -> Void
    let metrics = EvaluationMetrics()
    let departures: CommonReading<Departures>

    package static let attempts = 5

    package init(storage: any Storage) {
        self.init(storage: storage) { attempt in
            // Cancelled: the next attempt follows at once, and there are few of them.
            try? await Task.sleep(for: .milliseconds(Int.random(in: 1...(5 << attempt))))
        }
    }

    package init(storage: any Storage, pause: @escaping @Sendable (_ attempt: Int) async -> Void) {
        self.storage = storage
        self.pause = pause
        departures = CommonReading { () async throws(StorageError) in
            try await .read(from: storage)
        }
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
            let commit = EvaluationCommit(read: read, verdict: try await verdict(on: read.inputs))
            let outcome = try await storage.commit(commit)
            if case .committed(let route, let isNewGeneration) = outcome {
                let decision = Decision(commit, route, isNewGeneration: isNewGeneration)
                metrics.record(decision, took: ContinuousClock.now - start)
                return .decided(decision)
            }
            await pause(attempt)
        }
        return .leftToSweep
    }

    /// What is decided, with what the guard and the safety budgets make of it where members leave. A
    /// budget's hold has no end, and so is the stronger one.
    func verdict(
        on inputs: PolicyEvaluation.Inputs
    ) async throws(StorageError) -> PolicyEvaluation.Verdict {
        let verdict = PolicyEvaluation.evaluate(inputs)
        guard !verdict.leaving.isEmpty, inputs.order != .release else { return verdict }
        let departures = try await departures.value()
        var inputs = inputs
        inputs.holds = Guard.holds(
            on: verdict.leaving, of: inputs.policy.id, among: departures.all,
            published: departures.published, at: inputs.now)
        for spending in departures.budgets {
            let budget = spending.budget
            let unpaid = budget.holds(
                on: verdict.leaving.filter { inputs.policy.spec.admits($0, budget.selector) },
                of: inputs.policy.id, among: spending.departures,
                published: spending.published ?? 0, at: inputs.now)
            inputs.holds.merge(unpaid) { $1 }
        }
        return inputs.holds.isEmpty ? verdict : PolicyEvaluation.evaluate(inputs)
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
        package var policyName: String
        /// What it holds and did not hold before, by member name.
        package var holdsBegun: [String: Hold]

        package init(_ commit: EvaluationCommit, _ route: Route?, isNewGeneration: Bool) {
            verdict = commit.verdict
            policyName = commit.read.inputs.policy.spec.name
            holdsBegun = commit.holdsBegun
            self.route = route
            self.isNewGeneration = isNewGeneration
        }

        /// A line for the log where members are held from now on.
        package var warning: String? {
            guard !holdsBegun.isEmpty else { return nil }
            let names = holdsBegun.keys.sorted()
            let rest = names.count > 10 ? " and \(names.count - 10) more" : ""
            let holders = Set(holdsBegun.values.map(\.holder)).sorted().joined(separator: ", ")
            return "\(holders) holds unhealthy members of \(policyName) published: "
                + names.prefix(10).joined(separator: ", ") + rest
                + "; to let them leave: health-worker guard release \(policyName)"
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
