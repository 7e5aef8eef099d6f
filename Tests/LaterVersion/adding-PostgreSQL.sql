-- compatible_from: 0.1.0
--
-- As a version that knows more writes it: columns for all that is read and written most, a table, an
-- index; in the order in which tables are locked everywhere.

ALTER TABLE checks ADD COLUMN owner text NOT NULL DEFAULT '';
ALTER TABLE probe_jobs ADD COLUMN urgency smallint NOT NULL DEFAULT 0;
ALTER TABLE check_health ADD COLUMN note text;
ALTER TABLE schedule_slots ADD COLUMN note text;
ALTER TABLE processes ADD COLUMN build text;
ALTER TABLE outcomes ADD COLUMN protocol text NOT NULL DEFAULT 'http/1.1';

CREATE TABLE notes (
    note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text    text   NOT NULL
);

CREATE INDEX processes_by_build ON processes (build);
