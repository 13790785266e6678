/* The local driver: a folder of a file system. open_... in open.c; the rest is for the files beside it. */
#ifndef WEIR_STORE_LOCAL_LOCAL_H
#define WEIR_STORE_LOCAL_LOCAL_H

#include "store/driver.h"

/* Where blobs are until they are whole, under the lake. */
#define LOCAL_TEMPORARY "weir/tmp"

enum {
    LOCAL_DEPTH_MAX = 64,       /* folders below each other */
    LOCAL_FOLDER_MAX = 1 << 20, /* entries of one folder */
    LOCAL_ID_MAX = 24,
    LOCAL_TRIES = 16 /* for what another program can spoil by chance */
};

struct store *local_open(const char *address, struct error *err);

struct local {
    struct store base;
    int root;              /* the lake's folder, or -1 while it is not there */
    int second;            /* the same, opened by itself for local_follow, which takes it; or -1 */
    int temporary;         /* our folder in weir/tmp, or -1 */
    int mark;              /* the file beside it that we hold locked while we live, or -1 */
    char id[LOCAL_ID_MAX]; /* its name */
    uint64_t count;        /* temporary files so far */
    struct local_follow *follow; /* NULL until the first one */
};

static inline struct local *local_of(struct store *store)
{
    return (struct local *) (void *) store;
}

/* Sets an error that says what could not be done to which blob, and a hint where one helps. False. */
bool local_fail(const struct local *local, int number, const char *doing, const char *name,
                struct error *err);

/* Opens the root if it is there; makes it first when `make`. False: not there (ERROR_NOT_FOUND), or worse. */
bool local_root(struct local *local, bool make, struct error *err);

/* Opens the folder whose name is the first n bytes of `name` part by part, following no symbolic link;
 * makes what is not there when `make`. A descriptor for the ...at() functions only (O_PATH), or -1. */
int local_folder(struct local *local, const char *name, size_t n, bool make, struct error *err);

/* The folder `part` of an open one, as local_folder has it; `make` 2: it is most likely not there yet. -1 with errno. */
int local_step(int folder, const char *part, int make);

/* The folder of a blob, as local_folder; *last is the blob's own part. */
int local_parent(struct local *local, const char *name, bool make, const char **last,
                 struct error *err);
/* The same for what need not be there. 1: *folder is open; 0: it is not there; -1: err is set. */
int local_parent_found(struct local *local, const char *name, int *folder, const char **last,
                       struct error *err);

/* Our own folder under weir/tmp: made when first asked for, together with a look for what dead programs
 * left there. Goes with local_temporary_free. */
bool local_temporary(struct local *local, struct error *err);
void local_temporary_free(struct local *local);

/* The driver's functions that stand in files of their own; see store.h. */
bool local_list(struct store *store, const char *const *prefixes, size_t n, store_list_fn *fn,
                void *context, struct error *err);
bool local_folders(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                   struct error *err);
bool local_stat(struct store *store, const char *name, uint64_t *size, struct error *err);
struct store_reader *local_reader_new(struct store *store, const char *name, struct error *err);
bool local_reader_next(struct store_reader *base, void *to, size_t room, size_t *n,
                       struct error *err);
void local_reader_free(struct store_reader *base);
struct store_writer *local_writer_new(struct store *store, const char *name, struct error *err);
bool local_writer_add(struct store_writer *base, const void *bytes, size_t n, struct error *err);
bool local_writer_commit(struct store_writer *base, unsigned put, struct store_written *out,
                         struct error *err);
void local_writer_abort(struct store_writer *base);
/* renameat that replaces nothing when `new`. 0, or the errno. */
int local_rename(int from, const char *old, int to, const char *name, bool new);
bool local_adopt(struct store *store, const struct store_adopted *files, size_t n, unsigned put,
                 size_t *done, struct error *err);
bool local_remove(struct store *store, struct store_unwanted *blobs, size_t n, struct error *err);
bool local_sync(struct store *store, struct error *err);
bool local_follow(struct store *store, const char *name, struct buf *text, struct error *err);
enum store_follow_state local_follow_ask(struct store *store, bool wait, struct error *err);
void local_follow_free(struct local *local); /* waits for what is on its way */
struct store_ahead *local_ahead_new(struct store *store, const struct store_wanted *wanted,
                                    size_t n, struct error *err);
bool local_ahead_next(struct store_ahead *base, size_t *index, struct str *piece,
                      struct error *err);
void local_ahead_free(struct store_ahead *base);
bool local_scratch(struct store *store, struct buf *path, struct error *err);
struct store_lock *local_lock_new(struct store *store, const char *name, const char *owner,
                                  struct error *err);
void local_lock_free(struct store_lock *base);

#endif
