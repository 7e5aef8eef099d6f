-- compatible_from: 0.1.0
--
-- The figures of each hour, which stay when the outcomes and routes that they are made of are gone.
-- An hour is its number since 1970-01-01T00:00:00Z. Histograms and timelines are texts of their own,
-- short and the same on every engine; nothing but the program reads them.

CREATE TABLE IF NOT EXISTS outcome_hours (
    check_id     BIGINT      NOT NULL,
    hour         BIGINT      NOT NULL,
    -- Which outcomes were kept: what the counts and times are of.
    kept         VARCHAR(16) NOT NULL,
    -- What was held of the target, from which moment on.
    timeline     LONGTEXT    NOT NULL,
    successes    INT         NOT NULL,
    failures     INT         NOT NULL,
    inconclusive INT         NOT NULL,
    -- How long successes took, as a whole and by phase.
    times        LONGTEXT    NOT NULL,
    -- Where the next hour goes on: the last outcome, and the last conclusive one.
    last_job_id  BIGINT      NOT NULL,
    seen_at      BIGINT,
    PRIMARY KEY (check_id, hour),
    KEY outcome_hours_by_age (hour)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS policy_hours (
    policy_id      BIGINT   NOT NULL,
    hour           BIGINT   NOT NULL,
    measured_us    BIGINT   NOT NULL,
    available_us   BIGINT   NOT NULL,
    degraded_us    BIGINT   NOT NULL,
    unknown_us     BIGINT   NOT NULL,
    failovers      INT      NOT NULL,
    -- Of these, by what their times end with.
    observed       INT      NOT NULL,
    applied        INT      NOT NULL,
    decided        INT      NOT NULL,
    times          LONGTEXT NOT NULL,
    -- NULL: not known, since failures were not kept.
    false_switches INT,
    PRIMARY KEY (policy_id, hour),
    KEY policy_hours_by_age (hour)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row: how far the making of hours has come.
CREATE TABLE IF NOT EXISTS hour_mark (
    id       INT         NOT NULL PRIMARY KEY,
    hour     BIGINT      NOT NULL,
    stage    VARCHAR(16) NOT NULL,
    after_id BIGINT      NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT IGNORE INTO hour_mark (id, hour, stage, after_id)
VALUES (1, 0, 'checks', 0);
