/// One thing that a look at a sink found, told to people.
package struct SinkFinding: Hashable, Sendable, Codable {
    package enum Word: String, Hashable, Sendable, Codable, CaseIterable {
        case ok
        /// It works, and something should be known of it.
        case warning
        /// Routes do not reach the sink until this is mended.
        case problem
    }

    package var word: Word
    /// One sentence.
    package var sentence: String
    /// The command or setting that mends it.
    package var mend: String?

    package init(_ word: Word, _ sentence: String, mend: String? = nil) {
        self.word = word
        self.sentence = sentence
        self.mend = mend
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case word = "finding"
        case sentence, mend
    }
}
