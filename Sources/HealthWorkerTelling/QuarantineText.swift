package import HealthWorkerModel

/// What is to be said of a worker whose peers contradict it.
package enum QuarantineText {
    /// `quarantined until 10:05:00: contradicted by its peers on 14 of 20 checks`; nil where there is
    /// nothing to say.
    package static func line(of process: JSONValue) -> String? {
        guard let quarantine = process["quarantine"] else { return nil }
        let words =
            "contradicted by its peers on \(quarantine["contradicted"]?.shown ?? "?") of "
            + "\(quarantine["probed"]?.shown ?? "?") checks"
        return switch quarantine["state"]?.text.flatMap(Quarantine.State.init) {
        case .quarantined?:
            "quarantined until \(Moments.clock(quarantine["until"]?.text)): \(words)"
        case .onTrial?: "on trial: was quarantined, \(words)"
        case .disputed?: "\(words), as are too many others"
        case .named?, nil: "\(words), and still claims"
        }
    }

    /// Whether too many are contradicted to believe anybody.
    package static func isDisputed(_ process: JSONValue) -> Bool {
        process["quarantine"]?["state"]?.text == Quarantine.State.disputed.rawValue
    }
}
