/* Partitions: one blob of lines, written in one step, with its rows, bytes and SHA-256 taken on the way. */
#ifndef WEIR_LAKE_PARTITION_H
#define WEIR_LAKE_PARTITION_H

#include "base/hash.h"
#include "lake/ledger.h"
#include "lake/pile.h"
#include "store/store.h"

/* What was written. */
struct lake_written {
    uint64_t rows; /* lines */
    uint64_t bytes;
    uint64_t sum; /* order-free sum of the items' hashes, as lake_pile_sum */
    unsigned char sha256[HASH_SHA256_SIZE];
    bool has_md5; /* the store was given one to check the bytes by, and keeps it (store_written) */
    unsigned char md5[STORE_MD5];
};

/* Writes the export blob of that number (0, or lake_numbers_next's) of the partition at `tick` from the rows of n piles
 * (they stay). `put` is 0, or STORE_PUT_DURABLE where a blob of that name may be somebody else's: it is waited for,
 * and its failure (ERROR_EXISTS) is this call's alone. Without rows there is no blob, and *out is all zero: with number 0, one that is there is deleted. A number
 * from 2 on must be free, else ERROR_EXISTS. */
bool lake_partition_write(struct store *store, const struct lake_place *place, int64_t tick,
                          uint32_t number, unsigned put, struct lake_pile *const *piles, size_t n,
                          struct lake_written *out, struct error *err);

/* The same for any blob of lines under any name, from pieces. `sum` of *out stays 0: it is the caller's. */
struct lake_writer;
struct lake_writer *lake_writer_new(struct store *store, const char *name, struct error *err);
bool lake_writer_add(struct lake_writer *writer, struct str lines, struct error *err);
/* Frees the writer either way. */
bool lake_writer_commit(struct lake_writer *writer, struct lake_written *out, struct error *err);
void lake_writer_abort(struct lake_writer *writer); /* NULL is fine */

#endif
