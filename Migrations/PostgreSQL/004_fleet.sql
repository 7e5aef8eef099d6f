-- compatible_from: 0.1.0
--
-- Which processes run, who may call the API, and who changed what.

CREATE TABLE processes (
    process_id bigint PRIMARY KEY,
    seen_at    bigint NOT NULL,
    presence   text   NOT NULL
) WITH (
    fillfactor = 20,
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0
);

-- What one process at a time does.
CREATE TABLE duties (
    name     text COLLATE "C" PRIMARY KEY,
    holder   bigint NOT NULL,
    until_at bigint NOT NULL
) WITH (
    fillfactor = 20,
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE api_keys (
    key_id       text COLLATE "C" PRIMARY KEY,
    secret_hash  text   NOT NULL,
    name         text   NOT NULL,
    role         text   NOT NULL,
    sets         text   NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint,
    last_used_at bigint,
    revoked_at   bigint
);

CREATE TABLE audit_log (
    entry_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at       bigint NOT NULL,
    actor    text   NOT NULL,
    action   text   NOT NULL,
    object   text   NOT NULL,
    before   text,
    after    text,
    message  text
);
