#include "Migrations.h"

// #embed is C23; the compiler offers it in older modes too and would say so at every line.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char mysql_001[] = {
#embed "MySQL/001_checks.sql"
};
static const unsigned char mysql_002[] = {
#embed "MySQL/002_queue.sql"
};
static const unsigned char mysql_003[] = {
#embed "MySQL/003_routes.sql"
};
static const unsigned char mysql_004[] = {
#embed "MySQL/004_fleet.sql"
};
static const unsigned char mysql_005[] = {
#embed "MySQL/005_settings.sql"
};
static const unsigned char mysql_006[] = {
#embed "MySQL/006_keys.sql"
};
static const unsigned char mysql_007[] = {
#embed "MySQL/007_events.sql"
};
static const unsigned char mysql_008[] = {
#embed "MySQL/008_sinks.sql"
};
static const unsigned char mysql_009[] = {
#embed "MySQL/009_trust.sql"
};
static const unsigned char mysql_010[] = {
#embed "MySQL/010_arrivals.sql"
};
static const unsigned char mysql_011[] = {
#embed "MySQL/011_maintenance.sql"
};
static const unsigned char mysql_012[] = {
#embed "MySQL/012_history.sql"
};

static const unsigned char postgresql_001[] = {
#embed "PostgreSQL/001_checks.sql"
};
static const unsigned char postgresql_002[] = {
#embed "PostgreSQL/002_queue.sql"
};
static const unsigned char postgresql_003[] = {
#embed "PostgreSQL/003_routes.sql"
};
static const unsigned char postgresql_004[] = {
#embed "PostgreSQL/004_fleet.sql"
};
static const unsigned char postgresql_005[] = {
#embed "PostgreSQL/005_settings.sql"
};
static const unsigned char postgresql_006[] = {
#embed "PostgreSQL/006_keys.sql"
};
static const unsigned char postgresql_007[] = {
#embed "PostgreSQL/007_events.sql"
};
static const unsigned char postgresql_008[] = {
#embed "PostgreSQL/008_sinks.sql"
};
static const unsigned char postgresql_009[] = {
#embed "PostgreSQL/009_trust.sql"
};
static const unsigned char postgresql_010[] = {
#embed "PostgreSQL/010_arrivals.sql"
};
static const unsigned char postgresql_011[] = {
#embed "PostgreSQL/011_maintenance.sql"
};
static const unsigned char postgresql_012[] = {
#embed "PostgreSQL/012_history.sql"
};

static const unsigned char sqlite_001[] = {
#embed "SQLite/001_checks.sql"
};
static const unsigned char sqlite_002[] = {
#embed "SQLite/002_queue.sql"
};
static const unsigned char sqlite_003[] = {
#embed "SQLite/003_routes.sql"
};
static const unsigned char sqlite_004[] = {
#embed "SQLite/004_fleet.sql"
};
static const unsigned char sqlite_005[] = {
#embed "SQLite/005_settings.sql"
};
static const unsigned char sqlite_006[] = {
#embed "SQLite/006_keys.sql"
};
static const unsigned char sqlite_007[] = {
#embed "SQLite/007_events.sql"
};
static const unsigned char sqlite_008[] = {
#embed "SQLite/008_sinks.sql"
};
static const unsigned char sqlite_009[] = {
#embed "SQLite/009_trust.sql"
};
static const unsigned char sqlite_010[] = {
#embed "SQLite/010_arrivals.sql"
};
static const unsigned char sqlite_011[] = {
#embed "SQLite/011_maintenance.sql"
};
static const unsigned char sqlite_012[] = {
#embed "SQLite/012_history.sql"
};

static const struct embedded_migration migrations[] = {
    {"MySQL", 1, "checks", mysql_001, sizeof mysql_001},
    {"MySQL", 2, "queue", mysql_002, sizeof mysql_002},
    {"MySQL", 3, "routes", mysql_003, sizeof mysql_003},
    {"MySQL", 4, "fleet", mysql_004, sizeof mysql_004},
    {"MySQL", 5, "settings", mysql_005, sizeof mysql_005},
    {"MySQL", 6, "keys", mysql_006, sizeof mysql_006},
    {"MySQL", 7, "events", mysql_007, sizeof mysql_007},
    {"MySQL", 8, "sinks", mysql_008, sizeof mysql_008},
    {"MySQL", 9, "trust", mysql_009, sizeof mysql_009},
    {"MySQL", 10, "arrivals", mysql_010, sizeof mysql_010},
    {"MySQL", 11, "maintenance", mysql_011, sizeof mysql_011},
    {"MySQL", 12, "history", mysql_012, sizeof mysql_012},
    {"PostgreSQL", 1, "checks", postgresql_001, sizeof postgresql_001},
    {"PostgreSQL", 2, "queue", postgresql_002, sizeof postgresql_002},
    {"PostgreSQL", 3, "routes", postgresql_003, sizeof postgresql_003},
    {"PostgreSQL", 4, "fleet", postgresql_004, sizeof postgresql_004},
    {"PostgreSQL", 5, "settings", postgresql_005, sizeof postgresql_005},
    {"PostgreSQL", 6, "keys", postgresql_006, sizeof postgresql_006},
    {"PostgreSQL", 7, "events", postgresql_007, sizeof postgresql_007},
    {"PostgreSQL", 8, "sinks", postgresql_008, sizeof postgresql_008},
    {"PostgreSQL", 9, "trust", postgresql_009, sizeof postgresql_009},
    {"PostgreSQL", 10, "arrivals", postgresql_010, sizeof postgresql_010},
    {"PostgreSQL", 11, "maintenance", postgresql_011, sizeof postgresql_011},
    {"PostgreSQL", 12, "history", postgresql_012, sizeof postgresql_012},
    {"SQLite", 1, "checks", sqlite_001, sizeof sqlite_001},
    {"SQLite", 2, "queue", sqlite_002, sizeof sqlite_002},
    {"SQLite", 3, "routes", sqlite_003, sizeof sqlite_003},
    {"SQLite", 4, "fleet", sqlite_004, sizeof sqlite_004},
    {"SQLite", 5, "settings", sqlite_005, sizeof sqlite_005},
    {"SQLite", 6, "keys", sqlite_006, sizeof sqlite_006},
    {"SQLite", 7, "events", sqlite_007, sizeof sqlite_007},
    {"SQLite", 8, "sinks", sqlite_008, sizeof sqlite_008},
    {"SQLite", 9, "trust", sqlite_009, sizeof sqlite_009},
    {"SQLite", 10, "arrivals", sqlite_010, sizeof sqlite_010},
    {"SQLite", 11, "maintenance", sqlite_011, sizeof sqlite_011},
    {"SQLite", 12, "history", sqlite_012, sizeof sqlite_012},
};

const char *embedded_version(void) { return "0.1.0"; }

size_t embedded_migration_count(void) { return sizeof migrations / sizeof migrations[0]; }

const struct embedded_migration *embedded_migration_at(size_t index) { return &migrations[index]; }
