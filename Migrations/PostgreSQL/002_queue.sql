-- compatible_from: 0.1.0
--
-- The wheel and the live jobs. Both are small and change all the time: room on each page for the
-- next version of a row, and vacuum without pauses.

-- When each group of checks with one interval and one slot is due next. No index on due_at: there
-- are a few thousand rows at most, and every tick would move it.
CREATE TABLE schedule_slots (
    interval_us bigint  NOT NULL,
    slot        integer NOT NULL,
    due_at      bigint  NOT NULL,
    PRIMARY KEY (interval_us, slot)
) WITH (
    fillfactor = 20,
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0
);

CREATE SEQUENCE probe_job_ids;

-- Live jobs only, at most one for each check. visible_at is delay and lease in one and is not
-- indexed, so that a claim touches no index; claims walk the key, and most rows are visible.
CREATE TABLE probe_jobs (
    job_id          bigint PRIMARY KEY DEFAULT nextval('probe_job_ids'),
    -- No foreign key: it would lock a row of checks for each job.
    check_id        bigint  NOT NULL UNIQUE,
    due_at          bigint  NOT NULL,
    visible_at      bigint  NOT NULL,
    attempt         integer NOT NULL DEFAULT 0,
    worker_id       bigint,
    worker_location text,
    -- Whose word is not wanted again, and from where, until 1 s after it became visible.
    avoid_worker_id bigint,
    avoid_location  text,
    -- Of the check, and kept equal to it by every edit, so that a completion, which locks this row,
    -- needs no other to know what is asked now.
    epoch           bigint  NOT NULL,
    location        text,
    timeout_ms      bigint  NOT NULL
) WITH (
    fillfactor = 45,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_threshold = 10000,
    autovacuum_analyze_scale_factor = 0.5
);

-- What became of jobs, by the process that did it, written in the transactions that it counts.
CREATE TABLE queue_tallies (
    process_id bigint PRIMARY KEY,
    enqueued   bigint NOT NULL DEFAULT 0,
    completed  bigint NOT NULL DEFAULT 0,
    lost       bigint NOT NULL DEFAULT 0,
    void       bigint NOT NULL DEFAULT 0,
    rescued    bigint NOT NULL DEFAULT 0,
    stale      bigint NOT NULL DEFAULT 0,
    superseded bigint NOT NULL DEFAULT 0,
    missed     bigint NOT NULL DEFAULT 0
) WITH (
    fillfactor = 20,
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0
);
