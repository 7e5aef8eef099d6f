-- compatible_from: 0.1.0
--
-- The wheel and the live jobs.

-- When each group of checks with one interval and one slot is due next.
CREATE TABLE schedule_slots (
    interval_us INTEGER NOT NULL,
    slot        INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    PRIMARY KEY (interval_us, slot)
) STRICT, WITHOUT ROWID;

CREATE INDEX schedule_slots_by_due ON schedule_slots (due_at);

-- Live jobs only, at most one for each check. visible_at is delay and lease in one and is not
-- indexed: claims walk the key, and most rows are visible.
CREATE TABLE probe_jobs (
    job_id          INTEGER PRIMARY KEY AUTOINCREMENT,
    check_id        INTEGER NOT NULL UNIQUE,
    due_at          INTEGER NOT NULL,
    visible_at      INTEGER NOT NULL,
    attempt         INTEGER NOT NULL DEFAULT 0,
    worker_id       INTEGER,
    worker_location TEXT,
    -- Whose word is not wanted again, and from where, until 1 s after it became visible.
    avoid_worker_id INTEGER,
    avoid_location  TEXT,
    -- Locations that may probe it, as |fra1|ams1|; NULL: any.
    location        TEXT,
    timeout_ms      INTEGER NOT NULL
) STRICT;

-- Only jobs in their third attempt have an entry, which is next to none: without it, whoever looks
-- for lost jobs reads all live ones.
CREATE INDEX probe_jobs_in_last_attempt ON probe_jobs (visible_at) WHERE attempt >= 3;

-- What became of jobs, by the process that did it, written in the transactions that it counts.
CREATE TABLE queue_tallies (
    process_id INTEGER PRIMARY KEY,
    enqueued   INTEGER NOT NULL DEFAULT 0,
    completed  INTEGER NOT NULL DEFAULT 0,
    lost       INTEGER NOT NULL DEFAULT 0,
    void       INTEGER NOT NULL DEFAULT 0,
    rescued    INTEGER NOT NULL DEFAULT 0,
    stale      INTEGER NOT NULL DEFAULT 0,
    superseded INTEGER NOT NULL DEFAULT 0,
    missed     INTEGER NOT NULL DEFAULT 0
) STRICT;
