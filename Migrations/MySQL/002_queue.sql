-- compatible_from: 0.1.0
--
-- The wheel and the live jobs. Both are small and change all the time. What the server knows of
-- their sizes stays as it is: a table that fills and empties many times a minute has no size.

-- When each group of checks with one interval and one slot is due next. No index on due_at: there
-- are a few thousand rows at most, and every tick would move it.
CREATE TABLE IF NOT EXISTS schedule_slots (
    interval_us BIGINT NOT NULL,
    slot        INT    NOT NULL,
    due_at      BIGINT NOT NULL,
    PRIMARY KEY (interval_us, slot)
) ENGINE = InnoDB STATS_AUTO_RECALC = 0;

-- Live jobs only, at most one for each check. visible_at is delay and lease in one and is not
-- indexed, so that a claim touches no second index; claims walk the key, and most rows are visible.
CREATE TABLE IF NOT EXISTS probe_jobs (
    job_id          BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- No foreign key: it would lock a row of checks for each job.
    check_id        BIGINT NOT NULL,
    due_at          BIGINT NOT NULL,
    visible_at      BIGINT NOT NULL,
    attempt         INT    NOT NULL DEFAULT 0,
    worker_id       BIGINT,
    worker_location VARCHAR(255),
    -- Whose word is not wanted again, and from where, until 1 s after it became visible.
    avoid_worker_id BIGINT,
    avoid_location  VARCHAR(255),
    -- Of the check, and kept equal to it by every edit, so that a completion, which locks this row,
    -- needs no other to know what is asked now.
    epoch           BIGINT NOT NULL,
    location        TEXT,
    timeout_ms      BIGINT NOT NULL,
    UNIQUE KEY probe_jobs_of_check (check_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin STATS_AUTO_RECALC = 0;

-- What became of jobs, by the process that did it, written in the transactions that it counts.
CREATE TABLE IF NOT EXISTS queue_tallies (
    process_id BIGINT NOT NULL PRIMARY KEY,
    enqueued   BIGINT NOT NULL DEFAULT 0,
    completed  BIGINT NOT NULL DEFAULT 0,
    lost       BIGINT NOT NULL DEFAULT 0,
    void       BIGINT NOT NULL DEFAULT 0,
    rescued    BIGINT NOT NULL DEFAULT 0,
    stale      BIGINT NOT NULL DEFAULT 0,
    superseded BIGINT NOT NULL DEFAULT 0,
    missed     BIGINT NOT NULL DEFAULT 0
) ENGINE = InnoDB;
