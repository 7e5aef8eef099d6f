-- compatible_from: 0.1.0
--
-- From the first failed probe to the answer that everybody gets: when what turned a check was noticed,
-- and when a route was applied at each of its places and seen there.

-- When the first of the outcomes in a row came that turned it; NULL where none did, or before this.
ALTER TABLE health_changes ADD COLUMN noticed_at INTEGER;

-- result is NULL while it is being looked for. found is what was there instead.
CREATE TABLE route_arrivals (
    policy_id   INTEGER NOT NULL,
    generation  INTEGER NOT NULL,
    sink        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    applied_at  INTEGER NOT NULL,
    result      TEXT,
    observed_at INTEGER,
    found       TEXT,
    PRIMARY KEY (policy_id, generation, sink, name)
) STRICT, WITHOUT ROWID;
