/* Stores: where blobs are: a folder, or Azure Storage. The drivers have the same set of files each.
 *
 * A name is a path of parts divided by '/', without '.', '..', empty parts, control characters or
 * a leading '/'; its first part is the container. Hostile text never gets here unchecked: a name that
 * breaks this is ERROR_INTERNAL.
 *
 * A store and what was made from it are for one thread at a time; threads open a store each. Whoever opens
 * a reader, a writer, a lock or an ahead ends it before the store is freed.
 *
 * A local store keeps what is not yet a blob in weir/tmp, on the same file system: a folder for each
 * running program, held by a lock that dies with it, so that the next program removes what a killed one
 * left. weir/tmp is never listed. Symbolic links in a lake are neither followed nor listed.
 *
 * A remote store speaks through the caller's event loop: its calls run the loop where they must wait, so
 * none may be made from a call-back of the loop, and uploads proceed whenever anybody runs it. It never
 * replaces or deletes what was not written by weir: each blob of its own says so in its metadata.
 */
#ifndef WEIR_STORE_STORE_H
#define WEIR_STORE_STORE_H

#include "base/text.h"

enum {
    STORE_NAME_MAX = 1024,
    STORE_LOCK_OWNER_MAX = 512,
    STORE_MD5 = 16,                      /* bytes */
    STORE_LIST_MAX = 4096,               /* prefixes of one store_list_many */
    STORE_AHEAD_BYTES = 16 * 1024 * 1024 /* held by one store_ahead, at most */
};

struct store;
struct stop;
struct http_client;
struct azure_credential;
struct azure_cloud;

/* What is lent lives as long as the store; texts are copied. A folder needs the address alone. */
struct store_options {
    /* A path; or an account (https://NAME.blob.core.windows.net, http://127.0.0.1:10000/NAME), one
     * container of it (.../CONTAINER[/FOLDER]), or abfss://CONTAINER@NAME.dfs.core.windows.net[/FOLDER].
     * In an account the first part of a name is the container; in a container the parts are folders. A
     * container am-... is the account with that table's container alone beside weir's own. */
    const char *address;
    struct http_client *http;            /* lent, as the next two are */
    struct azure_credential *credential; /* tokens, and who reads secrets */
    const struct azure_cloud *cloud;     /* NULL: the public one */
    const char *key, *sas;   /* references to secrets (azure_secret_read); both NULL: tokens */
    const char *tier;        /* hot, cool, cold, archive; NULL: the account's own */
    const struct stop *stop; /* lent; NULL: none */
    /* A line for the user that is no failure, such as a SAS that ends soon. NULL: nobody wants it. */
    void (*note)(void *context, const char *line);
    void *context;
};

/* Makes nothing and asks nobody; a folder or container need not be there yet. ERROR_SETTINGS for an address,
 * a tier or a reference that can never work. */
struct store *store_open_with(const struct store_options *options, struct error *err);
/* The same for a folder. */
struct store *store_open(const char *address, struct error *err);
void store_free(
    struct store *store); /* a remote one drops what is not uploaded yet: store_sync first */
const char *store_address(const struct store *store); /* no secret in it */
/* True where there are no paths and a request costs tens of milliseconds. */
bool store_remote(const struct store *store);

struct store_blob {
    struct str name; /* valid during the call, as all here */
    uint64_t size;
    int64_t modified;         /* tick; of an account a whole second */
    uint64_t version;         /* another one when the blob was put anew; 0: unknown */
    int64_t created;          /* tick; 0: unknown */
    const unsigned char *md5; /* STORE_MD5 bytes of what the store holds, or NULL */
    bool append;              /* grows while others write it: an append blob */
};

/* Every blob below the folder `prefix` (whole parts), each once; the call-back's false ends it with its error. A prefix
 * that is not there is an empty list. Where `prefix` itself is the name of a blob, a local store gives that one, a
 * remote store does not.
 *
 * Names come in byte order, what is below one folder together. But an account with a hierarchical namespace sorts '/'
 * before all other characters (unconfirmed): there a/x may come before a-b. So within one folder the order is the
 * same in every store; who needs one across folders sorts. */
typedef bool store_list_fn(void *context, const struct store_blob *blob, struct error *err);
bool store_list(struct store *store, const char *prefix, store_list_fn *fn, void *context,
                struct error *err);
/* Several lists, one after the other in the order of the prefixes (at most STORE_LIST_MAX). A remote store
 * asks for several at once. */
bool store_list_many(struct store *store, const char *const *prefixes, size_t n, store_list_fn *fn,
                     void *context, struct error *err);

/* The folders (parts that have something below them) directly under `prefix` ("": the containers), as a
 * delimiter listing has them: `name` is the part alone, valid during the call. Each once, in an order that differs
 * between stores: a-b comes before or behind a. */
typedef bool store_folder_fn(void *context, struct str name, struct error *err);
bool store_folders(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                   struct error *err);

/* A blob whole into out, which is reset first (at most out->max bytes, else ERROR_LIMIT). ERROR_NOT_FOUND
 * when it is not there. */
bool store_get(struct store *store, const char *name, struct buf *out, struct error *err);
bool store_stat(struct store *store, const char *name, uint64_t *size, struct error *err);

/* How a name is taken and whether to wait. */
enum store_put {
    STORE_PUT_NEW = 1, /* ERROR_EXISTS when the name is taken */
    STORE_PUT_DURABLE =
        2 /* local: the bytes are on the disk before the name shows; remote: the service
                             has it when the call returns */
};

/* A blob in one step: it appears whole under its name or not at all, and replaces what was there (on a
 * remote store ERROR_EXISTS where that was not written by weir). Its bytes are safe when this returns; its
 * name is after the next store_sync. */
bool store_put(struct store *store, const char *name, struct str bytes, struct error *err);
/* The same, but ERROR_EXISTS when the name is taken. */
bool store_put_new(struct store *store, const char *name, struct str bytes, struct error *err);

/* A blob from a stream of pieces: nothing shows until the commit. */
struct store_writer;
struct store_writer *store_writer_new(struct store *store, const char *name, struct error *err);
bool store_writer_add(struct store_writer *writer, const void *bytes, size_t n, struct error *err);

struct store_written {
    uint64_t bytes;
    bool has_md5; /* remote: what the service was given to check, and keeps beside the blob */
    unsigned char md5[STORE_MD5];
};
/* `put` of enum store_put. The writer is freed either way; *out, if wanted, is known at once.
 * Without STORE_PUT_DURABLE the blob is safe only after the next store_sync or store_follow: call one before
 * anything names it as there. On a local store a power cut until then may lose or empty it. A remote store
 * queues the upload and returns, waiting only while too much is on its way; whether it succeeds is told by
 * store_sync, store_follow_ask, or any later commit. */
bool store_writer_commit(struct store_writer *writer, unsigned put, struct store_written *out,
                         struct error *err);
void store_writer_abort(struct store_writer *writer); /* NULL is fine */

/* A file on the local disk that is to be a blob. */
struct store_adopted {
    const char *path; /* below this store's store_scratch */
    const char *name;
};
/* Makes files blobs, one after the other in the order given, each in one step as a commit does; `put` of enum
 * store_put. A file is gone then: a local store gives it the name, a remote one uploads it (see store_writer_commit for
 * when that is safe). *done, if wanted, counts those that were adopted: on failure the file *done still stands at
 * its path. Names that follow each other in the order of a listing cost least. Several threads may adopt at once on a
 * local store, on a remote one only the thread that has it. */
bool store_adopt_many(struct store *store, const struct store_adopted *files, size_t n,
                      unsigned put, size_t *done, struct error *err);
bool store_adopt(struct store *store, const char *path, const char *name, unsigned put,
                 struct error *err);

/* Waits until everything that was committed before is safe. One call for many blobs is cheap, one for each is
 * not. What failed is told here, and by every later call that writes. */
bool store_sync(struct store *store, struct error *err);

/* Begins to put a blob, as STORE_PUT_NEW, once all that was committed before is safe; does not wait. Takes the
 * text and leaves it empty. One at a time. False: nothing was begun and text stays. */
bool store_follow(struct store *store, const char *name, struct buf *text, struct error *err);
enum store_follow_state {
    STORE_FOLLOW_BUSY,
    STORE_FOLLOW_DONE,  /* the blob is there and safe */
    STORE_FOLLOW_FAILED /* err says why; ERROR_EXISTS: the name was taken */
};
/* What became of the one that was begun; told once (BUSY: ask again). Waits for its end when `wait`. FAILED
 * with ERROR_INTERNAL when none was begun. */
enum store_follow_state store_follow_ask(struct store *store, bool wait, struct error *err);

/* Reading a blob in pieces. *n is 0 at the end. */
struct store_reader;
struct store_reader *store_reader_new(struct store *store, const char *name, struct error *err);
bool store_reader_next(struct store_reader *reader, void *to, size_t room, size_t *n,
                       struct error *err);
void store_reader_free(struct store_reader *reader);

/* Reading many blobs in order. A remote store has many requests under way, and STORE_AHEAD_BYTES of what came
 * before its turn. Another thread may use it while that thread alone uses the store and its http client. */
struct store_wanted {
    const char *name;
    uint64_t size; /* as the listing had it: what an append blob has grown by since is left */
};
struct store_ahead;
/* `wanted` and its names are lent until the end. */
struct store_ahead *store_ahead_new(struct store *store, const struct store_wanted *wanted,
                                    size_t n, struct error *err);
/* The next piece of blob *index, valid until the next call. Each blob ends with an empty piece; *index == n is
 * the end of all. ERROR_NOT_FOUND names a blob that is gone, ERROR_PARTIAL one that became shorter. After an
 * error there is only store_ahead_free. */
bool store_ahead_next(struct store_ahead *ahead, size_t *index, struct str *piece,
                      struct error *err);
void store_ahead_free(struct store_ahead *ahead);

bool store_delete(struct store *store, const char *name, struct error *err); /* absent is fine */

/* A blob that is to go, and what became of it. */
enum store_fate {
    STORE_STAYS,  /* not tried, or it failed: it may be there or not */
    STORE_GONE,   /* it is not there any more, or was not */
    STORE_CHANGED /* it stays, since it has another size */
};
struct store_unwanted {
    const char *name;
    bool
        sized; /* only if it has `size` bytes. A remote store deletes the very version that it looked at; a local one looks first */
    uint64_t size;
    bool anyones; /* whoever wrote it: else a remote store deletes what weir wrote alone */
    unsigned
        folders; /* local: the folders above it go too, so many levels, if nothing is in them any more */
    enum store_fate fate; /* told by the call, also when that fails */
};
/* A remote store has many deletions under way at once. The first that fails ends it, when those under way have ended. */
bool store_delete_many(struct store *store, struct store_unwanted *blobs, size_t n,
                       struct error *err);

/* The path of a blob for engines that open files themselves; false where the store has no paths. */
bool store_path(const struct store *store, const char *name, struct buf *out, struct error *err);

/* A lock with its owner's name (free text of at most STORE_LOCK_OWNER_MAX bytes). ERROR_LOCKED says who
 * holds it, on which host, since when. A dead owner's lock is taken over: a local lock is the kernel's
 * (flock), the text in the blob only tells who. A remote one is a lease of a minute that is renewed
 * whenever the loop runs or the store is called; once it is lost, every later write fails. */
struct store_lock;
struct store_lock *store_lock_new(struct store *store, const char *name, const char *owner,
                                  struct error *err);
void store_lock_free(struct store_lock *lock);

/* A folder on the local disk for what does not fit in memory: the caller makes files in it and removes
 * them; on a local lake it is on the lake's disk, out of every table's container, else under TMPDIR. It goes
 * with the store, and when this program is killed, with the next one that writes there. */
bool store_scratch(struct store *store, struct buf *path, struct error *err);

/* True where what is there can be neither replaced nor deleted: the container of that name has a time policy
 * or a legal hold. A container that is not there yet has none. */
bool store_immutable(struct store *store, const char *name, bool *out, struct error *err);

/* What the store lets us do as far as that can be told without trying. */
struct store_access {
    const char *by; /* "folder", "key", "sas", "token" */
    int64_t until;  /* tick at which a SAS ends; 0: no end is known */
    char lacks
        [64]; /* of a SAS: which of read, list, create, write, delete it leaves out; "": none */
};
/* Reads the reference to the SAS or key; asks the store nothing. ERROR_SETTINGS, ERROR_AUTH for one that
 * cannot be read or is none. */
bool store_access(struct store *store, struct store_access *out, struct error *err);

#endif
