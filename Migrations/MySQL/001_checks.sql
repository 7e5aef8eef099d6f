-- compatible_from: 0.1.0
--
-- Checks, what is held of their targets, and what probes found.
-- Moments and spans are whole microseconds (*_at, *_us) unless a name says milliseconds (*_ms):
-- the wheel's arithmetic is exact in whole numbers, and what is read is what is bound, without a
-- time zone or a format between.
-- Documents are text, not JSON: what is read is what was written, byte for byte.
-- Names are in the order of their bytes (utf8mb4_bin), whatever the database's language. Their
-- columns are as long as their longest text, because the length of an index's key is bounded.
-- Ids are never used again: AUTO_INCREMENT never goes back.
-- There is no transaction around these statements: each does nothing where it was done before.

CREATE TABLE IF NOT EXISTS checks (
    check_id    BIGINT       NOT NULL PRIMARY KEY,
    name        VARCHAR(260) NOT NULL,
    set_name    VARCHAR(128),
    made_by     VARCHAR(128),
    revision    BIGINT       NOT NULL,
    epoch       BIGINT       NOT NULL,
    type        VARCHAR(32)  NOT NULL,
    is_enabled  TINYINT      NOT NULL,
    interval_us BIGINT       NOT NULL,
    slot        INT          NOT NULL,
    timeout_ms  BIGINT       NOT NULL,
    -- Locations that may probe it, as |fra1|ams1|; NULL: any.
    location    TEXT,
    created_at  BIGINT       NOT NULL,
    updated_at  BIGINT       NOT NULL,
    -- The document, as JSON.
    spec        LONGTEXT     NOT NULL,
    UNIQUE KEY checks_name (name),
    KEY checks_of_slot (interval_us, slot, is_enabled),
    KEY checks_of_set (set_name, name),
    KEY checks_of_type (type, name),
    KEY checks_made_by (made_by),
    CONSTRAINT checks_interval CHECK (interval_us > 0),
    CONSTRAINT checks_slot CHECK (slot BETWEEN 0 AND 255),
    CONSTRAINT checks_timeout CHECK (timeout_ms > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- A check's slot is a function of its id, so ids are taken before the rows are written: rows are
-- inserted here and deleted in the same transaction. Unlike a row that counts it makes nobody wait.
CREATE TABLE IF NOT EXISTS check_ids (
    check_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY
) ENGINE = InnoDB;

-- The labels of checks once more, so that a page by label is a walk along this key.
CREATE TABLE IF NOT EXISTS check_labels (
    label    VARCHAR(128) NOT NULL,
    -- Bytes: as text, one with a space at its end would equal the one without.
    value    VARBINARY(255) NOT NULL,
    name     VARCHAR(260) NOT NULL,
    check_id BIGINT       NOT NULL,
    PRIMARY KEY (label, value, name),
    KEY check_labels_of_check (check_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row for each check, made with it. The index is on a column that only a turn moves.
CREATE TABLE IF NOT EXISTS check_health (
    check_id           BIGINT      NOT NULL PRIMARY KEY,
    epoch              BIGINT      NOT NULL,
    health             VARCHAR(16) NOT NULL,
    health_since       BIGINT      NOT NULL,
    in_a_row           INT         NOT NULL DEFAULT 0,
    run_since          BIGINT,
    run_worker_id      BIGINT,
    corroborated       TINYINT     NOT NULL DEFAULT 0,
    inconclusive_since BIGINT,
    change_id          BIGINT,
    KEY check_health_by_health (health, check_id),
    CONSTRAINT check_health_health CHECK (health IN ('unknown', 'healthy', 'unhealthy')),
    CONSTRAINT check_health_in_a_row CHECK (in_a_row >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin STATS_AUTO_RECALC = 0;

CREATE TABLE IF NOT EXISTS health_changes (
    change_id   BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    check_id    BIGINT      NOT NULL,
    at          BIGINT      NOT NULL,
    from_health VARCHAR(16) NOT NULL,
    to_health   VARCHAR(16) NOT NULL,
    cause       VARCHAR(64) NOT NULL,
    reason      VARCHAR(64),
    job_id      BIGINT,
    worker_id   BIGINT,
    KEY health_changes_of_check (check_id, change_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row for each job that ended with an outcome that is kept. It is in parts, by the day on which
-- the probe began, so that a day that is not kept any more is dropped and not deleted row by row;
-- the program makes the parts of the days to come. The key holds the moment because every part has
-- its own: that there is one row for each job is the promise of the deletion of the job.
CREATE TABLE IF NOT EXISTS outcomes (
    job_id          BIGINT      NOT NULL,
    check_id        BIGINT      NOT NULL,
    attempt         INT         NOT NULL,
    epoch           BIGINT      NOT NULL,
    started_at      BIGINT      NOT NULL,
    worker_id       BIGINT      NOT NULL,
    location        TEXT        NOT NULL,
    outcome         VARCHAR(16) NOT NULL,
    reason          VARCHAR(64),
    address         TEXT,
    resolve_us      BIGINT,
    connect_us      BIGINT,
    tls_us          BIGINT,
    write_us        BIGINT,
    first_byte_us   BIGINT,
    body_us         BIGINT,
    http_status     INT,
    certificate_end BIGINT,
    detail          LONGTEXT,
    PRIMARY KEY (job_id, started_at),
    KEY outcomes_of_check (check_id, job_id),
    KEY outcomes_by_age (started_at),
    CONSTRAINT outcomes_outcome CHECK (outcome IN ('success', 'failure', 'inconclusive'))
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
    PARTITION BY RANGE (started_at) (PARTITION later VALUES LESS THAN MAXVALUE);
