-- compatible_from: 0.1.0
--
-- The figures of each hour, which stay when the outcomes and routes that they are made of are gone.
-- An hour is its number since 1970-01-01T00:00:00Z. Histograms and timelines are texts of their own,
-- short and the same on every engine; nothing but the program reads them.

CREATE TABLE outcome_hours (
    check_id     INTEGER NOT NULL,
    hour         INTEGER NOT NULL,
    -- Which outcomes were kept: what the counts and times are of.
    kept         TEXT    NOT NULL,
    -- What was held of the target, from which moment on.
    timeline     TEXT    NOT NULL,
    successes    INTEGER NOT NULL,
    failures     INTEGER NOT NULL,
    inconclusive INTEGER NOT NULL,
    -- How long successes took, as a whole and by phase.
    times        TEXT    NOT NULL,
    -- Where the next hour goes on: the last outcome, and the last conclusive one.
    last_job_id  INTEGER NOT NULL,
    seen_at      INTEGER,
    PRIMARY KEY (check_id, hour)
) STRICT, WITHOUT ROWID;

CREATE INDEX outcome_hours_by_age ON outcome_hours (hour);

CREATE TABLE policy_hours (
    policy_id      INTEGER NOT NULL,
    hour           INTEGER NOT NULL,
    measured_us    INTEGER NOT NULL,
    available_us   INTEGER NOT NULL,
    degraded_us    INTEGER NOT NULL,
    unknown_us     INTEGER NOT NULL,
    failovers      INTEGER NOT NULL,
    -- Of these, by what their times end with.
    observed       INTEGER NOT NULL,
    applied        INTEGER NOT NULL,
    decided        INTEGER NOT NULL,
    times          TEXT    NOT NULL,
    -- NULL: not known, since failures were not kept.
    false_switches INTEGER,
    PRIMARY KEY (policy_id, hour)
) STRICT, WITHOUT ROWID;

CREATE INDEX policy_hours_by_age ON policy_hours (hour);

-- One row: how far the making of hours has come.
CREATE TABLE hour_mark (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    hour     INTEGER NOT NULL,
    stage    TEXT    NOT NULL,
    after_id INTEGER NOT NULL
) STRICT;

INSERT INTO hour_mark (id, hour, stage, after_id)
VALUES (1, 0, 'checks', 0);
