-- compatible_from: 0.1.0
--
-- Quietness: windows in which members drain and nobody is woken, and which check stands in the way of
-- which.

-- sets is NULL where members of all sets are meant, else a JSON list of sets.
CREATE TABLE maintenances (
    maintenance_id bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    selector       text    NOT NULL,
    sets           text,
    starts_at      bigint  NOT NULL,
    ends_at        bigint  NOT NULL,
    reason         text    NOT NULL,
    actor          text    NOT NULL,
    created_at     bigint  NOT NULL,
    break_glass    boolean NOT NULL
);

CREATE INDEX maintenances_end ON maintenances (ends_at);

CREATE TABLE check_dependencies (
    check_id      bigint NOT NULL REFERENCES checks DEFERRABLE INITIALLY DEFERRED,
    depends_on_id bigint NOT NULL REFERENCES checks DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (check_id, depends_on_id)
);

CREATE INDEX check_dependencies_of ON check_dependencies (depends_on_id);
