-- compatible_from: 0.1.0
--
-- Which processes run, who may call the API, and who changed what.

CREATE TABLE IF NOT EXISTS processes (
    process_id BIGINT   NOT NULL PRIMARY KEY,
    seen_at    BIGINT   NOT NULL,
    presence   LONGTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

-- What one process at a time does.
CREATE TABLE IF NOT EXISTS duties (
    name     VARCHAR(128) NOT NULL PRIMARY KEY,
    holder   BIGINT       NOT NULL,
    until_at BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS api_keys (
    key_id       VARCHAR(255) NOT NULL PRIMARY KEY,
    secret_hash  VARCHAR(255) NOT NULL,
    name         LONGTEXT     NOT NULL,
    role         VARCHAR(32)  NOT NULL,
    sets         LONGTEXT     NOT NULL,
    created_at   BIGINT       NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,
    revoked_at   BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS audit_log (
    entry_id BIGINT   NOT NULL AUTO_INCREMENT PRIMARY KEY,
    at       BIGINT   NOT NULL,
    actor    LONGTEXT NOT NULL,
    action   LONGTEXT NOT NULL,
    object   LONGTEXT NOT NULL,
    `before` LONGTEXT,
    after    LONGTEXT,
    message  LONGTEXT
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
