-- compatible_from: 0.1.0
--
-- Quietness: windows in which members drain and nobody is woken, and which check stands in the way of
-- which.

-- sets is NULL where members of all sets are meant, else a JSON list of sets.
CREATE TABLE maintenances (
    maintenance_id INTEGER PRIMARY KEY AUTOINCREMENT,
    selector       TEXT    NOT NULL,
    sets           TEXT,
    starts_at      INTEGER NOT NULL,
    ends_at        INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    actor          TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    break_glass    INTEGER NOT NULL CHECK (break_glass IN (0, 1))
) STRICT;

CREATE INDEX maintenances_end ON maintenances (ends_at);

CREATE TABLE check_dependencies (
    check_id      INTEGER NOT NULL REFERENCES checks DEFERRABLE INITIALLY DEFERRED,
    depends_on_id INTEGER NOT NULL REFERENCES checks DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (check_id, depends_on_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX check_dependencies_of ON check_dependencies (depends_on_id);
