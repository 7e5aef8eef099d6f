// What a later version of the program carries: the history of this one and more steps behind it.
// `link` says LATER_VERSION, as a string, and LATER_STEPS, how many of the steps below.
#define embedded_version this_version
#define embedded_migration_count this_migration_count
#define embedded_migration_at this_migration_at
#include "migrations.c"
#undef embedded_version
#undef embedded_migration_count
#undef embedded_migration_at

static const unsigned char postgresql_adding[] = {
#embed "adding-PostgreSQL.sql"
};
static const unsigned char sqlite_adding[] = {
#embed "adding-SQLite.sql"
};
static const unsigned char removing[] = {
#embed "removing.sql"
};

// Two for each step.
static const struct embedded_migration later[] = {
    {"PostgreSQL", 900, "adding", postgresql_adding, sizeof postgresql_adding},
    {"SQLite", 900, "adding", sqlite_adding, sizeof sqlite_adding},
    {"PostgreSQL", 901, "removing", removing, sizeof removing},
    {"SQLite", 901, "removing", removing, sizeof removing},
};

const char *embedded_version(void) { return LATER_VERSION; }

size_t embedded_migration_count(void) { return this_migration_count() + 2 * LATER_STEPS; }

const struct embedded_migration *embedded_migration_at(size_t index) {
    size_t count = this_migration_count();
    return index < count ? this_migration_at(index) : &later[index - count];
}
