-- compatible_from: 0.1.0
--
-- What operators set while processes run.

-- One row: the number of the last change, and the lock under which changes follow one another.
CREATE TABLE settings_revision (
    id       smallint PRIMARY KEY CHECK (id = 1),
    revision bigint NOT NULL
);

INSERT INTO settings_revision (id, revision) VALUES (1, 0);

CREATE TABLE settings (
    -- all | location | name
    scope      text COLLATE "C" NOT NULL,
    -- Of the location or the worker; empty for all.
    name       text COLLATE "C" NOT NULL,
    revision   bigint NOT NULL,
    updated_at bigint NOT NULL,
    updated_by text   NOT NULL,
    message    text,
    -- The values that are set, as JSON.
    settings   text   NOT NULL,
    PRIMARY KEY (scope, name)
);
