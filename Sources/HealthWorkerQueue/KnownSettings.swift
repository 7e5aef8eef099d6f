package import HealthWorkerModel

/// Which settings to go by, of the storage's rows and of the copy on the fleet's board.
///
/// A copy holds while it is newer than the rows that were read last, for a change reaches it before
/// the next reading; and no longer than until that reading, for the rows are the truth: a copy that
/// rows read later do not know of was never true, or is no more, since a backup was restored.
package struct KnownSettings: Sendable {
    package private(set) var held = LiveSettings()
    /// Whether `held` is a copy that the rows have not confirmed.
    private var holdsCopy = false
    /// The newest copy seen, and the newest that rows read later did not know of.
    private var seen: Int64 = 0
    private var refuted: Int64 = 0

    package init() {}

    /// To be given to ``read(_:since:)`` with the rows whose reading begins now.
    package var beginning: Int64 { seen }

    /// - Returns: whether the copy of this revision is worth reading.
    package mutating func see(copy revision: Int64) -> Bool {
        seen = max(seen, revision)
        return revision > max(held.revision, refuted)
    }

    package mutating func take(copy: LiveSettings) {
        guard see(copy: copy.revision) else { return }
        held = copy
        holdsCopy = true
    }

    package mutating func read(_ rows: LiveSettings, since beginning: Int64) {
        if rows.revision < beginning { refuted = max(refuted, beginning) }
        // A copy that came while the rows were read may tell of a change that they do not yet have.
        if holdsCopy, held.revision > max(rows.revision, beginning) { return }
        held = rows
        holdsCopy = false
    }
}
