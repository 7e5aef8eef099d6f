import HealthWorkerDocument
import HealthWorkerStorage

extension DocumentApplier.Preparation {
    /// How far back is looked for the last apply of the set.
    private static let horizon = 20_000

    /// Notes at each change of a stored object what was done to it since the last apply of the set
    /// that was not an apply: that is what the plan undoes, or builds on.
    mutating func noteEdits(from storage: any Storage) async throws(StorageError) {
        let touched = plan.changes.indices.filter { plan.changes[$0].isOfStored }
        guard !touched.isEmpty else { return }
        let edits = try await edits(from: storage)
        for index in touched {
            let change = plan.changes[index]
            var names = [change.name]
            if case .rename(let old) = change.action { names.append(old) }
            plan.changes[index].edit =
                names.lazy.compactMap {
                    edits[Plan.Reference(change.kind, $0)]
                }.first
        }
    }

    /// The newest edit of each object since the last apply; none where the set was never applied.
    private func edits(
        from storage: any Storage
    ) async throws(StorageError) -> [Plan.Reference: Plan.Edit] {
        var edits: [Plan.Reference: Plan.Edit] = [:]
        var before: Int64?
        var seen = 0
        while seen < Self.horizon {
            let page = try await storage.audit(before: before, limit: 500)
            for entry in page {
                if entry.isApply(of: document.set) { return edits }
                guard let object = entry.written, edits[object] == nil else { continue }
                edits[object] = Plan.Edit(
                    at: entry.at, actor: entry.actor, message: entry.message)
            }
            guard page.count == 500 else { break }
            before = page.last?.id
            seen += page.count
        }
        return [:]
    }
}

extension Plan.Change {
    fileprivate var isOfStored: Bool {
        switch action {
        case .create, .unchanged: false
        case .update, .rename, .delete: true
        }
    }
}

extension AuditEntry {
    /// The check or policy that the entry tells of.
    fileprivate var written: Plan.Reference? {
        let kind = action.split(separator: ".").first.flatMap { Plan.Kind(rawValue: String($0)) }
        // What operators do to a policy's route is not an edit of what is written.
        let isEdit = [".created", ".updated", ".renamed", ".deleted"].contains {
            action.hasSuffix($0)
        }
        guard let kind, isEdit else { return nil }
        return Plan.Reference(kind, object)
    }
}
