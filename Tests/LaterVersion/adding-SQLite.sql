-- compatible_from: 0.1.0
--
-- As a version that knows more writes it: columns for all that is read and written most, a table, an
-- index.

ALTER TABLE checks ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE probe_jobs ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;
ALTER TABLE check_health ADD COLUMN note TEXT;
ALTER TABLE schedule_slots ADD COLUMN note TEXT;
ALTER TABLE processes ADD COLUMN build TEXT;
ALTER TABLE outcomes ADD COLUMN protocol TEXT NOT NULL DEFAULT 'http/1.1';

CREATE TABLE notes (
    note_id INTEGER PRIMARY KEY AUTOINCREMENT,
    text    TEXT    NOT NULL
) STRICT;

CREATE INDEX processes_by_build ON processes (build);
