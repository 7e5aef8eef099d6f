-- compatible_from: 0.1.0
--
-- From the first failed probe to the answer that everybody gets: when what turned a check was noticed,
-- and when a route was applied at each of its places and seen there.

-- When the first of the outcomes in a row came that turned it; NULL where none did, or before this.
ALTER TABLE health_changes
    ADD COLUMN noticed_at bigint;

-- result is NULL while it is being looked for. found is what was there instead.
CREATE TABLE route_arrivals (
    policy_id   bigint NOT NULL,
    generation  bigint NOT NULL,
    sink        text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    applied_at  bigint NOT NULL,
    result      text,
    observed_at bigint,
    found       text,
    PRIMARY KEY (policy_id, generation, sink, name)
);
