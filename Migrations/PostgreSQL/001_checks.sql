-- compatible_from: 0.1.0
--
-- Checks, what is held of their targets, and what probes found.
-- Moments and spans are whole microseconds (*_at, *_us) unless a name says milliseconds (*_ms):
-- the wheel's arithmetic is exact in whole numbers, and what is read is what is bound, without a
-- time zone or a format between.
-- Documents are text, not jsonb: what is read is what was written, byte for byte, \u0000 included.
-- Names are in the order of their bytes (COLLATE "C"), whatever the database's language.
-- Ids are never used again: sequences never go back.

-- Now, by this database's clock, the moment at which the statement arrived. The only place where
-- any statement learns the time.
CREATE FUNCTION now_us() RETURNS bigint
    LANGUAGE sql
    STABLE
    PARALLEL SAFE
    RETURN (extract(epoch FROM statement_timestamp()) * 1000000)::bigint;

CREATE SEQUENCE check_ids;

CREATE TABLE checks (
    check_id    bigint PRIMARY KEY DEFAULT nextval('check_ids'),
    name        text COLLATE "C" NOT NULL UNIQUE,
    set_name    text COLLATE "C",
    made_by     text COLLATE "C",
    revision    bigint  NOT NULL,
    epoch       bigint  NOT NULL,
    type        text COLLATE "C" NOT NULL,
    is_enabled  boolean NOT NULL,
    interval_us bigint  NOT NULL CHECK (interval_us > 0),
    slot        integer NOT NULL CHECK (slot BETWEEN 0 AND 255),
    timeout_ms  bigint  NOT NULL CHECK (timeout_ms > 0),
    -- Locations that may probe it, as |fra1|ams1|; NULL: any.
    location    text,
    created_at  bigint  NOT NULL,
    updated_at  bigint  NOT NULL,
    -- The document, as JSON.
    spec        text    NOT NULL
);

CREATE INDEX checks_of_slot ON checks (interval_us, slot, is_enabled);
CREATE INDEX checks_of_set ON checks (set_name, name);
CREATE INDEX checks_of_type ON checks (type, name);
CREATE INDEX checks_made_by ON checks (made_by) WHERE made_by IS NOT NULL;

-- The labels of checks once more, so that a page by label is a walk along this key.
CREATE TABLE check_labels (
    label    text COLLATE "C" NOT NULL,
    value    text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    check_id bigint NOT NULL,
    PRIMARY KEY (label, value, name)
);

CREATE INDEX check_labels_of_check ON check_labels (check_id);

-- One row for each check, made with it. No index on a column that counting moves, and room on each
-- page: a count in a row is then an update without a touch to any index (HOT).
CREATE TABLE check_health (
    check_id           bigint PRIMARY KEY,
    epoch              bigint  NOT NULL,
    health             text    NOT NULL CHECK (health IN ('unknown', 'healthy', 'unhealthy')),
    health_since       bigint  NOT NULL,
    in_a_row           integer NOT NULL DEFAULT 0 CHECK (in_a_row >= 0),
    run_since          bigint,
    run_worker_id      bigint,
    corroborated       boolean NOT NULL DEFAULT false,
    inconclusive_since bigint,
    change_id          bigint
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX check_health_by_health ON check_health (health, check_id);

-- The completion takes the id before it writes the row: both rows of a turn name it.
CREATE SEQUENCE health_change_ids;

CREATE TABLE health_changes (
    change_id   bigint PRIMARY KEY DEFAULT nextval('health_change_ids'),
    check_id    bigint NOT NULL,
    at          bigint NOT NULL,
    from_health text   NOT NULL,
    to_health   text   NOT NULL,
    cause       text   NOT NULL,
    reason      text,
    job_id      bigint,
    worker_id   bigint
);

CREATE INDEX health_changes_of_check ON health_changes (check_id, change_id);

-- One row for each job that ended with an outcome that is kept: deleting the job is what lets it in.
-- In parts by time, made and dropped by a register; no key, which would have to hold the time.
CREATE TABLE outcomes (
    job_id          bigint  NOT NULL,
    check_id        bigint  NOT NULL,
    attempt         integer NOT NULL,
    epoch           bigint  NOT NULL,
    started_at      bigint  NOT NULL,
    worker_id       bigint  NOT NULL,
    location        text    NOT NULL,
    outcome         text    NOT NULL CHECK (outcome IN ('success', 'failure', 'inconclusive')),
    reason          text,
    address         text,
    resolve_us      bigint,
    connect_us      bigint,
    tls_us          bigint,
    write_us        bigint,
    first_byte_us   bigint,
    body_us         bigint,
    http_status     integer,
    certificate_end bigint,
    detail          text
) PARTITION BY RANGE (started_at);

CREATE INDEX outcomes_of_check ON outcomes (check_id, job_id);

-- What no part was made for: nothing is refused because no register ran for days.
CREATE TABLE outcomes_default PARTITION OF outcomes DEFAULT;

-- Until a register makes others: up to the end of tomorrow.
DO $$
BEGIN
    EXECUTE format(
        'CREATE TABLE outcomes_%s PARTITION OF outcomes FOR VALUES FROM (MINVALUE) TO (%s)',
        (now_us() / 86400000000 + 2) * 86400, (now_us() / 86400000000 + 2) * 86400000000);
END
$$;
