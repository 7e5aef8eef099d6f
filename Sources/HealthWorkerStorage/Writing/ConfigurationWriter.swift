/// The rules of ``ConfigurationStore/write(_:)``, for all engines.
///
/// The changes are carried out in order on a draft; what contradicts the stored objects at the end
/// of the batch is refused, and only then is anything written. So a batch may delete a check before
/// the policy that uses it, and a policy may name a check that the same batch makes.
package struct ConfigurationWriter {
    /// - Returns: what became of each change, in order. The driver rolls back a dry run.
    /// - Throws: ``StorageError/refused(_:)`` with all refusals, before the first call that writes.
    package static func carryOut<Transaction: ConfigurationTransaction>(
        _ batch: WriteBatch, in transaction: inout Transaction
    ) throws(StorageError) -> [WriteResult] {
        var draft = try ConfigurationDraft(reading: batch, in: transaction)
        for change in batch.changes {
            draft.apply(change)
        }
        var plan = try ConfigurationPlan(of: draft, in: transaction)
        guard plan.refusals.isEmpty else { throw .refused(plan.refusals) }

        try plan.write(to: &transaction)
        try transaction.audit(plan.auditEntries())
        return plan.results()
    }
}
