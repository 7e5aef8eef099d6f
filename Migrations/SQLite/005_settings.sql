-- compatible_from: 0.1.0
--
-- What operators set while processes run.

-- One row: the number of the last change.
CREATE TABLE settings_revision (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;

INSERT INTO settings_revision (id, revision) VALUES (1, 0);

CREATE TABLE settings (
    -- all | location | name
    scope      TEXT    NOT NULL,
    -- Of the location or the worker; empty for all.
    name       TEXT    NOT NULL,
    revision   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    message    TEXT,
    -- The values that are set, as JSON.
    settings   TEXT    NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
