-- compatible_from: 0.1.0
--
-- Whether a second location confirmed a turn: too many that none did at once are held.

ALTER TABLE health_changes ADD COLUMN confirmed_elsewhere boolean NOT NULL DEFAULT false;

-- How much may leave by itself; the document, as JSON.
CREATE TABLE safety_budgets (
    name   text COLLATE "C" PRIMARY KEY,
    budget text NOT NULL
);
