-- compatible_from: 0.1.0
--
-- Checks, what is held of their targets, and what probes found.
-- Moments and spans are whole microseconds (*_at, *_us) unless a name says milliseconds (*_ms).
-- Ids are never used again: AUTOINCREMENT wherever an id is given out.

CREATE TABLE checks (
    check_id    INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL UNIQUE,
    set_name    TEXT,
    made_by     TEXT,
    revision    INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    is_enabled  INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    interval_us INTEGER NOT NULL CHECK (interval_us > 0),
    slot        INTEGER NOT NULL CHECK (slot BETWEEN 0 AND 255),
    timeout_ms  INTEGER NOT NULL CHECK (timeout_ms > 0),
    -- Locations that may probe it, as |fra1|ams1|; NULL: any.
    location    TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    -- The document, as JSON. Last, so that what stands before it is read without it.
    spec        TEXT    NOT NULL
) STRICT;

CREATE INDEX checks_of_slot ON checks (interval_us, slot, is_enabled);
CREATE INDEX checks_of_set ON checks (set_name, name);
CREATE INDEX checks_of_type ON checks (type, name);
CREATE INDEX checks_made_by ON checks (made_by) WHERE made_by IS NOT NULL;

-- The labels of checks once more, so that a page by label is a walk along this key.
CREATE TABLE check_labels (
    label    TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    check_id INTEGER NOT NULL,
    PRIMARY KEY (label, value, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX check_labels_of_check ON check_labels (check_id);

-- One row for each check, made with it. No index on a column that counting moves.
CREATE TABLE check_health (
    check_id           INTEGER PRIMARY KEY,
    epoch              INTEGER NOT NULL,
    health             TEXT    NOT NULL CHECK (health IN ('unknown', 'healthy', 'unhealthy')),
    health_since       INTEGER NOT NULL,
    in_a_row           INTEGER NOT NULL DEFAULT 0 CHECK (in_a_row >= 0),
    run_since          INTEGER,
    run_worker_id      INTEGER,
    corroborated       INTEGER NOT NULL DEFAULT 0 CHECK (corroborated IN (0, 1)),
    inconclusive_since INTEGER,
    change_id          INTEGER
) STRICT;

CREATE INDEX check_health_by_health ON check_health (health, check_id);

CREATE TABLE health_changes (
    change_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    check_id    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    from_health TEXT    NOT NULL,
    to_health   TEXT    NOT NULL,
    cause       TEXT    NOT NULL,
    reason      TEXT,
    job_id      INTEGER,
    worker_id   INTEGER
) STRICT;

CREATE INDEX health_changes_of_check ON health_changes (check_id);

-- One row for each job that ended with an outcome that is kept: the key is the promise.
CREATE TABLE outcomes (
    job_id          INTEGER PRIMARY KEY,
    check_id        INTEGER NOT NULL,
    attempt         INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    started_at      INTEGER NOT NULL,
    worker_id       INTEGER NOT NULL,
    location        TEXT    NOT NULL,
    outcome         TEXT    NOT NULL CHECK (outcome IN ('success', 'failure', 'inconclusive')),
    reason          TEXT,
    address         TEXT,
    resolve_us      INTEGER,
    connect_us      INTEGER,
    tls_us          INTEGER,
    write_us        INTEGER,
    first_byte_us   INTEGER,
    body_us         INTEGER,
    http_status     INTEGER,
    certificate_end INTEGER,
    detail          TEXT
) STRICT;

CREATE INDEX outcomes_of_check ON outcomes (check_id);
CREATE INDEX outcomes_by_age ON outcomes (started_at);
