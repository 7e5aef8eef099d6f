-- compatible_from: 0.1.0
--
-- What operators set while processes run.

-- One row: the number of the last change, and the lock under which changes follow one another.
CREATE TABLE IF NOT EXISTS settings_revision (
    id       SMALLINT NOT NULL PRIMARY KEY,
    revision BIGINT   NOT NULL,
    CONSTRAINT settings_revision_id CHECK (id = 1)
) ENGINE = InnoDB;

INSERT IGNORE INTO settings_revision (id, revision) VALUES (1, 0);

CREATE TABLE IF NOT EXISTS settings (
    -- all | location | name
    scope      VARCHAR(16)  NOT NULL,
    -- Of the location or the worker; empty for all.
    name       VARCHAR(255) NOT NULL,
    revision   BIGINT       NOT NULL,
    updated_at BIGINT       NOT NULL,
    updated_by LONGTEXT     NOT NULL,
    message    LONGTEXT,
    -- The values that are set, as JSON.
    settings   LONGTEXT     NOT NULL,
    PRIMARY KEY (scope, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
