-- compatible_from: 0.1.0
--
-- From the first failed probe to the answer that everybody gets: when what turned a check was noticed,
-- and when a route was applied at each of its places and seen there.

-- When the first of the outcomes in a row came that turned it; NULL where none did, or before this.
-- MySQL has no ADD COLUMN IF NOT EXISTS, and the file may be done again from its beginning.
SET @statement = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE()
          AND table_name = 'health_changes'
          AND column_name = 'noticed_at'
    ),
    'DO 0',
    'ALTER TABLE health_changes
         ADD COLUMN noticed_at BIGINT');
PREPARE step FROM @statement;
EXECUTE step;
DEALLOCATE PREPARE step;

-- result is NULL while it is being looked for. found is what was there instead.
CREATE TABLE IF NOT EXISTS route_arrivals (
    policy_id   BIGINT       NOT NULL,
    generation  BIGINT       NOT NULL,
    sink        VARCHAR(128) NOT NULL,
    name        VARCHAR(255) NOT NULL,
    applied_at  BIGINT       NOT NULL,
    result      VARCHAR(16),
    observed_at BIGINT,
    found       LONGTEXT,
    PRIMARY KEY (policy_id, generation, sink, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
