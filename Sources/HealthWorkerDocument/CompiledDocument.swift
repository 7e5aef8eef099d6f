package import HealthWorkerModel

/// A check ready to be stored.
package struct CompiledCheck: Sendable {
    package var spec: CheckSpec
    package var renamedFrom: String?
    /// The policy whose `member_check` made it; nil for one that was written.
    package var madeBy: String?
    /// The checks that it depends on; of one that is made, the policy has them.
    package var references: [CheckReference]
    package var path: Path
    package var position: Position?

    package init(
        spec: CheckSpec, renamedFrom: String? = nil, madeBy: String? = nil,
        references: [CheckReference] = [], path: Path = .root, position: Position? = nil
    ) {
        self.spec = spec
        self.renamedFrom = renamedFrom
        self.madeBy = madeBy
        self.references = references
        self.path = path
        self.position = position
    }
}

/// A policy ready to be stored, with the checks that its `member_check` makes.
package struct CompiledPolicy: Sendable {
    package var spec: PolicySpec
    package var renamedFrom: String?
    package var checks: [CompiledCheck]
    /// The checks that its members name, and those that its made ones depend on.
    package var references: [CheckReference]
    package var path: Path
    package var position: Position?

    package init(
        spec: PolicySpec, renamedFrom: String? = nil, checks: [CompiledCheck] = [],
        references: [CheckReference] = [], path: Path = .root, position: Position? = nil
    ) {
        self.spec = spec
        self.renamedFrom = renamedFrom
        self.checks = checks
        self.references = references
        self.path = path
        self.position = position
    }
}

/// A check that a member or another check names. Whether it exists, storage knows.
package struct CheckReference: Hashable, Sendable {
    package var check: String
    package var path: Path
    package var position: Position?

    package init(check: String, path: Path = .root, position: Position? = nil) {
        self.check = check
        self.path = path
        self.position = position
    }

    /// What to say when there is no such check.
    package var problem: Problem {
        Problem(
            "there is no check \(check): write it under `checks`, or name one that exists",
            at: path,
            position: position)
    }
}

/// All objects of the files of one `apply`.
package struct CompiledDocument: Sendable {
    package var set: String?
    /// As written first, then those made by policies.
    package var checks: [CompiledCheck]
    package var policies: [CompiledPolicy]
    /// The references to checks that are not in the document.
    package var references: [CheckReference]

    package init(
        set: String? = nil, checks: [CompiledCheck] = [], policies: [CompiledPolicy] = [],
        references: [CheckReference] = []
    ) {
        self.set = set
        self.checks = checks
        self.policies = policies
        self.references = references
    }
}
