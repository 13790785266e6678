/* CSV: the names in the first record of a file (RFC 4180), so that no name of a file has to stand in SQL and no
 * guess is made about its form: fields are parted by commas and may stand in double quotes, in which a quote is
 * doubled and commas and line ends are text. Knows nothing of DuckDB.
 */
#ifndef WEIR_ENGINE_DUCKDB_CSV_H
#define WEIR_ENGINE_DUCKDB_CSV_H

#include "engine/duckdb/input.h"

enum { CSV_HEADER_MAX = 4 * 1024 * 1024, CSV_NAMES_MAX = 4096 };

/* The names in order, some perhaps empty or alike. */
struct csv_header {
    char **names;
    size_t n, room;
    bool gz; /* of the file */
};

/* Reads the header of a file; an empty file has no names. `out` is released first. ERROR_FORMAT when the record does
 * not end within CSV_HEADER_MAX bytes. */
bool csv_header_read(struct input *input, const char *path, struct csv_header *out,
                     struct error *err);
/* The names in a text that begins with a header, up to its first line end outside of quotes; added to out. */
bool csv_header_parse(struct str text, struct csv_header *out, struct error *err);
void csv_header_release(struct csv_header *header);

/* Whether two files have the same names in the same order, and are both packed or both not. */
bool csv_header_same(const struct csv_header *a, const struct csv_header *b);

#endif
