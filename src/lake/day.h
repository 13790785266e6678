/* Days: the records of days that were compacted into Parquet (docs/formats.md).
 *
 *     weir/<guid>/<table>/days/y=2021/m=11/d=07.jsonl                  the record
 *     weir/<guid>/<table>/parquet/y=2021/m=11/d=07/<12 hex>-0.parquet  the files that it names
 *
 * A record is put when its files were read back and proven, whole and in one step. It says which blobs (sources) the rows
 * came from, so that who reads the lake can see whether the Parquet still says what the JSON does, and what stands in
 * for blobs that were deleted since. Records stand apart from the files: readers of Parquet and Delta take a folder of
 * files as it is, and clean it.
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
    LAKE_DAY_INSTEAD_MAX = 1 << 20, /* bytes */
    LAKE_DAYS_MAX = 1 << 16,        /* records of one table */
    LAKE_DAYS_TEXTS_MAX = 1 << 30   /* bytes of all that is read of them */
};

/* Of a column in a file: as enum engine_trait has them. */
enum lake_day_trait {
    LAKE_DAY_TICKS = 1, /* `<name>__ticks` stands beside it */
    LAKE_DAY_MENDED = 2 /* `_weir_rest` may have values under its name */
};

/* A file of Parquet. */
struct lake_day_file {
    const char *name; /* behind weir/<guid>/<table>/parquet/ */
    uint64_t rows, bytes;
    uint64_t timeless;   /* rows without a time */
    int64_t first, last; /* ticks of the others; both 0: there are none */
    unsigned char sha256[HASH_SHA256_SIZE];
    struct columns columns;      /* that stand in it, by the types that they had then */
    const unsigned char *traits; /* of each */
    bool rest;                   /* it has the column `_weir_rest` */
};

/* What became of a blob. Before it is deleted the record says so: a run that is killed between is not read as a blob
 * that somebody took away. */
#define LAKE_DAY_GONES(X)                                                                          \
    X(KEPT, "kept")                                                                                \
    X(GOING, "going") /* about to be deleted: one of that name and size may still be it */         \
    X(GONE, "gone")   /* deleted: what has its name is new */                                      \
    X(REPLACED,                                                                                    \
      "replaced") /* of an import that was replaced and removed: while there is none of its id, its rows do not count */

enum lake_day_gone {
#define X(name, text) LAKE_DAY_##name,
    LAKE_DAY_GONES(X)
#undef X
        LAKE_DAY_GONE_COUNT
};

/* A blob whose rows are in the files. Its number in the list is the `_weir_source` of those rows. */
struct lake_day_source {
    const char *name; /* behind the table's prefix */
    int64_t tick, span;
    enum lake_blob_kind kind;
    uint32_t number; /* of one that weir exported */
    uint64_t size;
    unsigned char sha256[HASH_SHA256_SIZE];
    enum lake_day_gone gone;
};

struct lake_day {
    int64_t day;    /* tick at which it begins */
    int64_t at;     /* tick: when it was proven */
    const char *by; /* "weir 0.1.0" */
    uint64_t rows;  /* in all files */
    uint64_t
        doubled; /* lines of the sources that were left out, since their rows stand elsewhere too */
    struct lake_row_key hash; /* lake_row_sum of lake_row_whole of all rows */
    const char *
        instead; /* files of the records before this one, a space between; NULL: none. Each of their rows is
                            in these files, or is one of a source that did not count any more: they may go */
    struct lake_day_file *files;
    size_t file_count;
    struct lake_day_source *
        sources; /* in order of tick, then name. Of one name there are several where all but the last
                                        are gone: something came under it since */
    size_t source_count;
};

/* The records of a table, in order of day. All in it is lent from the arena. */
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

/* Reads the records of days that meet [from, to); both 0: all. None is fine. One that is damaged, of another version or
 * table is ERROR_FORMAT that names it. The caller releases, also on failure. */
bool lake_days_read(struct lake_days *days, struct store *store, const struct lake_place *place,
                    int64_t from, int64_t to, struct error *err);
void lake_days_release(struct lake_days *days);

/* The record of the day that holds `tick`, or NULL. */
const struct lake_day *lake_days_find(const struct lake_days *days, int64_t tick);
/* The source of that time and name (behind the table's prefix), the last of them; or NULL. */
const struct lake_day_source *lake_day_source(const struct lake_day *day, int64_t tick,
                                              struct str name);

/* Whether the record (or NULL) names a file, by its name behind .../parquet/. */
bool lake_day_names(const struct lake_day *day, struct str file);
/* Whether it stands instead of that one. */
bool lake_day_instead(const struct lake_day *day, struct str file);

/* Whether Parquet stands in for the blob of that number that weir exported of the partition at `tick`: it is going or
 * gone. NULL when not. */
const struct lake_day_source *lake_days_stand_in(const struct lake_days *days,
                                                 const struct lake_place *place, int64_t tick,
                                                 uint32_t number);
/* The same for blobs of a kind that may hold rows of the partition: how many, and their bytes. */
size_t lake_days_gone(const struct lake_days *days, int64_t tick, enum lake_blob_kind kind,
                      uint64_t *bytes);

/* A record as text, and back. The texts go into the arena; the place's table and workspace must be those of the text.
 * ERROR_FORMAT says what is wrong and in which line. */
bool lake_day_put(struct buf *out, const struct lake_place *place, const struct lake_day *day,
                  struct error *err);
bool lake_day_parse(struct str text, const struct lake_place *place, struct arena *arena,
                    struct lake_day *out, struct error *err);

/* Puts a record, in place of the one that is there; it is safe when this returns. */
bool lake_day_write(struct store *store, const struct lake_place *place, const struct lake_day *day,
                    struct error *err);

#endif
