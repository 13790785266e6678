/* Imports: the records, beside the data, of what weir partition brought into a table from files.
 *
 *     lake_imports_read(store, &place, LAKE_IMPORTS_WHOLE, &imports, &err);
 *     if (!lake_imports_input(&imports, &input, dedup, NULL)) ...                   it is new
 *     writer = lake_import_writer_new(store, &place, &import, &err);                after all its blobs have their names
 *     lake_import_writer_part(writer, &part, &err);                                 in order of time
 *     lake_import_writer_commit(writer, STORE_PUT_DURABLE, &err);
 *
 * A record is weir/<guid>/<table>/imports/<id>.jsonl, put whole and never changed. Its blobs are PT05M_<id>.json. Form:
 * docs/formats.md.
 *
 *   1. What a record names was there, whole, before the record.
 *   2. An import that another record says it replaces is dead: its blobs are no rows of the table any more, whether or not
 *      they and its record have been removed yet. So there is neither a gap nor a row twice once that other record is there.
 *   3. A blob whose id has no record is what an import that was killed has brought in so far: whole partitions, which
 *      readers read. The same command gives it the same bytes, and its record. So do its rows count that are in the files of
 *      a compacted day alone, unless that day says that the import was replaced (lake/replaced.h).
 *
 * Memory: 40 bytes for a partition of an import (4.2 MB a year), and its texts.
 */
#ifndef WEIR_LAKE_IMPORT_H
#define WEIR_LAKE_IMPORT_H

#include "base/memory.h"
#include "lake/schema.h"

enum {
    LAKE_IMPORT_VERSION = 1,
    LAKE_IMPORT_ID_MAX = 13,         /* 12 hex digits, lower case, and NUL */
    LAKE_IMPORT_HASH = 16,           /* bytes: XXH3 of 128 bits, the high half first */
    LAKE_IMPORT_LINE_MAX = 64 << 10, /* bytes of a line of a record */
    LAKE_IMPORT_TEXT_MAX = 4096,     /* of a text in it */
    LAKE_IMPORTS_MAX = 1 << 16,      /* of one table */
    LAKE_IMPORT_INPUTS_MAX = 1 << 20,
    LAKE_IMPORT_PARTS_MAX = 1 << 22,   /* partitions of one import: 39 years */
    LAKE_IMPORTS_TEXTS_MAX = 512 << 20 /* bytes of all texts of all records */
};

struct lake_import_input {
    const char *name; /* as the user gave it, or "-"; hostile */
    struct lake_from
        time; /* how its rows' times were read; key NULL: it has none, and so no rows */
    uint64_t bytes, rows, rejected;
    unsigned char hash[LAKE_IMPORT_HASH]; /* of its bytes: docs/formats.md */
};

struct lake_import_part {
    int64_t partition;                    /* tick, a multiple of TICK_PARTITION */
    uint64_t rows, bytes;                 /* of its blob */
    unsigned char hash[LAKE_IMPORT_HASH]; /* of its blob: lake_import_sum_add */
};

struct lake_import {
    char id[LAKE_IMPORT_ID_MAX];
    char replaces[LAKE_IMPORT_ID_MAX]; /* "": none */
    int64_t
        replaced; /* when the one it replaces began: the same files may be brought in again later */
    const char *by;       /* "weir 0.1.0" */
    int64_t started;      /* tick */
    const char *dedup;    /* the columns as they were given, or "*"; NULL: none */
    uint64_t rows, bytes; /* of all parts */
    uint64_t rejected;    /* lines of the inputs that are no row of the table */
    uint64_t dropped;     /* rows that --dedup left out */
    struct lake_import_input *inputs;
    size_t n_inputs;
    struct lake_import_part
        *parts; /* in order of time, each once; NULL unless they were asked for */
    size_t n_parts;
    int64_t from, to; /* of its partitions, half-open; both 0 without any */
    bool dead;        /* another record replaces it; set by lake_imports_read */
};

/* Records of a place in order of `started`, then id. */
struct lake_imports {
    struct lake_import *v;
    size_t n, room;
    const struct lake_import **by_id;
    struct lake_import_given {
        const struct lake_import_input *input;
        const struct lake_import *import;
    } * by_hash; /* the inputs of all of them, by hash, then in order */
    size_t n_inputs;
    struct arena texts; /* and inputs */
};

enum lake_imports_depth {
    LAKE_IMPORTS_HEADS, /* head and inputs of each; a remote store reads the beginning only. No parts, and their hash is not
                           looked at */
    LAKE_IMPORTS_WHOLE /* all, and that the whole of each is as it was written */
};

/* Reads the records of a place; none is an empty list. Damage (one that is torn, changed, of another version or table, or
 * that bears another's name) is ERROR_FORMAT: the message names the file, the hint the way out. Nothing is touched. Release
 * *out, also on failure. */
bool lake_imports_read(struct store *store, const struct lake_place *place,
                       enum lake_imports_depth depth, struct lake_imports *out, struct error *err);
void lake_imports_release(struct lake_imports *imports);

/* All of these lend, and give NULL for none. */

/* The import of that id, dead or not. */
const struct lake_import *lake_imports_find(const struct lake_imports *imports, struct str id);
/* The import that an id or the beginning of one names. ERROR_NOT_FOUND and ERROR_USAGE (several begin so) list those there
 * are. */
const struct lake_import *lake_imports_named(const struct lake_imports *imports, const char *id,
                                             struct error *err);
/* The latest import that says it replaced one of this id. */
const struct lake_import *lake_imports_replacing(const struct lake_imports *imports, struct str id);
/* Sets the hint that names the imports there are. Returns false. */
bool lake_imports_list(const struct lake_imports *imports, struct error *err);
/* The first live import, but for that of the id `but` (or NULL), that has an input of the same hash and size, with the same
 * time and the same `dedup` (or NULL); and that input of it. */
const struct lake_import_given *lake_imports_input(const struct lake_imports *imports,
                                                   const struct lake_import_input *input,
                                                   const char *dedup, const char *but);
/* The first live import, but for `but`, that has rows by an input of the same hash and size, however its times were read. */
const struct lake_import_given *lake_imports_bytes(const struct lake_imports *imports,
                                                   const struct lake_import_input *input,
                                                   const char *but);

/* Whether the rows of a blob of this name's import count: it has no record, or a live one. */
bool lake_imports_counts(const struct lake_imports *imports, struct str id);

/* The id in the name of a blob of an import, lent from it: "" when it is none. */
struct str lake_import_id_of(struct str name);

/* The id of what is to be brought in: from hash and time of its inputs in their order, and `dedup` (or NULL). */
bool lake_import_id(const struct lake_import_input *inputs, size_t n, const char *dedup,
                    char out[LAKE_IMPORT_ID_MAX], struct error *err);

/* .../PT05M_<id>.json of a partition; as lake_export_name. */
void lake_import_name(struct buf *out, const struct lake_place *place, int64_t tick,
                      const char *id);

/* The hash of a blob, in pieces, in any order: adds that of `lines` (whole lines, each with its line feed), or of one
 * line, that stand at `offset` of it. It is the sum, modulo 2^128, of XXH3-128 of each line with its offset as the seed: so
 * those who write one blob from several threads need not wait for each other, and lines in another order are another blob.
 * sum[0] is the low half; begins as 0. Sums of parts add up: lake_import_sum_join. */
void lake_import_sum_add(uint64_t sum[2], struct str lines, uint64_t offset);
void lake_import_sum_line(uint64_t sum[2], const char *line, size_t n, uint64_t offset);
void lake_import_sum_join(uint64_t sum[2], const uint64_t other[2]);
void lake_import_sum_end(const uint64_t sum[2], unsigned char out[LAKE_IMPORT_HASH]);

/* Writes a record: head and inputs of `import` (its parts are passed over: n_parts of them follow), then its parts. Nothing
 * shows until the commit. ERROR_INTERNAL for what no reader would take: too many inputs, parts out of order, other sums
 * than the head has. Texts that are not UTF-8 are mended; one longer than LAKE_IMPORT_TEXT_MAX is cut. */
struct lake_import_writer;
struct lake_import_writer *lake_import_writer_new(struct store *store,
                                                  const struct lake_place *place,
                                                  const struct lake_import *import,
                                                  struct error *err);
bool lake_import_writer_part(struct lake_import_writer *writer, const struct lake_import_part *part,
                             struct error *err);
/* `put` as in store_writer_commit. A record of that id that is there is replaced, by one of the same inputs. Freed either
 * way. */
bool lake_import_writer_commit(struct lake_import_writer *writer, unsigned put, struct error *err);
void lake_import_writer_abort(struct lake_import_writer *writer); /* NULL is fine */

/* Removes a record; none is fine. */
bool lake_import_remove(struct store *store, const struct lake_place *place, const char *id,
                        struct error *err);

/* What a table's imports come to; dead ones are not in it. */
struct lake_imports_totals {
    size_t imports, inputs;
    uint64_t partitions, rows, bytes, rejected, dropped;
    int64_t last; /* when the latest began; 0: none */
};
void lake_imports_total(const struct lake_imports *imports, struct lake_imports_totals *out);

#endif
