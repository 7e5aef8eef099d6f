package import HealthWorkerModel

/// How much may leave by itself, as operators set it.
package protocol BudgetStore: Sendable {
    /// By name.
    func budgets() async throws(StorageError) -> [SafetyBudget]

    /// Sets a budget or takes one away, with the audit log's entry in one transaction.
    ///
    /// - Throws: ``StorageError/refused(_:)`` where the one to be taken away is not there, and for one
    ///   too many.
    func change(_ change: BudgetChange) async throws(StorageError)
}

package struct BudgetChange: Hashable, Sendable {
    package var name: String
    /// Nil: it goes.
    package var budget: SafetyBudget?
    package var actor: String
    package var message: String?
    package var requestID: String?

    package init(
        _ name: String, _ budget: SafetyBudget?, actor: String, message: String? = nil,
        requestID: String? = nil
    ) {
        self.name = name
        self.budget = budget
        self.actor = actor
        self.message = message
        self.requestID = requestID
    }

    /// The entry of the audit log; nil where nothing changes.
    package func entry(
        over stored: [SafetyBudget], at now: Timestamp
    ) throws(StorageError) -> AuditEntry? {
        let before = stored.first { $0.name == name }
        if budget == nil, before == nil { throw .refused([.missing(.budget, name)]) }
        if budget == before { return nil }
        guard before != nil || stored.count < SafetyBudget.most else {
            throw .refused([.tooMany(.budget, limit: SafetyBudget.most)])
        }
        return AuditEntry(
            at: now, actor: actor, action: budget == nil ? "budget.deleted" : "budget.set",
            object: name, before: try before.map(JSONColumn.text(of:)),
            after: try budget.map(JSONColumn.text(of:)), message: message, requestID: requestID)
    }
}
