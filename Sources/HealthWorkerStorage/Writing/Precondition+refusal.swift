extension Precondition {
    /// Why it does not hold of what is stored; nil: it does.
    ///
    /// - Parameter revision: nil for an object that nobody stored yet.
    func refusal(
        of kind: ObjectKind, _ name: String, exists: Bool, revision: Int64?
    ) -> Refusal? {
        switch self {
        case .none: nil
        case .absent: exists ? .exists(kind, name) : nil
        case .present: exists ? nil : .missing(kind, name)
        case .revision(let wanted):
            if !exists {
                .missing(kind, name)
            } else if let revision, revision != wanted {
                .revision(kind, name, current: revision)
            } else {
                nil
            }
        }
    }
}
