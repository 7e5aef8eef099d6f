/// Which outcomes are kept in the history.
package enum KeptOutcomes: String, Hashable, Sendable, CaseIterable {
    case all
    /// Those that are no success, or that turned health.
    case changes
    case none
}
