/* Drivers: what a kind of store implements. store.c checks names and hands on; a driver need not check.
 *
 * Every driver has the same files in a folder of its own: <name>.h declares its open function, open.c
 * has it and the table of functions, then list.c, read.c, ahead.c, write.c, adopt.c, remove.c, follow.c,
 * lock.c. Each of its
 * structs begins with the one here. A function behaves as store.h says of its namesake; all are required.
 */
#ifndef WEIR_STORE_DRIVER_H
#define WEIR_STORE_DRIVER_H

#include "store/store.h"

/* True for one part of a name: not empty, no dots alone, no slash or control character. What a listing finds
 * otherwise is no part of a lake. */
bool store_part_ok(struct str part);

struct store_driver {
    void (*free)(struct store *store);
    /* store_list_many: n is at least 1 and at most STORE_LIST_MAX */
    bool (*list)(struct store *store, const char *const *prefixes, size_t n, store_list_fn *fn,
                 void *context, struct error *err);
    bool (*folders)(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                    struct error *err);
    bool (*stat)(struct store *store, const char *name, uint64_t *size, struct error *err);
    bool (*remove)(struct store *store, struct store_unwanted *blobs, size_t n, struct error *err);
    bool (*sync)(struct store *store, struct error *err);
    bool (*path)(const struct store *store, const char *name, struct buf *out, struct error *err);
    bool (*scratch)(struct store *store, struct buf *path, struct error *err);

    struct store_reader *(*reader_new)(struct store *store, const char *name, struct error *err);
    bool (*reader_next)(struct store_reader *reader, void *to, size_t room, size_t *n,
                        struct error *err);
    void (*reader_free)(struct store_reader *reader);

    struct store_writer *(*writer_new)(struct store *store, const char *name, struct error *err);
    bool (*writer_add)(struct store_writer *writer, const void *bytes, size_t n, struct error *err);
    bool (*writer_commit)(struct store_writer *writer, unsigned put, struct store_written *out,
                          struct error *err); /* out is never NULL */
    void (*writer_abort)(struct store_writer *writer);
    bool (*adopt)(struct store *store, const struct store_adopted *files, size_t n, unsigned put,
                  size_t *done, struct error *err); /* done is never NULL, and 0 */
    bool (*follow)(struct store *store, const char *name, struct buf *text, struct error *err);
    enum store_follow_state (*follow_ask)(struct store *store, bool wait, struct error *err);

    struct store_ahead *(*ahead_new)(struct store *store, const struct store_wanted *wanted,
                                     size_t n, struct error *err);
    bool (*ahead_next)(struct store_ahead *ahead, size_t *index, struct str *piece,
                       struct error *err);
    void (*ahead_free)(struct store_ahead *ahead);

    struct store_lock *(*lock_new)(struct store *store, const char *name, const char *owner,
                                   struct error *err);
    void (*lock_free)(struct store_lock *lock);

    bool (*immutable)(struct store *store, const char *name, bool *out, struct error *err);
    bool (*access)(struct store *store, struct store_access *out, struct error *err);
};

struct store {
    const struct store_driver *driver;
    char *address;
    bool remote;
};

struct store_reader {
    struct store *store;
};

struct store_writer {
    struct store *store;
};

struct store_ahead {
    struct store *store;
};

struct store_lock {
    struct store *store;
};

#endif
