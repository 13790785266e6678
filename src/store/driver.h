/* Drivers: what a kind of store implements. store.c checks names and hands on; a driver need not check.
 *
 * Every driver has the same files in a folder of its own: <name>.h declares its open function, open.c
 * has it and the table of functions, then list.c, read.c, write.c, lock.c. Each of its structs begins
 * with the one here. A function behaves as store.h says of its namesake; all are required but `path`.
 */
#ifndef WEIR_STORE_DRIVER_H
#define WEIR_STORE_DRIVER_H

#include "store/store.h"

/* True for one part of a name: not empty, no dots alone, no slash or control character. What a listing finds
 * otherwise is no part of a lake. */
bool store_part_ok(struct str part);

struct store_driver {
    void (*free)(struct store *store);
    bool (*list)(struct store *store, const char *prefix, store_list_fn *fn, void *context,
                 struct error *err);
    bool (*folders)(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                    struct error *err);
    bool (*stat)(struct store *store, const char *name, uint64_t *size, struct error *err);
    bool (*remove)(struct store *store, const char *name, struct error *err);
    bool (*sync)(struct store *store, struct error *err);
    bool (*path)(const struct store *store, const char *name, struct buf *out, struct error *err);
    bool (*scratch)(struct store *store, struct buf *path, struct error *err);

    struct store_reader *(*reader_new)(struct store *store, const char *name, struct error *err);
    bool (*reader_next)(struct store_reader *reader, void *to, size_t room, size_t *n,
                        struct error *err);
    void (*reader_free)(struct store_reader *reader);

    struct store_writer *(*writer_new)(struct store *store, const char *name, struct error *err);
    bool (*writer_add)(struct store_writer *writer, const void *bytes, size_t n, struct error *err);
    /* `put` of enum store_put: how the name is taken and whether to wait for the disk. Frees the writer. */
    bool (*writer_commit)(struct store_writer *writer, unsigned put, struct error *err);
    void (*writer_abort)(struct store_writer *writer);

    struct store_lock *(*lock_new)(struct store *store, const char *name, const char *owner,
                                   struct error *err);
    void (*lock_free)(struct store_lock *lock);
};

enum store_put {
    STORE_PUT_NEW = 1,    /* ERROR_EXISTS when the name is taken */
    STORE_PUT_DURABLE = 2 /* the bytes are on the disk before the name shows */
};

struct store {
    const struct store_driver *driver;
    char *address;
};

struct store_reader {
    struct store *store;
};

struct store_writer {
    struct store *store;
};

struct store_lock {
    struct store *store;
};

#endif
