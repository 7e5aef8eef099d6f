package import HealthWorkerModel

/// What is stored, as a document that makes the same when it is applied.
package enum Export {
    /// A YAML document: objects by name, keys as in the documentation, without what is default.
    ///
    /// Checks that policies make are left out: the policy's `member_check` makes them again. `set`
    /// is written as given, else where all objects belong to the same.
    package static func yaml(
        checks: [Check], policies: [Policy], set: String? = nil
    ) throws -> String {
        let written = checks.filter { $0.madeBy == nil }
            .sorted { $0.spec.name < $1.spec.name }
        let sets = Set(written.map(\.set) + policies.map(\.set))
        var members: [(key: String, value: YAMLText)] = [("format", .scalar(.integer(1)))]
        if let set = set ?? (sets.count == 1 ? sets.first ?? nil : nil) {
            members.append(("set", .scalar(.string(set))))
        }
        if !written.isEmpty {
            let texts = try written.map { try text(of: $0.spec) }
            members.append(("checks", .list(texts)))
        }
        if !policies.isEmpty {
            let texts = try policies.sorted { $0.spec.name < $1.spec.name }
                .map { try text(of: $0.spec) }
            members.append(("policies", .list(texts)))
        }
        return YAMLText.map(members).block(indented: 0)
    }

    /// One check, for `-o yaml`.
    package static func yaml(_ check: CheckSpec) throws -> String {
        try text(of: check).block(indented: 0)
    }

    /// One policy, for `-o yaml`.
    package static func yaml(_ policy: PolicySpec) throws -> String {
        try text(of: policy).block(indented: 0)
    }

    /// Any value, for `-o yaml` of what is no document.
    package static func yaml(_ value: JSONValue) -> String {
        YAMLText(value).block(indented: 0)
    }

    private static func text(of check: CheckSpec) throws -> YAMLText {
        ordered(try JSONValue(encoding: check.normal), by: .check)
    }

    private static func text(of policy: PolicySpec) throws -> YAMLText {
        ordered(try JSONValue(encoding: policy), by: .policy)
    }

    private static func ordered(
        _ value: JSONValue, by schema: Schema, isShort: Bool = true
    ) -> YAMLText {
        let properties = schema.properties(in: Schema.components)
        switch value {
        case .object(let members) where !properties.isEmpty:
            var written: [(key: String, value: YAMLText)] = []
            for property in properties {
                guard let member = members[property.name],
                    !isShort || member != property.schema.standard
                else { continue }
                // `member_check` is kept as it was written, and comes out so.
                let text = ordered(
                    member, by: property.schema,
                    isShort: isShort && property.name != "member_check")
                // `tls: {}` makes a tcp check speak TLS; other empty blocks say nothing.
                if isShort, case .map(let inner) = text, inner.isEmpty,
                    !property.schema.isNullable
                {
                    continue
                }
                written.append((property.name, text))
            }
            return .map(written)
        case .array(let elements):
            guard case .list(let element, _, _) = schema.shape else { return YAMLText(value) }
            return .list(elements.map { ordered($0, by: element, isShort: isShort) })
        default:
            return YAMLText(value)
        }
    }
}
