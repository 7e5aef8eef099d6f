package import HealthWorkerDocument
import HealthWorkerModel
package import HealthWorkerStorage

/// Makes what is stored as a document says: all of it, or nothing.
package struct DocumentApplier: Sendable {
    private let storage: any Storage

    package init(storage: any Storage) {
        self.storage = storage
    }

    /// How a document is applied.
    struct Manner {
        var isPruning = false
        var maxDelete = DeletionLimit.standard
        var takesOver = false
    }

    /// A plan with what it was made from.
    struct Preparation {
        var plan: Plan
        /// They carry out the plan if nobody writes in between: each names the revision that was
        /// planned for.
        var changes: [ObjectChange]
        var document: CompiledDocument
        /// By name, what is stored of the objects that the plan touches, and all policies.
        var checks: [String: Check]
        var policies: [String: Policy]
    }

    /// Applies without pruning and without probing first.
    /// - Throws: `Problems` where the document contradicts what is stored, else ``StorageError``.
    package func apply(_ document: CompiledDocument, actor: String) async throws -> Plan {
        let prepared = try await prepare(document, Manner())
        guard prepared.plan.problems.isEmpty else { throw Problems(prepared.plan.problems) }
        if !prepared.changes.isEmpty {
            var batch = WriteBatch(prepared.changes, actor: actor)
            batch.appliedDocument = AppliedDocument(set: document.set)
            _ = try await storage.write(batch)
        }
        return prepared.plan
    }

    /// What applying would change.
    func prepare(
        _ document: CompiledDocument, _ manner: Manner
    ) async throws(StorageError) -> Preparation {
        let state = try await state(for: document)
        let plan = Plan(
            document, checks: state.checks, policies: state.policies, isPruning: manner.isPruning,
            maxDelete: manner.maxDelete, takesOver: manner.takesOver)
        let checks = Dictionary(uniqueKeysWithValues: state.checks.map { ($0.spec.name, $0) })
        let policies = Dictionary(uniqueKeysWithValues: state.policies.map { ($0.spec.name, $0) })
        return Preparation(
            plan: plan, changes: changes(of: plan, document, checks, policies), document: document,
            checks: checks, policies: policies)
    }

    private struct Stored {
        var checks: [Check]
        var policies: [Policy]
    }

    /// What a plan for the document needs to know of what is stored.
    private func state(for document: CompiledDocument) async throws(StorageError) -> Stored {
        var names = Set(
            document.checks.flatMap { [$0.spec.name, $0.renamedFrom].compactMap(\.self) })
        names.formUnion(document.references.map(\.check))
        var checks = try await storage.checks(named: names.sorted())
        if let set = document.set {
            let inSet = try await storage.allChecks(matching: ObjectFilter(set: set))
            checks += inSet.filter { !names.contains($0.spec.name) }
        }
        return Stored(
            checks: checks, policies: try await storage.allPolicies(matching: ObjectFilter()))
    }

    private func changes(
        of plan: Plan, _ document: CompiledDocument, _ storedChecks: [String: Check],
        _ storedPolicies: [String: Policy]
    ) -> [ObjectChange] {
        let checks = Dictionary(
            document.checks.filter { $0.madeBy == nil }.map { ($0.spec.name, $0.spec) },
            uniquingKeysWith: { first, _ in first })
        let policies = Dictionary(
            document.policies.map { ($0.spec.name, $0) }, uniquingKeysWith: { first, _ in first })
        return plan.changes.filter(\.isChange).flatMap { change -> [ObjectChange] in
            let name = change.name
            let precondition: Precondition? =
                switch change.action {
                case .create: .absent
                case .rename: nil
                case .update, .delete, .unchanged:
                    switch change.kind {
                    case .check: storedChecks[name].map { .revision($0.revision) }
                    case .policy: storedPolicies[name].map { .revision($0.revision) }
                    }
                }
            switch (change.kind, change.action) {
            case (.check, .delete): return [.deleteCheck(name, precondition ?? .present)]
            case (.policy, .delete): return [.deletePolicy(name, precondition ?? .present)]
            case (.check, _):
                guard let spec = checks[name] else { return [] }
                let put = ObjectChange.putCheck(spec, set: document.set, precondition ?? .present)
                if case .rename(let old) = change.action {
                    return [.renameCheck(old, to: name), put]
                }
                return [put]
            case (.policy, _):
                guard let policy = policies[name] else { return [] }
                let put = ObjectChange.putPolicy(
                    policy.spec, makes: policy.checks.map(\.spec), set: document.set,
                    precondition ?? .present)
                if case .rename(let old) = change.action {
                    return [.renamePolicy(old, to: name), put]
                }
                return [put]
            }
        }
    }
}

extension Storage {
    func allChecks(matching filter: ObjectFilter) async throws(StorageError) -> [Check] {
        var all: [Check] = []
        while true {
            let page = try await checks(
                matching: filter, after: all.last?.spec.name, limit: 1000)
            all += page
            if page.count < 1000 { return all }
        }
    }

    func allPolicies(matching filter: ObjectFilter) async throws(StorageError) -> [Policy] {
        var all: [Policy] = []
        while true {
            let page = try await policies(
                matching: filter, after: all.last?.spec.name, limit: 1000)
            all += page
            if page.count < 1000 { return all }
        }
    }
}
