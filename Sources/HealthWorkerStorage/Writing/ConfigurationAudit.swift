import HealthWorkerModel

/// The audit entries of a batch: one for each object that differs, with its spec before and after.
struct ConfigurationAudit {
    let batch: WriteBatch
    let at: Timestamp
    private(set) var entries: [AuditEntry] = []

    init(batch: WriteBatch, at: Timestamp) {
        self.batch = batch
        self.at = at
    }

    mutating func note<Spec: Encodable & Sendable>(
        _ kind: String, before: Spec?, after: Spec?, _ name: (Spec) -> String
    ) throws(StorageError) {
        guard let present = after ?? before else { return }
        let action =
            switch (before, after) {
            case (nil, _): "created"
            case (_, nil): "deleted"
            case (let before?, let after?): name(before) == name(after) ? "updated" : "renamed"
            }
        entries.append(
            AuditEntry(
                at: at, actor: batch.actor, action: "\(kind).\(action)", object: name(present),
                before: try before.map(JSONColumn.text(of:)),
                after: try after.map(JSONColumn.text(of:)),
                message: batch.message, requestID: batch.requestID,
                document: batch.appliedDocument?.name))
    }

    /// The entry of the document itself, after those of its objects: how much became what.
    mutating func close() throws(StorageError) {
        guard let document = batch.appliedDocument else { return }
        var counts: [String: Int] = [:]
        for entry in entries {
            let word = entry.action.split(separator: ".").last.map(String.init) ?? entry.action
            counts[word, default: 0] += 1
        }
        entries.append(
            AuditEntry(
                at: at, actor: batch.actor, action: AuditEntry.documentApplied,
                object: document.name, after: try JSONColumn.text(of: counts),
                message: batch.message, requestID: batch.requestID,
                document: document.name))
    }
}
