/* Files: the partitions of an import while they grow, each one temporary file, of which few are open at once.
 *
 *     part_files_reserve(files, number, bytes, rows, &room, &err);     in the order of the input: room.offset
 *     part_files_write(files, worker, &room, bytes, n, sum, &err);     in any order, from any thread
 *
 * A partition is known by its number: tick / TICK_PARTITION. Who reserves decides where bytes stand, so writes may come in
 * any order; all of them done, each file is whole. Functions may be called from several threads.
 *
 * Memory: some 64 bytes a partition, and a few for each open file.
 */
#ifndef WEIR_PARTITION_FILES_H
#define WEIR_PARTITION_FILES_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    PART_FILES_MAX = 1 << 22, /* partitions of one import: LAKE_IMPORT_PARTS_MAX */
    PART_FILES_OPEN = 256,    /* open at once, or half of what the process may have */
    PART_FILES_NAME_MAX = 32
};

/* One partition; members are read between phases only. */
struct part_file {
    uint32_t number;
    uint32_t folder;     /* of the worker that made the file */
    uint64_t size, rows; /* reserved so far */
    uint64_t sum[2];     /* lake_import_sum_line of what is written */
    int32_t slot;        /* in which it is open, or -1 */
    bool made;           /* there is a file */
};

struct part_files;

/* Makes a folder for each worker in `scratch`, which is copied. `open` files at once; 0: PART_FILES_OPEN. */
struct part_files *part_files_new(const char *scratch, unsigned workers, size_t open,
                                  struct error *err);
/* Closes what is open. Files stay, for the scratch folder's owner. */
void part_files_free(struct part_files *files);

struct part_room {
    struct part_file *file;
    uint64_t offset;
};

/* Room for so many bytes at the end of a partition. ERROR_LIMIT for more than PART_FILES_MAX of them. */
bool part_files_reserve(struct part_files *files, uint32_t number, uint64_t bytes, uint64_t rows,
                        struct part_room *out, struct error *err);

/* Writes n bytes at room->offset, and adds the sum of their lines to the partition's. `worker` counts from 0. */
bool part_files_write(struct part_files *files, unsigned worker, const struct part_room *room,
                      const void *bytes, size_t n, const uint64_t sum[2], struct error *err);

size_t part_files_count(const struct part_files *files);
/* Closes all, and tells of failures that come so late. Then the files are whole. */
bool part_files_close(struct part_files *files, struct error *err);
/* All partitions in order of their numbers, until more are reserved; NULL when memory is used up. After the close. */
struct part_file *const *part_files_sorted(struct part_files *files, struct error *err);
/* The path of its file, below the scratch folder: "3/0012d687". */
void part_files_name(const struct part_file *file, char out[PART_FILES_NAME_MAX]);

#endif
