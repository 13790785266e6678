/* Bring: files of Parquet of a store without paths, onto the disk, where the engine reads them.
 *
 * Only the files that are needed are brought, before anything runs, and kept until the end.
 */
#ifndef WEIR_QUERY_BRING_H
#define WEIR_QUERY_BRING_H

#include "lake/day.h"
#include "store/store.h"

/* Bytes of one query's files. */
#define QUERY_BROUGHT_MAX (UINT64_C(256) << 30)

struct query_bring;

/* The store is lent. Makes nothing yet. */
struct query_bring *query_bring_new(struct store *store, struct error *err);
void query_bring_free(struct query_bring *bring); /* removes the files; NULL is fine */

/* Puts the path of a copy into `path`, which is reset. ERROR_PARTIAL when it has not `bytes` bytes. */
bool query_bring(struct query_bring *bring, const char *name, uint64_t bytes, struct buf *path,
                 struct error *err);

/* The path on the disk of a file of a compacted day: its own where the store has paths, else that of a copy, by `bring`. */
bool query_file_path(struct store *store, struct query_bring *bring, const struct lake_place *place,
                     const struct lake_day_file *file, struct buf *path, struct error *err);

#endif
