import HealthWorkerModel

/// Who a record set belongs to, as its comment says: the installation, the policy and the generation.
struct OwnerMark: Hashable, Sendable {
    var installation: String
    var policy: PolicyID
    var policyName: String
    var generation: Int64

    private static let word = "health-worker"

    init(installation: String, policy: PolicyID, policyName: String, generation: Int64) {
        self.installation = installation
        self.policy = policy
        self.policyName = policyName
        self.generation = generation
    }

    /// Nil for a record set without one.
    init?(of set: RecordSet) {
        for comment in set.comments ?? [] where Self.isMark(comment) {
            let words = comment.content.split(separator: " ")
            guard words.count == 5, words[0] == Self.word, let policy = Int64(words[2]),
                let generation = Int64(words[3])
            else { continue }
            self.init(
                installation: String(words[1]), policy: PolicyID(policy),
                policyName: String(words[4]), generation: generation)
            return
        }
        return nil
    }

    static func isMark(_ comment: RecordSet.Comment) -> Bool { comment.account == word }

    var comment: RecordSet.Comment {
        RecordSet.Comment(
            content: "\(Self.word) \(installation) \(policy) \(generation) \(policyName)",
            account: Self.word)
    }
}
