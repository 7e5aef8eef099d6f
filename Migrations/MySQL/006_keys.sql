-- compatible_from: 0.1.0
--
-- Keys that are rotated, an audit log that is searched, and secrets.
--
-- Only one of the engines can be told to add a column where there is none, so each change of a table
-- is put together as a text: one statement, which is carried out as a whole or not at all.

-- replaced_by: the key that took the place of a rotated one.
SET @change = (
    SELECT IF(COUNT(*) > 0, 'DO 0', 'ALTER TABLE api_keys ADD COLUMN replaced_by VARCHAR(255)')
    FROM information_schema.columns
    WHERE table_schema = DATABASE()
      AND table_name = 'api_keys'
      AND column_name = 'replaced_by'
);
PREPARE change_of_keys FROM @change;
EXECUTE change_of_keys;
DEALLOCATE PREPARE change_of_keys;

-- request_id: the request that an entry was written for; document: the set of the document that was
-- applied, of an entry that an apply wrote. The columns that are searched get a length, because the
-- length of an index's key is bounded.
SET @change = (
    SELECT IF(COUNT(*) > 0, 'DO 0', 'ALTER TABLE audit_log
        MODIFY COLUMN actor VARCHAR(300) NOT NULL,
        MODIFY COLUMN action VARCHAR(64) NOT NULL,
        MODIFY COLUMN object VARCHAR(300) NOT NULL,
        ADD COLUMN request_id VARCHAR(128),
        ADD COLUMN document VARCHAR(300),
        ADD KEY audit_log_of_actor (actor, entry_id),
        ADD KEY audit_log_of_action (action, entry_id),
        ADD KEY audit_log_of_object (object, entry_id)')
    FROM information_schema.columns
    WHERE table_schema = DATABASE()
      AND table_name = 'audit_log'
      AND column_name = 'request_id'
);
PREPARE change_of_log FROM @change;
EXECUTE change_of_log;
DEALLOCATE PREPARE change_of_log;

-- One row: the number of the last change, and the lock under which changes follow one another.
CREATE TABLE IF NOT EXISTS secrets_revision (
    id       SMALLINT NOT NULL PRIMARY KEY,
    revision BIGINT   NOT NULL,
    CONSTRAINT secrets_revision_id CHECK (id = 1)
) ENGINE = InnoDB;

INSERT IGNORE INTO secrets_revision (id, revision) VALUES (1, 0);

CREATE TABLE IF NOT EXISTS secrets (
    name       VARCHAR(128) NOT NULL PRIMARY KEY,
    revision   BIGINT       NOT NULL,
    created_at BIGINT       NOT NULL,
    updated_at BIGINT       NOT NULL,
    updated_by LONGTEXT     NOT NULL,
    -- The value, encrypted with a key that no database holds.
    sealed     LONGTEXT     NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
