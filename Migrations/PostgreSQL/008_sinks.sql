-- compatible_from: 0.1.0
--
-- What goes to sinks, what they hold, and what they would not take.

-- What this installation calls itself where others write, too.
CREATE TABLE installation (
    installation_id text COLLATE "C" PRIMARY KEY
);

INSERT INTO installation VALUES (gen_random_uuid()::text);

-- From oldest, the first generation that was not delivered, to generation: a sink that is told of
-- each one walks along route_changes, one that holds the newest takes that. NULL: generation alone,
-- as versions before this one leave it.
-- A withdrawal is what is to be taken back, as JSON; its generation is 0.
ALTER TABLE route_outbox
    ADD COLUMN oldest     bigint,
    ADD COLUMN failures   integer NOT NULL DEFAULT 0,
    ADD COLUMN holder     bigint,
    ADD COLUMN withdrawal text;

CREATE INDEX route_outbox_withdrawals ON route_outbox (sink, name) WHERE withdrawal IS NOT NULL;

-- What was delivered last to each publication. memory is the sink's own: what it found there.
CREATE TABLE sink_holdings (
    policy_id    bigint NOT NULL,
    sink         text COLLATE "C" NOT NULL,
    name         text COLLATE "C" NOT NULL,
    generation   bigint,
    delivered_at bigint,
    difference   text,
    memory       text,
    PRIMARY KEY (policy_id, sink, name)
);

CREATE INDEX sink_holdings_that_differ ON sink_holdings (sink) WHERE difference IS NOT NULL;

-- What was given up.
CREATE TABLE dead_letters (
    letter_id   bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    policy_id   bigint  NOT NULL,
    sink        text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    generation  bigint  NOT NULL,
    since       bigint  NOT NULL,
    given_up_at bigint  NOT NULL,
    failures    integer NOT NULL,
    last_error  text    NOT NULL
);

CREATE INDEX dead_letters_of_sink ON dead_letters (sink, policy_id, letter_id);
CREATE INDEX dead_letters_of_policy ON dead_letters (policy_id, letter_id);
