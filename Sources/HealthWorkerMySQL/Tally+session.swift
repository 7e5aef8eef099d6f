import HealthWorkerModel
import HealthWorkerStorage

extension Session {
    /// Adds to what this process did, in the transaction that did it: last of all, because its other
    /// connections wait for this row until the transaction ends.
    func count(_ tally: Tally, for process: ProcessID) throws {
        if tally == Tally() { return }
        let sums: [any Bindable] = [
            tally.enqueued, tally.completed, tally.lost, tally.void, tally.rescued, tally.stale,
            tally.superseded, tally.missed,
        ]
        let counted = try run(
            """
            UPDATE queue_tallies
            SET enqueued = enqueued + ?,
                completed = completed + ?,
                lost = lost + ?,
                void = void + ?,
                rescued = rescued + ?,
                stale = stale + ?,
                superseded = superseded + ?,
                missed = missed + ?
            WHERE process_id = ?
            """, sums + [process])
        if counted == 1 { return }
        // Two at once: the second finds the key taken, and its transaction is done again.
        try run(
            """
            INSERT INTO queue_tallies
                (enqueued, completed, lost, void, rescued, stale, superseded, missed, process_id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, sums + [process])
    }
}
