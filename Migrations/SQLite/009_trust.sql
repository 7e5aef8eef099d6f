-- compatible_from: 0.1.0
--
-- Whether a second location confirmed a turn: too many that none did at once are held.

ALTER TABLE health_changes ADD COLUMN confirmed_elsewhere INTEGER NOT NULL DEFAULT 0
    CHECK (confirmed_elsewhere IN (0, 1));

-- How much may leave by itself; the document, as JSON.
CREATE TABLE safety_budgets (
    name   TEXT NOT NULL PRIMARY KEY,
    budget TEXT NOT NULL
) STRICT;
