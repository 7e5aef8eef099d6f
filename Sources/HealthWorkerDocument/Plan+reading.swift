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
            checks: (json["checks"]?.asList ?? []).compactMap(change))
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
