-- compatible_from: 0.1.0
--
-- Quietness: windows in which members drain and nobody is woken, and which check stands in the way of
-- which.

-- sets is NULL where members of all sets are meant, else a JSON list of sets.
CREATE TABLE IF NOT EXISTS maintenances (
    maintenance_id BIGINT   NOT NULL AUTO_INCREMENT PRIMARY KEY,
    selector       LONGTEXT NOT NULL,
    sets           LONGTEXT,
    starts_at      BIGINT   NOT NULL,
    ends_at        BIGINT   NOT NULL,
    reason         LONGTEXT NOT NULL,
    actor          LONGTEXT NOT NULL,
    created_at     BIGINT   NOT NULL,
    break_glass    TINYINT  NOT NULL,
    KEY maintenances_end (ends_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS check_dependencies (
    check_id      BIGINT NOT NULL,
    depends_on_id BIGINT NOT NULL,
    PRIMARY KEY (check_id, depends_on_id),
    KEY check_dependencies_of (depends_on_id),
    CONSTRAINT check_dependencies_check FOREIGN KEY (check_id) REFERENCES checks (check_id),
    CONSTRAINT check_dependencies_parent FOREIGN KEY (depends_on_id) REFERENCES checks (check_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
