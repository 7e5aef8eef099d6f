-- compatible_from: 0.1.0
--
-- What goes to sinks, what they hold, and what they would not take.

-- What this installation calls itself where others write, too: one row.
CREATE TABLE IF NOT EXISTS installation (
    id              SMALLINT    NOT NULL PRIMARY KEY,
    installation_id VARCHAR(64) NOT NULL,
    CONSTRAINT installation_id CHECK (id = 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT IGNORE INTO installation (id, installation_id) VALUES (1, UUID());

-- From oldest, the first generation that was not delivered, to generation: a sink that is told of
-- each one walks along route_changes, one that holds the newest takes that. NULL: generation alone,
-- as versions before this one leave it.
-- A withdrawal is what is to be taken back, as JSON; its generation is 0.
-- MySQL has no ADD COLUMN IF NOT EXISTS, and the file may be done again from its beginning.
SET @statement = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE()
          AND table_name = 'route_outbox'
          AND column_name = 'withdrawal'
    ),
    'DO 0',
    'ALTER TABLE route_outbox
         ADD COLUMN oldest BIGINT,
         ADD COLUMN failures INT NOT NULL DEFAULT 0,
         ADD COLUMN holder BIGINT,
         ADD COLUMN withdrawal LONGTEXT,
         ADD KEY route_outbox_of_name (sink, name)');
PREPARE step FROM @statement;
EXECUTE step;
DEALLOCATE PREPARE step;

-- What was delivered last to each publication. memory is the sink's own: what it found there.
CREATE TABLE IF NOT EXISTS sink_holdings (
    policy_id    BIGINT       NOT NULL,
    sink         VARCHAR(128) NOT NULL,
    name         VARCHAR(255) NOT NULL,
    generation   BIGINT,
    delivered_at BIGINT,
    difference   LONGTEXT,
    memory       LONGTEXT,
    PRIMARY KEY (policy_id, sink, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- What was given up.
CREATE TABLE IF NOT EXISTS dead_letters (
    letter_id   BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    policy_id   BIGINT       NOT NULL,
    sink        VARCHAR(128) NOT NULL,
    name        VARCHAR(255) NOT NULL,
    generation  BIGINT       NOT NULL,
    since       BIGINT       NOT NULL,
    given_up_at BIGINT       NOT NULL,
    failures    INT          NOT NULL,
    last_error  LONGTEXT     NOT NULL,
    KEY dead_letters_of_sink (sink, policy_id, letter_id),
    KEY dead_letters_of_policy (policy_id, letter_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
