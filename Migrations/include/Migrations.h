#ifndef MIGRATIONS_H
#define MIGRATIONS_H

#include <stddef.h>

/// The version of the program that carries these files, "MAJOR.MINOR.PATCH", which `compatible_from`
/// of a file may name.
const char *embedded_version(void);

/// One file of the schema's history, as it stands in this folder, carried inside the binary.
struct embedded_migration {
    /// The folder: "PostgreSQL", "SQLite" …
    const char *engine;
    /// The number in front of the file's name; the same number means the same in every folder.
    int number;
    /// What follows it, without ".sql".
    const char *name;
    /// The text, in UTF-8, without a zero at its end.
    const unsigned char *bytes;
    size_t length;
};

/// How many files all folders hold together.
size_t embedded_migration_count(void);

/// The file at `index`, which is below the count. It lives as long as the program.
const struct embedded_migration *embedded_migration_at(size_t index);

#endif
