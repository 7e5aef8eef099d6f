-- compatible_from: 0.1.0
--
-- Keys that are rotated, an audit log that is searched, and secrets.

-- The key that took the place of a rotated one.
ALTER TABLE api_keys ADD COLUMN replaced_by TEXT;

-- The request that an entry was written for.
ALTER TABLE audit_log ADD COLUMN request_id TEXT;
-- The set of the document that was applied, of an entry that an apply wrote.
ALTER TABLE audit_log ADD COLUMN document TEXT;

-- In each of these the entries follow one another by their id.
CREATE INDEX audit_log_of_actor ON audit_log (actor);
CREATE INDEX audit_log_of_action ON audit_log (action);
CREATE INDEX audit_log_of_object ON audit_log (object);

-- One row: the number of the last change.
CREATE TABLE secrets_revision (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;

INSERT INTO secrets_revision (id, revision) VALUES (1, 0);

CREATE TABLE secrets (
    name       TEXT    PRIMARY KEY,
    revision   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    -- The value, encrypted with a key that no database holds.
    sealed     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Few checks name secrets: they are found without the others.
CREATE INDEX checks_with_secrets ON checks (name) WHERE instr(spec, '"secret_headers"') > 0;
