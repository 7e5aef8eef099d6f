-- compatible_from: 0.1.0
--
-- Keys that are rotated, an audit log that is searched, and secrets.

-- What takes time comes first: while an index is built its table is read as ever.
CREATE INDEX audit_log_of_actor ON audit_log (actor, entry_id);
CREATE INDEX audit_log_of_action ON audit_log (action, entry_id);
CREATE INDEX audit_log_of_object ON audit_log (object, entry_id);

-- Few checks name secrets: they are found without the others.
CREATE INDEX checks_with_secrets ON checks (name) WHERE position('"secret_headers"' IN spec) > 0;

-- One row: the number of the last change, and the lock under which changes follow one another.
CREATE TABLE secrets_revision (
    id       smallint PRIMARY KEY CHECK (id = 1),
    revision bigint NOT NULL
);

INSERT INTO secrets_revision (id, revision) VALUES (1, 0);

CREATE TABLE secrets (
    name       text COLLATE "C" PRIMARY KEY,
    revision   bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    updated_by text   NOT NULL,
    -- The value, encrypted with a key that no database holds.
    sealed     text   NOT NULL
);

-- These keep everybody else out until the end of the transaction, which is a moment from here.
--
-- The key that took the place of a rotated one.
ALTER TABLE api_keys ADD COLUMN replaced_by text;

-- The request that an entry was written for.
ALTER TABLE audit_log ADD COLUMN request_id text;
-- The set of the document that was applied, of an entry that an apply wrote.
ALTER TABLE audit_log ADD COLUMN document text;
