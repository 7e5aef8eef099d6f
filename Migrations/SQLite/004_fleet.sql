-- compatible_from: 0.1.0
--
-- Which processes run, who may call the API, and who changed what.

CREATE TABLE processes (
    process_id INTEGER PRIMARY KEY,
    seen_at    INTEGER NOT NULL,
    presence   TEXT    NOT NULL
) STRICT;

-- What one process at a time does.
CREATE TABLE duties (
    name     TEXT    PRIMARY KEY,
    holder   INTEGER NOT NULL,
    until_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The latest moment that was ever written: time goes on from here when the host's clock is set back.
CREATE TABLE storage_clock (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    last_at INTEGER NOT NULL
) STRICT;

INSERT INTO storage_clock (id, last_at) VALUES (1, 0);

CREATE TABLE api_keys (
    key_id       TEXT    PRIMARY KEY,
    secret_hash  TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    sets         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
    entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    object   TEXT    NOT NULL,
    before   TEXT,
    after    TEXT,
    message  TEXT
) STRICT;
