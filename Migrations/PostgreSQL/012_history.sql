-- compatible_from: 0.1.0
--
-- The figures of each hour, which stay when the outcomes and routes that they are made of are gone.
-- An hour is its number since 1970-01-01T00:00:00Z. Histograms and timelines are texts of their own,
-- short and the same on every engine; nothing but the program reads them.

CREATE TABLE outcome_hours (
    check_id     bigint  NOT NULL,
    hour         bigint  NOT NULL,
    -- Which outcomes were kept: what the counts and times are of.
    kept         text    NOT NULL,
    -- What was held of the target, from which moment on.
    timeline     text    NOT NULL,
    successes    integer NOT NULL,
    failures     integer NOT NULL,
    inconclusive integer NOT NULL,
    -- How long successes took, as a whole and by phase.
    times        text    NOT NULL,
    -- Where the next hour goes on: the last outcome, and the last conclusive one.
    last_job_id  bigint  NOT NULL,
    seen_at      bigint,
    PRIMARY KEY (check_id, hour)
);

CREATE INDEX outcome_hours_by_age ON outcome_hours (hour);

CREATE TABLE policy_hours (
    policy_id      bigint  NOT NULL,
    hour           bigint  NOT NULL,
    measured_us    bigint  NOT NULL,
    available_us   bigint  NOT NULL,
    degraded_us    bigint  NOT NULL,
    unknown_us     bigint  NOT NULL,
    failovers      integer NOT NULL,
    -- Of these, by what their times end with.
    observed       integer NOT NULL,
    applied        integer NOT NULL,
    decided        integer NOT NULL,
    times          text    NOT NULL,
    -- NULL: not known, since failures were not kept.
    false_switches integer,
    PRIMARY KEY (policy_id, hour)
);

CREATE INDEX policy_hours_by_age ON policy_hours (hour);

-- One row: how far the making of hours has come.
CREATE TABLE hour_mark (
    id       integer PRIMARY KEY CHECK (id = 1),
    hour     bigint NOT NULL,
    stage    text   NOT NULL,
    after_id bigint NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);

INSERT INTO hour_mark (id, hour, stage, after_id)
VALUES (1, 0, 'checks', 0);
