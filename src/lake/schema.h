/* Schemas: weir/<guid>/<table>/schema.json, what a reader of the lake must know of a table: its true name,
 * its workspace, all its columns in order with their types, and the query that made it, if one did.
 * Form: docs/formats.md. Columns are only ever added, so that a line of any age can be read. Where nothing can be
 * replaced, a schema that changed is schema_2.json, schema_3.json and so on, and the highest counts.
 */
#ifndef WEIR_LAKE_SCHEMA_H
#define WEIR_LAKE_SCHEMA_H

#include "base/column.h"
#include "base/hash.h"
#include "base/memory.h"
#include "lake/layout.h"
#include "store/store.h"

enum {
    LAKE_SCHEMA_VERSION = 1,
    LAKE_SCHEMA_MAX = 8 << 20,
    LAKE_SCHEMA_NUMBER_MAX = 9999,
    LAKE_FROM_MAX = 32 /* places of a table's time */
};

/* Where a line without a TimeGenerated of its own has its time: the value of a top-level key. */
struct lake_from {
    const char *key;
    const char *format; /* of --time-format: iso, us, epoch-s, epoch-ms */
    const char *
        zone; /* of a text time that names none: an IANA name, +hh:mm or UTC; "": such a text is no time */
};

struct lake_schema {
    char *table, *workspace_id, *resource_id; /* owned */
    char *query;                              /* owned; NULL: the table as it is */
    struct columns columns;
    struct lake_from *from; /* owned, with its texts; to be tried in this order */
    size_t n_from;
    struct arena texts; /* of from */
    uint32_t number;    /* of its blob: 0, or from 2 on */
    uint16_t *earlier;  /* for each column, bit 1 << type for each other type that it had before */
};

void lake_schema_release(struct lake_schema *schema);

bool lake_from_same(const struct lake_from *a, const struct lake_from *b);
/* Whether rows are read by both alike: columns and their types, earlier ones too, and where the time stands. */
bool lake_schema_same(const struct lake_schema *a, const struct lake_schema *b);

/* Reads a place's schema into *out (release it). ERROR_NOT_FOUND when there is none; ERROR_FORMAT when it
 * is damaged, of another version, or of another table whose name makes the same folder. */
bool lake_schema_read(struct store *store, const struct lake_place *place, struct lake_schema *out,
                      struct error *err);

/* The same for the schema in that folder, of whatever table it is; its place is one (lake_place_check). */
bool lake_schema_load(struct store *store, const char *folder, struct lake_schema *out,
                      struct error *err);

struct lake_schema_change {
    size_t added, retyped; /* columns */
    bool from;             /* a place of the time is new, or gone */
};

/* Makes the place's schema hold these columns: writes it when there is none, else adds the new ones behind
 * the old ones, and where a type changed takes the new one and remembers the old one. Written only when
 * something changed. ERROR_SETTINGS when the query is another than before (NULL: none), since one name then
 * would stand for two things, and when the workspace has another resource id than before. *change may be
 * NULL. */
bool lake_schema_update(struct store *store, const struct lake_place *place, const char *query,
                        const struct columns *columns, struct lake_schema_change *change,
                        struct error *err);
/* The same for an import whose lines may have their time under other keys: those to `add` that are not known yet go behind
 * those that are, once those to `drop` are taken out, by which no line that counts is read any more. ERROR_LIMIT beyond
 * LAKE_FROM_MAX. All lent. */
struct lake_from_change {
    const struct lake_from *add, *drop;
    size_t n_add, n_drop;
};
bool lake_schema_update_from(struct store *store, const struct lake_place *place, const char *query,
                             const struct columns *columns, const struct lake_from_change *from,
                             struct lake_schema_change *change, struct error *err);
/* Takes them out of a schema in memory; how many there were. */
size_t lake_schema_drop_from(struct lake_schema *schema, const struct lake_from *drop, size_t n);

/* SHA-256 of the lines `name<TAB>type<LF>` of all columns in order: says in the ledger what was exported. */
bool lake_columns_hash(const struct columns *columns, char out[HASH_SHA256_HEX], struct error *err);

#endif
