/// Why a policy is to be looked at.
package enum EvaluationCause: String {
    /// A check's health turned.
    case turned
    /// The policy, or a check that it uses, was written.
    case edited
    /// A maintenance that means some of its members was ordered, changed or ended.
    case maintenance
    /// The last verdict asked for it; the next one replaces it.
    case lookAgain = "look_again"
    /// Its route was decided from other inputs than the present ones.
    case missed
}
