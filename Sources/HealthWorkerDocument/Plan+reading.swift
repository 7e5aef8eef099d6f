package import HealthWorkerModel

extension Plan {
    /// Reads what ``json`` wrote, so that a client shows a plan as its server decided it. Nil for
    /// anything else.
    package init?(json: JSONValue) {
        guard case .array(let changes)? = json["changes"] else { return nil }
        var read: [Change] = []
        for change in changes {
            guard let change = Self.change(change) else { return nil }
            read.append(change)
        }
        self.init(set: json["set"]?.asText, changes: read)
        routes = (json["routes"]?.asList ?? []).compactMap { route in
            guard let policy = route["policy"]?.asText else { return nil }
            return RouteChange(
                policy: policy, before: route["before"]?.asList?.compactMap(\.asText),
                after: route["after"]?.asList?.compactMap(\.asText),
                cause: route["cause"]?.asText.flatMap(RouteCause.init(rawValue:)))
        }
        leftOver = (json["left_over"]?.asList ?? []).compactMap { object in
            guard let kind = object["kind"]?.asText.flatMap(Kind.init(rawValue:)),
                let name = object["name"]?.asText
            else { return nil }
            return Reference(kind, name)
        }
    }

    private static func change(_ json: JSONValue) -> Change? {
        guard let kind = json["kind"]?.asText.flatMap(Kind.init(rawValue:)),
            let name = json["name"]?.asText, let word = json["action"]?.asText
        else { return nil }
        let action: Action
        switch word {
        case "create": action = .create
        case "update": action = .update
        case "delete": action = .delete
        case "unchanged": action = .unchanged
        case "rename":
            guard let old = json["renamed_from"]?.asText else { return nil }
            action = .rename(from: old)
        default: return nil
        }
        let fields = json["fields"]?.asList ?? []
        return Change(
            kind: kind, name: name, action: action,
            fields: fields.compactMap { field in
                guard let path = field["path"]?.asText else { return nil }
                return Field(
                    path: path, old: field["old"]?.unlessNull, new: field["new"]?.unlessNull)
            },
            checks: (json["checks"]?.asList ?? []).compactMap(change),
            edit: json["edited"].flatMap(edit), trial: json["trial"].flatMap(trial))
    }

    private static func edit(_ json: JSONValue) -> Edit? {
        guard let at = json["at"]?.asText.flatMap(Timestamp.init), let actor = json["actor"]?.asText
        else { return nil }
        return Edit(at: at, actor: actor, message: json["message"]?.asText)
    }

    private static func trial(_ json: JSONValue) -> Trial? {
        if let why = json["not_made"]?.asText { return .notMade(why) }
        guard let kind = json["outcome"]?.asText.flatMap(OutcomeKind.init(rawValue:)),
            let outcome = Outcome(
                kind: kind, reason: json["reason"]?.asText.flatMap(Reason.init(rawValue:)))
        else { return nil }
        return .made(outcome, detail: json["detail"]?.asText)
    }
}

extension JSONValue {
    fileprivate var asText: String? {
        if case .string(let text) = self { text } else { nil }
    }

    fileprivate var asList: [JSONValue]? {
        if case .array(let list) = self { list } else { nil }
    }

    fileprivate var unlessNull: JSONValue? { self == .null ? nil : self }
}
