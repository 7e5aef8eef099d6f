-- compatible_from: 0.1.0
--
-- What goes to sinks, what they hold, and what they would not take.

-- What this installation calls itself where others write, too.
CREATE TABLE installation (
    installation_id TEXT PRIMARY KEY
) STRICT;

INSERT INTO installation VALUES (lower(hex(randomblob(16))));

-- From oldest, the first generation that was not delivered, to generation: a sink that is told of
-- each one walks along route_changes, one that holds the newest takes that. NULL: generation alone,
-- as versions before this one leave it.
-- A withdrawal is what is to be taken back, as JSON; its generation is 0.
ALTER TABLE route_outbox ADD COLUMN oldest INTEGER;
ALTER TABLE route_outbox ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE route_outbox ADD COLUMN holder INTEGER;
ALTER TABLE route_outbox ADD COLUMN withdrawal TEXT;

CREATE INDEX route_outbox_withdrawals ON route_outbox (sink, name) WHERE withdrawal IS NOT NULL;

-- What was delivered last to each publication. memory is the sink's own: what it found there.
CREATE TABLE sink_holdings (
    policy_id    INTEGER NOT NULL,
    sink         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    generation   INTEGER,
    delivered_at INTEGER,
    difference   TEXT,
    memory       TEXT,
    PRIMARY KEY (policy_id, sink, name)
) STRICT;

CREATE INDEX sink_holdings_that_differ ON sink_holdings (sink) WHERE difference IS NOT NULL;

-- What was given up.
CREATE TABLE dead_letters (
    letter_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    policy_id   INTEGER NOT NULL,
    sink        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    generation  INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    given_up_at INTEGER NOT NULL,
    failures    INTEGER NOT NULL,
    last_error  TEXT    NOT NULL
) STRICT;

CREATE INDEX dead_letters_of_sink ON dead_letters (sink, policy_id, letter_id);
CREATE INDEX dead_letters_of_policy ON dead_letters (policy_id, letter_id);
