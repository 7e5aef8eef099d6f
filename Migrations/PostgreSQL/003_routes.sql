-- compatible_from: 0.1.0
--
-- Policies, the routes that are decided from them, and what waits for sinks.

CREATE SEQUENCE policy_ids;

CREATE TABLE policies (
    policy_id  bigint PRIMARY KEY DEFAULT nextval('policy_ids'),
    name       text COLLATE "C" NOT NULL UNIQUE,
    set_name   text COLLATE "C",
    revision   bigint NOT NULL,
    type       text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    spec       text   NOT NULL
);

CREATE INDEX policies_of_set ON policies (set_name, name);
CREATE INDEX policies_of_type ON policies (type, name);

CREATE TABLE policy_labels (
    label     text COLLATE "C" NOT NULL,
    value     text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    policy_id bigint NOT NULL,
    PRIMARY KEY (label, value, name)
);

CREATE INDEX policy_labels_of_policy ON policy_labels (policy_id);

-- Which check watches which member. A member without a check has a row without one.
CREATE TABLE policy_members (
    policy_id bigint NOT NULL REFERENCES policies DEFERRABLE INITIALLY DEFERRED,
    member    text COLLATE "C" NOT NULL,
    check_id  bigint REFERENCES checks DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (policy_id, member)
);

CREATE INDEX policy_members_of_check ON policy_members (check_id) WHERE check_id IS NOT NULL;

-- Only one policy publishes a family of a name at a sink.
CREATE TABLE publications (
    sink      text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    family    text COLLATE "C" NOT NULL,
    policy_id bigint NOT NULL REFERENCES policies DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (sink, name, family)
);

CREATE INDEX publications_of_policy ON publications (policy_id);

CREATE TABLE overrides (
    override_id bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    policy_id   bigint  NOT NULL REFERENCES policies DEFERRABLE INITIALLY DEFERRED,
    member      text COLLATE "C" NOT NULL,
    word        text    NOT NULL,
    reason      text    NOT NULL,
    actor       text    NOT NULL,
    created_at  bigint  NOT NULL,
    until_at    bigint,
    break_glass boolean NOT NULL,
    UNIQUE (policy_id, member)
);

-- "Look at this policy at due_at."
CREATE TABLE evaluations (
    id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    policy_id bigint NOT NULL,
    due_at    bigint NOT NULL,
    cause     text   NOT NULL,
    change_id bigint
) WITH (
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX evaluations_by_due ON evaluations (due_at, policy_id);
CREATE INDEX evaluations_of_policy ON evaluations (policy_id, due_at);

-- One row for each policy, made with it. What was decided last, and of what: evaluation is the
-- compare of the compare-and-set, inputs are the members' checks, epochs and changes.
CREATE TABLE routes (
    policy_id       bigint PRIMARY KEY REFERENCES policies DEFERRABLE INITIALLY DEFERRED,
    evaluation      bigint NOT NULL DEFAULT 0,
    generation      bigint,
    policy_revision bigint,
    inputs          text,
    cause           text,
    decided_at      bigint,
    answer          text,
    memory          text,
    -- The lines of the last evaluation, also where the answer stayed.
    members         text   NOT NULL DEFAULT '[]',
    look_again_at   bigint,
    unprotected     text   NOT NULL DEFAULT '[]',
    "freeze"        text,
    -- The publications that were given a route: one that is not among them has yet to get it.
    announced       text   NOT NULL DEFAULT '[]'
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE route_changes (
    policy_id  bigint NOT NULL,
    generation bigint NOT NULL,
    cause      text   NOT NULL,
    decided_at bigint NOT NULL,
    answer     text   NOT NULL,
    memory     text   NOT NULL,
    members    text   NOT NULL,
    PRIMARY KEY (policy_id, generation)
);

-- The newest route on its way to one name at one sink. A newer generation replaces an older one
-- in place and leaves its lease alone.
CREATE TABLE route_outbox (
    delivery_id bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    policy_id   bigint  NOT NULL,
    sink        text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    generation  bigint  NOT NULL,
    attempt     integer NOT NULL DEFAULT 0,
    since       bigint  NOT NULL,
    visible_at  bigint  NOT NULL,
    last_error  text,
    UNIQUE (policy_id, sink, name)
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX route_outbox_of_sink ON route_outbox (sink, since, delivery_id);
