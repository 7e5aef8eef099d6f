package import HealthWorkerModel

/// One thing that wants somebody.
package struct Trouble: Sendable {
    package enum Rank: Int, Comparable, CaseIterable, Sendable {
        /// Nothing is probed, or decided.
        case installation
        /// Consumers get something that is not healthy.
        case published
        /// A target is out, and others serve.
        case out
        /// What is known is not fresh.
        case doubtful
        /// All is well, and would not be after one loss.
        case exposed
        /// Somebody's word holds over what is measured: not wrong, and to be known.
        case byHand

        package static func < (left: Rank, right: Rank) -> Bool { left.rawValue < right.rawValue }
    }

    package var rank: Rank
    package var kind: String
    package var name: String
    package var sentence: String
    /// The command that shows or does more.
    package var remedy: String?

    /// An operator's word is what somebody wants, and no fault; nor is a policy without a spare.
    package var isWrong: Bool { rank != .byHand && rank != .exposed }

    package var json: JSONValue {
        var members: [String: JSONValue] = [
            "kind": .string(kind), "name": .string(name), "sentence": .string(sentence),
            "wrong": .bool(isWrong),
        ]
        if let remedy { members["remedy"] = .string(remedy) }
        return .object(members)
    }
}
