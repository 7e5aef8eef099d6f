package import HealthWorkerModel

extension Plan {
    /// For `diff` and `apply --dry-run`: what changes, a line for each field, and the sum.
    package var text: String {
        var lines: [String] = []
        for change in changes where change.isChange {
            Self.write(change, indented: "", into: &lines)
        }
        if !lines.isEmpty { lines.append("") }
        lines.append(summary)
        return lines.joined(separator: "\n") + "\n"
    }

    /// `2 to create, 1 to update, 3 unchanged`.
    package var summary: String {
        let counts = self.counts
        let words: [(Int, String)] = [
            (counts.create, "to create"), (counts.update, "to update"),
            (counts.rename, "to rename"), (counts.delete, "to delete"),
            (counts.unchanged, "unchanged"),
        ]
        let parts = words.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        if counts.changes == 0 {
            return parts.isEmpty ? "nothing to do" : "nothing to do: \(parts[0])"
        }
        return parts.joined(separator: ", ")
    }

    private static func write(_ change: Change, indented margin: String, into lines: inout [String])
    {
        let what = "\(change.kind.rawValue) \(change.name)"
        switch change.action {
        case .create: lines.append("\(margin)+ \(what)")
        case .update, .unchanged: lines.append("\(margin)~ \(what)")
        case .rename(let old): lines.append("\(margin)~ \(what), renamed from \(old)")
        case .delete: lines.append("\(margin)- \(what)")
        }
        for field in change.fields {
            let old = field.old?.line ?? "(none)"
            let new = field.new?.line ?? "(none)"
            lines.append("\(margin)    \(field.path): \(old) → \(new)")
        }
        for check in change.checks where check.isChange {
            write(check, indented: margin + "    ", into: &lines)
        }
    }

    /// For the API: every object, what happens to it, and the sums.
    package var json: JSONValue {
        let counts = self.counts
        var members: [String: JSONValue] = [
            "changes": .array(changes.map(Self.json)),
            "counts": .object([
                "create": .integer(Int64(counts.create)), "update": .integer(Int64(counts.update)),
                "rename": .integer(Int64(counts.rename)), "delete": .integer(Int64(counts.delete)),
                "unchanged": .integer(Int64(counts.unchanged)),
            ]),
        ]
        if let set { members["set"] = .string(set) }
        return .object(members)
    }

    private static func json(_ change: Change) -> JSONValue {
        var members: [String: JSONValue] = [
            "kind": .string(change.kind.rawValue), "name": .string(change.name),
            "action": .string(change.action.word),
        ]
        if case .rename(let old) = change.action { members["renamed_from"] = .string(old) }
        if !change.fields.isEmpty {
            members["fields"] = .array(
                change.fields.map {
                    .object([
                        "path": .string($0.path), "old": $0.old ?? .null, "new": $0.new ?? .null,
                    ])
                })
        }
        if !change.checks.isEmpty { members["checks"] = .array(change.checks.map(json)) }
        return .object(members)
    }
}

extension Plan.Action {
    package var word: String {
        switch self {
        case .create: "create"
        case .update: "update"
        case .rename: "rename"
        case .delete: "delete"
        case .unchanged: "unchanged"
        }
    }
}
