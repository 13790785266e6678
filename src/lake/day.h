/* Days: the records of days that were compacted into Parquet (docs/formats.md).
 *
 *     weir/<guid>/<table>/days/y=2021/m=11/d=07.json                  the record
 *     weir/<guid>/<table>/parquet/y=2021/m=11/d=07/<12 hex>-0.parquet the files that it names
 *
 * A record is put when its files were read back and proven, whole and in one step. It says which blobs (sources) the rows
 * came from, so that who reads the lake can see whether the Parquet still says what the JSON does, and what stands in
 * for blobs that were deleted since. Records stand apart from the files: readers of Parquet and Delta take a folder of files
 * as it is, and clean it.
 */
#ifndef WEIR_LAKE_DAY_H
#define WEIR_LAKE_DAY_H

#include "base/hash.h"
#include "base/memory.h"
#include "lake/layout.h"
#include "lake/row.h"
#include "store/store.h"

enum {
    LAKE_DAY_VERSION = 1,
    LAKE_DAY_BYTES_MAX = 256 << 20, /* of one record */
    LAKE_DAY_FILES_MAX = 4096,      /* of one record */
    LAKE_DAY_SOURCES_MAX = 1 << 20, /* the same */
    LAKE_DAYS_MAX = 1 << 16         /* records of one table */
};

/* A file of Parquet. */
struct lake_day_file {
    const char *name; /* behind weir/<guid>/<table>/parquet/ */
    uint64_t rows, bytes;
    int64_t first, last; /* ticks of its rows' times; both 0: no row has one */
    unsigned char sha256[HASH_SHA256_SIZE];
    const char *const *rest; /* names of columns that have values in `_weir_rest` */
    size_t rest_count;
    bool has_rest; /* there are values in `_weir_rest`, of columns or of keys that are none */
};

/* What became of a blob. Before it is deleted the record says so: a run that is killed between is not read as a blob
 * that somebody took away. */
enum lake_day_gone {
    LAKE_DAY_KEPT,
    LAKE_DAY_GOING, /* about to be deleted: one of that name and size may be there */
    LAKE_DAY_GONE   /* deleted: what has its name is new */
};

/* A blob whose rows are in the files. Its number is the `_weir_source` of those rows. */
struct lake_day_source {
    const char *name; /* behind the table's prefix */
    int64_t tick, span;
    enum lake_blob_kind kind;
    uint32_t number; /* of one that weir exported */
    uint64_t size;
    unsigned char sha256[HASH_SHA256_SIZE];
    uint8_t gone; /* enum lake_day_gone */
    bool
        superseded; /* its rows are in no file any more: it is named so that the others keep their numbers */
};

struct lake_day {
    int64_t day;              /* tick at which it begins */
    int64_t at;               /* tick: when it was proven */
    uint64_t rows;            /* in all files */
    struct lake_row_key hash; /* sum of the identities of all rows (lake_row_whole) */
    struct lake_day_file *files;
    size_t file_count;
    struct lake_day_source *sources; /* in order of name */
    size_t source_count;
};

/* The records of a table, in order of day. */
struct lake_days {
    struct lake_day *v;
    size_t n, room;
    struct arena arena;
};

/* Names: of a day's record, of the folder of its files, of all records, of all files. As those of lake/layout.h. */
void lake_day_name(struct buf *out, const struct lake_place *place, int64_t day);
void lake_day_folder(struct buf *out, const struct lake_place *place, int64_t day);
void lake_days_prefix(struct buf *out, const struct lake_place *place);
void lake_parquet_prefix(struct buf *out, const struct lake_place *place);

/* Reads the records of days that meet [from, to); both 0: all. None is fine. One that is damaged or of another version is
 * ERROR_FORMAT that names it. The caller releases, also on failure. */
bool lake_days_read(struct lake_days *days, struct store *store, const struct lake_place *place,
                    int64_t from, int64_t to, struct error *err);
void lake_days_release(struct lake_days *days);
/* The record of the day that holds `tick`, or NULL. */
const struct lake_day *lake_days_find(const struct lake_days *days, int64_t tick);
/* The source of that name (behind the table's prefix), or NULL. */
const struct lake_day_source *lake_day_source(const struct lake_day *day, struct str name);

/* Whether the files stand in for the blob that weir exported of the partition at `tick` under that number: it is going
 * or gone. NULL when not. */
const struct lake_day_source *lake_days_stand_in(const struct lake_days *days, int64_t tick,
                                                 uint32_t number);

/* Puts a record, in place of the one that is there; it is safe when this returns. */
bool lake_day_write(struct store *store, const struct lake_place *place, const struct lake_day *day,
                    struct error *err);

#endif
