-- compatible_from: 0.1.0
--
-- Whether a second location confirmed a turn: too many that none did at once are held.
--
-- Only one of the engines can be told to add a column where there is none, so the change is put
-- together as a text.

SET @change = (
    SELECT IF(
        COUNT(*) > 0, 'DO 0',
        'ALTER TABLE health_changes ADD COLUMN confirmed_elsewhere TINYINT NOT NULL DEFAULT 0')
    FROM information_schema.columns
    WHERE table_schema = DATABASE()
      AND table_name = 'health_changes'
      AND column_name = 'confirmed_elsewhere'
);
PREPARE change_of_turns FROM @change;
EXECUTE change_of_turns;
DEALLOCATE PREPARE change_of_turns;

-- How much may leave by itself; the document, as JSON.
CREATE TABLE IF NOT EXISTS safety_budgets (
    name   VARCHAR(255) NOT NULL PRIMARY KEY,
    budget LONGTEXT     NOT NULL
) ENGINE = InnoDB;
