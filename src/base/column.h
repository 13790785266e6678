/* Columns: a list of named, typed columns, and the ten types that KQL and the service have. */
#ifndef WEIR_BASE_COLUMN_H
#define WEIR_BASE_COLUMN_H

#include "base/text.h"

/* enum, KQL's name. The order is not kept in files: names are. */
#define COLUMN_TYPES(X)                                                                            \
    X(BOOL, "bool")                                                                                \
    X(INT, "int")                                                                                  \
    X(LONG, "long")                                                                                \
    X(REAL, "real")                                                                                \
    X(DECIMAL, "decimal")                                                                          \
    X(DATETIME, "datetime")                                                                        \
    X(TIMESPAN, "timespan")                                                                        \
    X(GUID, "guid")                                                                                \
    X(STRING, "string")                                                                            \
    X(DYNAMIC, "dynamic")

enum column_type {
#define X(name, text) COLUMN_##name,
    COLUMN_TYPES(X)
#undef X
        COLUMN_TYPE_COUNT
};

enum { COLUMN_NAME_MAX = 1024, COLUMNS_MAX = 4096, COLUMNS_FILE_MAX = 1 << 20 };

struct column {
    char *name; /* owned by the list, NUL-terminated */
    enum column_type type;
};

struct columns {
    struct column *v;
    size_t n, room;
};

const char *column_type_name(enum column_type type);
bool column_type_parse(struct str name,
                       enum column_type *out); /* also boolean, date, time, double, uuid */

/* Bytes of a value as estimate_data_size counts them, nulls included: of types of fixed size; 0 for text and dynamic. */
unsigned column_fixed_size(enum column_type type);

void columns_release(struct columns *columns);
bool columns_add(struct columns *columns, struct str name, enum column_type type,
                 struct error *err);
bool columns_copy(const struct columns *from, struct columns *to, struct error *err);

/* The index of a name (case matters, as in KQL), or -1. */
int columns_find(const struct columns *columns, struct str name);

/* A schema file: one `name type` a line, `#` begins a comment. schemas/<Table>.columns. Replaces what
 * `out` holds. */
bool columns_read(struct str text, struct columns *out, struct error *err);

/* The type that the suffix of a custom log's column says: _s string, _d real, _b bool, _g guid,
 * _t datetime; string otherwise (docs/service.md section 8). */
enum column_type column_type_of_suffix(struct str name);

#endif
