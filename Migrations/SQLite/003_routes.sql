-- compatible_from: 0.1.0
--
-- Policies, the routes that are decided from them, and what waits for sinks.

CREATE TABLE policies (
    policy_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    set_name   TEXT,
    revision   INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    spec       TEXT    NOT NULL
) STRICT;

CREATE INDEX policies_of_set ON policies (set_name, name);
CREATE INDEX policies_of_type ON policies (type, name);

CREATE TABLE policy_labels (
    label     TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    policy_id INTEGER NOT NULL,
    PRIMARY KEY (label, value, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX policy_labels_of_policy ON policy_labels (policy_id);

-- Which check watches which member. A member without a check has a row without one.
CREATE TABLE policy_members (
    policy_id INTEGER NOT NULL REFERENCES policies DEFERRABLE INITIALLY DEFERRED,
    member    TEXT    NOT NULL,
    check_id  INTEGER REFERENCES checks DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (policy_id, member)
) STRICT, WITHOUT ROWID;

CREATE INDEX policy_members_of_check ON policy_members (check_id) WHERE check_id IS NOT NULL;

-- Only one policy publishes a family of a name at a sink.
CREATE TABLE publications (
    sink      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    family    TEXT    NOT NULL,
    policy_id INTEGER NOT NULL REFERENCES policies DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (sink, name, family)
) STRICT, WITHOUT ROWID;

CREATE INDEX publications_of_policy ON publications (policy_id);

CREATE TABLE overrides (
    override_id INTEGER PRIMARY KEY AUTOINCREMENT,
    policy_id   INTEGER NOT NULL REFERENCES policies DEFERRABLE INITIALLY DEFERRED,
    member      TEXT    NOT NULL,
    word        TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    until_at    INTEGER,
    break_glass INTEGER NOT NULL CHECK (break_glass IN (0, 1)),
    UNIQUE (policy_id, member)
) STRICT;

-- "Look at this policy at due_at."
CREATE TABLE evaluations (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    policy_id INTEGER NOT NULL,
    due_at    INTEGER NOT NULL,
    cause     TEXT    NOT NULL,
    change_id INTEGER
) STRICT;

CREATE INDEX evaluations_by_due ON evaluations (due_at, policy_id);
CREATE INDEX evaluations_of_policy ON evaluations (policy_id, due_at);

-- One row for each policy, made with it. What was decided last, and of what: evaluation is the
-- compare of the compare-and-set, inputs are the members' checks, epochs and changes.
CREATE TABLE routes (
    policy_id       INTEGER PRIMARY KEY REFERENCES policies DEFERRABLE INITIALLY DEFERRED,
    evaluation      INTEGER NOT NULL DEFAULT 0,
    generation      INTEGER,
    policy_revision INTEGER,
    inputs          TEXT,
    cause           TEXT,
    decided_at      INTEGER,
    answer          TEXT,
    memory          TEXT,
    -- The lines of the last evaluation, also where the answer stayed.
    members         TEXT    NOT NULL DEFAULT '[]',
    look_again_at   INTEGER,
    unprotected     TEXT    NOT NULL DEFAULT '[]',
    freeze          TEXT,
    -- The publications that were given a route: one that is not among them has yet to get it.
    announced       TEXT    NOT NULL DEFAULT '[]'
) STRICT;

CREATE TABLE route_changes (
    policy_id  INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    cause      TEXT    NOT NULL,
    decided_at INTEGER NOT NULL,
    answer     TEXT    NOT NULL,
    memory     TEXT    NOT NULL,
    members    TEXT    NOT NULL,
    PRIMARY KEY (policy_id, generation)
) STRICT, WITHOUT ROWID;

-- The newest route on its way to one name at one sink. A newer generation replaces an older one
-- in place and leaves its lease alone.
CREATE TABLE route_outbox (
    delivery_id INTEGER PRIMARY KEY AUTOINCREMENT,
    policy_id   INTEGER NOT NULL,
    sink        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    generation  INTEGER NOT NULL,
    attempt     INTEGER NOT NULL DEFAULT 0,
    since       INTEGER NOT NULL,
    visible_at  INTEGER NOT NULL,
    last_error  TEXT,
    UNIQUE (policy_id, sink, name)
) STRICT;

CREATE INDEX route_outbox_of_sink ON route_outbox (sink, visible_at);
