package import HealthWorkerModel

extension EvaluationCommit {
    /// What an operator did with this commit, and what is held or in maintenance from it on or no more;
    /// empty for one that nobody ordered and that leaves both as they were.
    package func auditEntries(at now: Timestamp) throws(StorageError) -> [AuditEntry] {
        try holdEntries(at: now) + maintenanceEntries(at: now) + orderEntries(at: now)
    }

    private func holdEntries(at now: Timestamp) throws(StorageError) -> [AuditEntry] {
        var entries: [AuditEntry] = []
        func note(_ action: String, _ holds: [String: Hold], by person: String?)
            throws(StorageError)
        {
            for (holder, held) in Dictionary(grouping: holds, by: \.value.holder).sorted(by: {
                $0.key < $1.key
            }) {
                let text = try JSONColumn.text(of: AuditedHold(held))
                entries.append(
                    AuditEntry(
                        at: now, actor: person ?? holder, action: action,
                        object: read.inputs.policy.spec.name,
                        before: action == AuditEntry.held ? nil : text,
                        after: action == AuditEntry.held ? text : nil,
                        message: person == nil ? nil : message,
                        requestID: person == nil ? nil : requestID))
            }
        }
        try note(AuditEntry.held, holdsBegun, by: nil)
        if read.inputs.order == .release {
            try note(AuditEntry.released, holdsEnded, by: actor)
        } else {
            try note(AuditEntry.holdEnded, holdsEnded, by: nil)
        }
        return entries
    }

    private func orderEntries(at now: Timestamp) throws(StorageError) -> [AuditEntry] {
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
        // Told with what it releases.
        case .release, nil: break
        }
        return entries
    }

    private static func text(of word: Override) throws(StorageError) -> String {
        try JSONColumn.text(of: AuditedOverride(word))
    }
}

/// What one holder holds of a policy, as the audit log shows it.
private struct AuditedHold: Encodable {
    var members: [String]
    var since: Timestamp?
    var until: Timestamp?

    init(_ holds: [(key: String, value: Hold)]) {
        members = holds.map(\.key).sorted()
        since = holds.map(\.value.since).min()
        until = holds.compactMap(\.value.until).max()
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
