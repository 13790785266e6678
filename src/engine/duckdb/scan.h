/* Scan: the objects of many files of JSON, shared out among threads.
 *
 *     scan_new           cuts the files into pieces: a small file whole, a big one of plain JSON lines by ranges; the
 *                        files of a group; with an opener, runs of files
 *     scan_hand_new      one for each thread: a buffer and a scanner
 *     scan_hand_next     takes the next free piece when its own is read; an object at a time
 *
 * Each object is given exactly once, to one of the hands. Within a piece the order is that of the files. Knows
 * nothing of DuckDB.
 */
#ifndef WEIR_ENGINE_DUCKDB_SCAN_H
#define WEIR_ENGINE_DUCKDB_SCAN_H

#include "engine/duckdb/seen.h"
#include "engine/engine.h"
#include "json/lines.h"

enum {
    SCAN_LOOK_MAX = 4096,          /* files that are looked at beforehand: of more, none is cut */
    SCAN_PIECE = 32 * 1024 * 1024, /* bytes of a range */
    SCAN_FIRST_LINE = 1024 * 1024, /* a file whose first line is longer is not cut */
    SCAN_RUNS_A_HAND =
        8, /* of an opener's files, so that no hand is left alone with the last one for long */
    SCAN_RUN_LEAST = 1024 * 1024, /* bytes of such a run, unless a file or group is larger */
    SCAN_RUN_MOST = 256 * 1024 * 1024,
    SCAN_RUN_FILES = 16 /* files of a run at least, when sizes are not known */
};

struct scan;
struct scan_hand;

/* The hash of an _ItemId that stands in a group before its files. */
struct scan_seed {
    struct seen_hash hash;
    uint32_t group;
};

/* All lent for the life of the scan; `keys` are decoded, no two alike. opener, sizes, groups and roles are those of
 * struct engine_files. */
struct scan_options {
    const char *const *paths;
    size_t count;
    const struct str *keys;
    size_t key_count;
    size_t piece; /* bytes of a range; 0: SCAN_PIECE */
    size_t hands; /* that will share the files of an opener; 0: one */
    const struct engine_opener *opener;
    const uint64_t *sizes;
    const uint32_t *groups;
    const unsigned char *roles;
    size_t id_key;                 /* with groups: the index of _ItemId among the keys */
    const struct scan_seed *seeds; /* in order of group */
    size_t seed_count;
};

/* A file that is not there is found out when its turn comes. */
struct scan *scan_new(const struct scan_options *options, struct error *err);
void scan_free(struct scan *scan);

/* How many hands can be busy at once. */
size_t scan_pieces(const struct scan *scan);

struct scan_hand *scan_hand_new(struct scan *scan, struct error *err);
void scan_hand_free(struct scan_hand *hand);

struct scan_object {
    struct json_object json; /* valid until the next call */
    size_t file;             /* index of its path */
    uint64_t offset; /* byte in the (unpacked) file at which it begins, less a byte-order mark's */
};

/* 1: an object; 0: all pieces are taken; -1: an error that names the file, and the line if the text is wrong. */
int scan_hand_next(struct scan_hand *hand, struct scan_object *out, struct error *err);

/* Whether the object that scan_hand_next gave last is to be left out, as the rules of groups have it
 * (engine/engine.h). To be asked of each object that would be given otherwise, once. */
bool scan_hand_doubled(struct scan_hand *hand, const struct scan_object *object, bool *doubled,
                       struct error *err);

#endif
