package import HealthWorkerModel

extension Plan {
    /// For `diff`: what changes, a line for each field, the routes that follow, and the sum.
    package var text: String { report(isDone: false) }

    /// The same for a plan that was carried out, where `isDone`.
    package func report(isDone: Bool) -> String {
        var lines: [String] = []
        for change in changes where change.isChange {
            Self.write(change, indented: "", into: &lines)
        }
        if !routes.isEmpty {
            if !lines.isEmpty { lines.append("") }
            lines.append("routes:")
            lines += routes.map { "    \($0.line)" }
        }
        if !leftOver.isEmpty {
            if !lines.isEmpty { lines.append("") }
            let names = leftOver.prefix(10).map { "\($0.kind.rawValue) \($0.name)" }
            let more =
                leftOver.count > names.count ? " and \(leftOver.count - names.count) more" : ""
            lines.append(
                "in the set and not in the document, kept unless pruned: "
                    + names.joined(separator: ", ") + more)
        }
        if !lines.isEmpty { lines.append("") }
        lines.append(summary(isDone: isDone))
        return lines.joined(separator: "\n") + "\n"
    }

    /// `2 to create, 1 to update, 3 unchanged`; `2 created` where it `isDone`.
    private func summary(isDone: Bool) -> String {
        let counts = self.counts
        let words: [(Int, String)] = [
            (counts.create, isDone ? "created" : "to create"),
            (counts.update, isDone ? "updated" : "to update"),
            (counts.rename, isDone ? "renamed" : "to rename"),
            (counts.delete, isDone ? "deleted" : "to delete"),
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
        if let edit = change.edit {
            let why = edit.message.map { ": \($0)" } ?? ""
            lines.append(
                "\(margin)    edited since the last apply, by \(edit.actor) at \(edit.at)\(why)")
        }
        if let trial = change.trial { lines.append("\(margin)    \(trial.line)") }
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
        if !routes.isEmpty { members["routes"] = .array(routes.map(\.json)) }
        if !leftOver.isEmpty {
            members["left_over"] = .array(
                leftOver.map {
                    .object(["kind": .string($0.kind.rawValue), "name": .string($0.name)])
                })
        }
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
        if let edit = change.edit {
            var said: [String: JSONValue] = [
                "at": .string(edit.at.description), "actor": .string(edit.actor),
            ]
            if let message = edit.message { said["message"] = .string(message) }
            members["edited"] = .object(said)
        }
        if let trial = change.trial { members["trial"] = trial.json }
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

extension Plan.Trial {
    fileprivate var line: String {
        switch self {
        case .made(let outcome, let detail):
            (["probed once: \(outcome.kind.rawValue)"]
                + [outcome.reason?.rawValue, detail].compactMap(\.self)).joined(separator: ", ")
        case .notMade(let why): "not probed: \(why)"
        }
    }

    fileprivate var json: JSONValue {
        switch self {
        case .made(let outcome, let detail):
            var members: [String: JSONValue] = ["outcome": .string(outcome.kind.rawValue)]
            if let reason = outcome.reason { members["reason"] = .string(reason.rawValue) }
            if let detail { members["detail"] = .string(detail) }
            return .object(members)
        case .notMade(let why): return .object(["not_made": .string(why)])
        }
    }
}

extension Plan.RouteChange {
    fileprivate var line: String {
        let old = before.map(Self.shown) ?? "(none)"
        guard let after else {
            return cause == nil
                ? "\(policy): \(old) → (deleted)"
                : "\(policy): \(old) → (waits for its members' first outcomes)"
        }
        return "\(policy): \(old) → \(Self.shown(after))"
            + (cause.map { " (\($0.rawValue))" } ?? "")
    }

    private static func shown(_ values: [String]) -> String {
        values.isEmpty ? "(nothing)" : values.joined(separator: ", ")
    }

    fileprivate var json: JSONValue {
        var members: [String: JSONValue] = ["policy": .string(policy)]
        if let before { members["before"] = .array(before.map { .string($0) }) }
        if let after { members["after"] = .array(after.map { .string($0) }) }
        if let cause { members["cause"] = .string(cause.rawValue) }
        return .object(members)
    }
}
