import GRDB
import HealthWorkerModel
import HealthWorkerStorage

extension Session {
    /// Adds to what this process did, in the transaction that did it.
    func count(_ tally: Tally, for process: ProcessID) throws {
        if tally == Tally() { return }
        try run(
            """
            INSERT INTO queue_tallies
                (process_id, enqueued, completed, lost, void, rescued, stale, superseded, missed)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (process_id) DO UPDATE
            SET enqueued = enqueued + excluded.enqueued,
                completed = completed + excluded.completed,
                lost = lost + excluded.lost,
                void = void + excluded.void,
                rescued = rescued + excluded.rescued,
                stale = stale + excluded.stale,
                superseded = superseded + excluded.superseded,
                missed = missed + excluded.missed
            """,
            [
                process.rawValue, tally.enqueued, tally.completed, tally.lost, tally.void,
                tally.rescued, tally.stale, tally.superseded, tally.missed,
            ])
    }

    func tally() throws -> Tally {
        try first(
            """
            SELECT coalesce(sum(enqueued), 0),
                   coalesce(sum(completed), 0),
                   coalesce(sum(lost), 0),
                   coalesce(sum(void), 0),
                   coalesce(sum(rescued), 0),
                   coalesce(sum(stale), 0),
                   coalesce(sum(superseded), 0),
                   coalesce(sum(missed), 0)
            FROM queue_tallies
            """
        ) { Tally($0, from: 0) } ?? Tally()
    }
}
