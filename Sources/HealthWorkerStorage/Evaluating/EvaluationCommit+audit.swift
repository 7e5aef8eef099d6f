package import HealthWorkerModel

extension EvaluationCommit {
    /// What an operator did with this commit; empty for one that nobody ordered.
    package func auditEntries(at now: Timestamp) throws(StorageError) -> [AuditEntry] {
        guard let actor else { return [] }
        var entries: [AuditEntry] = []
        func note(_ action: String, before: String? = nil, after: String? = nil) {
            entries.append(
                AuditEntry(
                    at: now, actor: actor, action: action, object: read.inputs.policy.spec.name,
                    before: before, after: after, message: message, requestID: requestID))
        }
        for write in writes {
            switch write {
            case .setOverride(let word):
                let replaced = read.inputs.overrides.first { $0.member == word.member }
                note(
                    "override.set",
                    before: try replaced.map { word throws(StorageError) in try Self.text(of: word)
                    },
                    after: try Self.text(of: word))
            case .clearOverride(let id):
                let cleared = read.inputs.overrides.first { $0.id == id }
                note(
                    "override.cleared",
                    before: try cleared.map { word throws(StorageError) in try Self.text(of: word) }
                )
            case .freeze(let freeze):
                note(
                    "policy.frozen", before: try read.inputs.freeze.map(JSONColumn.text(of:)),
                    after: try JSONColumn.text(of: freeze))
            case .thaw:
                note("policy.thawed", before: try read.inputs.freeze.map(JSONColumn.text(of:)))
            }
        }
        switch read.inputs.order {
        case .failback: note("policy.failback")
        case .reattach(let members):
            note("policy.reattach", after: try members.map(JSONColumn.text(of:)))
        case nil: break
        }
        return entries
    }

    private static func text(of word: Override) throws(StorageError) -> String {
        try JSONColumn.text(of: AuditedOverride(word))
    }
}

/// An override as the audit log shows it.
private struct AuditedOverride: Encodable {
    var member: String
    var word: OverrideWord
    var reason: String
    var until: Timestamp?
    var breakGlass: Bool

    enum CodingKeys: String, CodingKey {
        case member, word, reason, until
        case breakGlass = "break_glass"
    }

    init(_ word: Override) {
        member = word.member
        self.word = word.word
        reason = word.reason
        until = word.until
        breakGlass = word.breakGlass
    }
}
