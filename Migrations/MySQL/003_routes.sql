-- compatible_from: 0.1.0
--
-- Policies, the routes that are decided from them, and what waits for sinks.

CREATE TABLE IF NOT EXISTS policies (
    policy_id  BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(128) NOT NULL,
    set_name   VARCHAR(128),
    revision   BIGINT       NOT NULL,
    type       VARCHAR(32)  NOT NULL,
    created_at BIGINT       NOT NULL,
    updated_at BIGINT       NOT NULL,
    spec       LONGTEXT     NOT NULL,
    UNIQUE KEY policies_name (name),
    KEY policies_of_set (set_name, name),
    KEY policies_of_type (type, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS policy_labels (
    label     VARCHAR(128) NOT NULL,
    -- Bytes: as text, one with a space at its end would equal the one without.
    value     VARBINARY(255) NOT NULL,
    name      VARCHAR(128) NOT NULL,
    policy_id BIGINT       NOT NULL,
    PRIMARY KEY (label, value, name),
    KEY policy_labels_of_policy (policy_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- Which check watches which member. A member without a check has a row without one.
CREATE TABLE IF NOT EXISTS policy_members (
    policy_id BIGINT       NOT NULL,
    member    VARCHAR(128) NOT NULL,
    check_id  BIGINT,
    PRIMARY KEY (policy_id, member),
    KEY policy_members_of_check (check_id),
    CONSTRAINT policy_members_policy FOREIGN KEY (policy_id) REFERENCES policies (policy_id),
    CONSTRAINT policy_members_check FOREIGN KEY (check_id) REFERENCES checks (check_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- Only one policy publishes a family of a name at a sink.
CREATE TABLE IF NOT EXISTS publications (
    sink      VARCHAR(128) NOT NULL,
    name      VARCHAR(255) NOT NULL,
    family    VARCHAR(16)  NOT NULL,
    policy_id BIGINT       NOT NULL,
    PRIMARY KEY (sink, name, family),
    KEY publications_of_policy (policy_id),
    CONSTRAINT publications_policy FOREIGN KEY (policy_id) REFERENCES policies (policy_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS overrides (
    override_id BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    policy_id   BIGINT       NOT NULL,
    member      VARCHAR(128) NOT NULL,
    word        VARCHAR(16)  NOT NULL,
    reason      LONGTEXT     NOT NULL,
    actor       LONGTEXT     NOT NULL,
    created_at  BIGINT       NOT NULL,
    until_at    BIGINT,
    break_glass TINYINT      NOT NULL,
    UNIQUE KEY overrides_member (policy_id, member),
    CONSTRAINT overrides_policy FOREIGN KEY (policy_id) REFERENCES policies (policy_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- "Look at this policy at due_at."
CREATE TABLE IF NOT EXISTS evaluations (
    id        BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    policy_id BIGINT      NOT NULL,
    due_at    BIGINT      NOT NULL,
    cause     VARCHAR(16) NOT NULL,
    change_id BIGINT,
    KEY evaluations_by_due (due_at, policy_id),
    KEY evaluations_of_policy (policy_id, due_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row for each policy, made with it. What was decided last, and of what: evaluation is the
-- compare of the compare-and-set, inputs are the members' checks, epochs and changes.
CREATE TABLE IF NOT EXISTS routes (
    policy_id       BIGINT   NOT NULL PRIMARY KEY,
    evaluation      BIGINT   NOT NULL DEFAULT 0,
    generation      BIGINT,
    policy_revision BIGINT,
    inputs          LONGTEXT,
    cause           VARCHAR(64),
    decided_at      BIGINT,
    answer          LONGTEXT,
    memory          LONGTEXT,
    -- The lines of the last evaluation, also where the answer stayed.
    members         LONGTEXT NOT NULL,
    look_again_at   BIGINT,
    unprotected     LONGTEXT NOT NULL,
    freeze          LONGTEXT,
    -- The publications that were given a route: one that is not among them has yet to get it.
    announced       LONGTEXT NOT NULL,
    CONSTRAINT routes_policy FOREIGN KEY (policy_id) REFERENCES policies (policy_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS route_changes (
    policy_id  BIGINT      NOT NULL,
    generation BIGINT      NOT NULL,
    cause      VARCHAR(64) NOT NULL,
    decided_at BIGINT      NOT NULL,
    answer     LONGTEXT    NOT NULL,
    memory     LONGTEXT    NOT NULL,
    members    LONGTEXT    NOT NULL,
    PRIMARY KEY (policy_id, generation)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- The newest route on its way to one name at one sink. A newer generation replaces an older one
-- in place and leaves its lease alone.
CREATE TABLE IF NOT EXISTS route_outbox (
    delivery_id BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    policy_id   BIGINT       NOT NULL,
    sink        VARCHAR(128) NOT NULL,
    name        VARCHAR(255) NOT NULL,
    generation  BIGINT       NOT NULL,
    attempt     INT          NOT NULL DEFAULT 0,
    since       BIGINT       NOT NULL,
    visible_at  BIGINT       NOT NULL,
    last_error  LONGTEXT,
    UNIQUE KEY route_outbox_place (policy_id, sink, name),
    KEY route_outbox_of_sink (sink, since, delivery_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
