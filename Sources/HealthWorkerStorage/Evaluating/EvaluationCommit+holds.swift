package import HealthWorkerModel

extension EvaluationCommit {
    /// What is held from this verdict on.
    package var holdsBegun: [String: Hold] {
        (verdict.memory.holds ?? [:]).filter { holdsBefore[$0.key] == nil }
    }

    /// What was held until this verdict.
    package var holdsEnded: [String: Hold] {
        holdsBefore.filter { verdict.memory.holds?[$0.key] == nil }
    }

    private var holdsBefore: [String: Hold] { read.inputs.previous?.memory.holds ?? [:] }
}

extension Hold {
    /// Who holds, as the audit log names it.
    package var holder: String { budget.map { "budget \($0)" } ?? "guard" }
}
