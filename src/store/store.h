/* Stores: where blobs are. A folder today; the drivers have the same set of files each.
 *
 * A name is a path of parts divided by '/', without '.', '..', empty parts, control characters or
 * a leading '/'; its first part is the container. Hostile text never gets here unchecked: a name that
 * breaks this is ERROR_INTERNAL.
 *
 * A store and what was made from it are for one thread at a time; threads open a store each. Whoever opens
 * a reader, a writer or a lock ends it before the store is freed.
 *
 * A local store keeps what is not yet a blob in weir/tmp, on the same file system: a folder for each
 * running program, held by a lock that dies with it, so that the next program removes what a killed one
 * left. weir/tmp is never listed. Symbolic links in a lake are neither followed nor listed.
 */
#ifndef WEIR_STORE_STORE_H
#define WEIR_STORE_STORE_H

#include "base/text.h"

enum { STORE_NAME_MAX = 1024, STORE_LOCK_OWNER_MAX = 512 };

struct store;

/* address: a path; the folder need not be there yet. Makes nothing. A URL names a driver that is not
 * built: ERROR_SETTINGS. */
struct store *store_open(const char *address, struct error *err);
void store_free(struct store *store);
const char *store_address(const struct store *store);

struct store_blob {
    struct str name; /* valid during the call */
    uint64_t size;
    int64_t modified; /* tick */
};

/* Every blob whose name begins with `prefix` (whole parts), in byte order of names. The call-back's false
 * ends it with its error. A prefix that is not there is an empty list. */
typedef bool store_list_fn(void *context, const struct store_blob *blob, struct error *err);
bool store_list(struct store *store, const char *prefix, store_list_fn *fn, void *context,
                struct error *err);

/* The folders (parts that have something below them) directly under `prefix` ("": the containers), as a
 * delimiter listing has them: `name` is the part alone, valid during the call; in byte order. */
typedef bool store_folder_fn(void *context, struct str name, struct error *err);
bool store_folders(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                   struct error *err);

/* A blob whole into out, which is reset first (at most out->max bytes, else ERROR_LIMIT). ERROR_NOT_FOUND
 * when it is not there. */
bool store_get(struct store *store, const char *name, struct buf *out, struct error *err);
bool store_stat(struct store *store, const char *name, uint64_t *size, struct error *err);

/* A blob in one step: it appears whole under its name or not at all, and replaces what was there. Its
 * bytes are on the disk when this returns; its name is after the next store_sync. */
bool store_put(struct store *store, const char *name, struct str bytes, struct error *err);
/* The same, but ERROR_EXISTS when the name is taken. */
bool store_put_new(struct store *store, const char *name, struct str bytes, struct error *err);

/* A blob from a stream of pieces: nothing shows until the commit. A power cut after the commit may lose or
 * empty it, unless store_sync was called since: so call that before anything names it as there. */
struct store_writer;
struct store_writer *store_writer_new(struct store *store, const char *name, struct error *err);
bool store_writer_add(struct store_writer *writer, const void *bytes, size_t n, struct error *err);
bool store_writer_commit(struct store_writer *writer,
                         struct error *err);          /* writer is freed either way */
void store_writer_abort(struct store_writer *writer); /* NULL is fine */

/* Waits until everything that was written before is on the disk. One call for many blobs is cheap, one
 * for each is not. */
bool store_sync(struct store *store, struct error *err);

/* Reading a blob in pieces. *n is 0 at the end. */
struct store_reader;
struct store_reader *store_reader_new(struct store *store, const char *name, struct error *err);
bool store_reader_next(struct store_reader *reader, void *to, size_t room, size_t *n,
                       struct error *err);
void store_reader_free(struct store_reader *reader);

bool store_delete(struct store *store, const char *name, struct error *err); /* absent is fine */

/* The path of a blob for engines that open files themselves; false where the store has no paths. */
bool store_path(const struct store *store, const char *name, struct buf *out, struct error *err);

/* A lock with its owner's name (free text of at most STORE_LOCK_OWNER_MAX bytes). ERROR_LOCKED says who
 * holds it, on which host, since when. A dead owner's lock is taken over: a local lock is the kernel's
 * (flock), the text in the blob only tells who. */
struct store_lock;
struct store_lock *store_lock_new(struct store *store, const char *name, const char *owner,
                                  struct error *err);
void store_lock_free(struct store_lock *lock);

/* A folder on the local disk for what does not fit in memory: the caller makes files in it and removes
 * them; on a local lake it is on the lake's disk, out of every table's container. It goes with the store,
 * and when this program is killed, with the next one that writes to the lake. */
bool store_scratch(struct store *store, struct buf *path, struct error *err);

#endif
