package import HealthWorkerModel

extension JSONValue {
    /// `self` changed by a merge-patch (RFC 7396 §2): members of objects are set, or removed where
    /// the patch says null; anything else replaces.
    package func merging(_ patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members: [String: JSONValue] = [:]
        if case .object(let own) = self { members = own }
        for (key, change) in changes {
            members[key] = change == .null ? nil : (members[key] ?? .null).merging(change)
        }
        return .object(members)
    }
}
