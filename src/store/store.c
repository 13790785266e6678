/* Hands every call on to the store's driver, after a look at the names; see store.h and driver.h. */
#include "store/store.h"

#include "base/memory.h"
#include "store/azure/azure.h"
#include "store/driver.h"
#include "store/local/local.h"

#include <stdio.h>

bool store_part_ok(struct str part)
{
    if (part.n == 0 || str_eq(part, STR(".")) || str_eq(part, STR("..")))
        return false;
    for (size_t i = 0; i < part.n; i++)
        if ((unsigned char) part.p[i] < 0x20 || part.p[i] == 0x7f || part.p[i] == '/')
            return false;
    return true;
}

/* A name as store.h says, and not of the store's own corner. */
static bool check_name(const char *name, struct error *err)
{
    struct str whole = str_of(name);
    struct str rest = whole, part;
    bool ok = whole.n > 0 && whole.n <= STORE_NAME_MAX;
    while (ok && str_split(&rest, '/', &part))
        ok = store_part_ok(part);
    size_t own = strlen(LOCAL_TEMPORARY);
    if (ok && strncmp(name, LOCAL_TEMPORARY, own) == 0 && (name[own] == '\0' || name[own] == '/'))
        ok = false;
    return ok || error_set(err, ERROR_INTERNAL, "'%.200s' is no name for a blob", name);
}

static bool check_prefix(const char *prefix, struct error *err)
{
    return prefix[0] == '\0' || check_name(prefix, err);
}

/* scheme://, as in https:// and abfss:// */
static bool is_url(const char *address)
{
    size_t n = strspn(address, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return n > 1 && strncmp(address + n, "://", 3) == 0;
}

struct store *store_open(const char *address, struct error *err)
{
    return store_open_with(&(struct store_options){.address = address}, err);
}

struct store *store_open_with(const struct store_options *options, struct error *err)
{
    const char *address = options->address;
    if (!address || address[0] == '\0') {
        (void) error_set(err, ERROR_SETTINGS, "no lake is named");
        (void) error_hint(err, "name a folder: --lake ./lake");
        return NULL;
    }
    if (is_url(address))
        return azure_store_open(options, err);
    return az_address_is_folder(address, err) ? local_open(address, err) : NULL;
}

void store_free(struct store *store)
{
    if (store)
        store->driver->free(store);
}

const char *store_address(const struct store *store)
{
    return store->address;
}

bool store_remote(const struct store *store)
{
    return store->remote;
}

bool store_list(struct store *store, const char *prefix, store_list_fn *fn, void *context,
                struct error *err)
{
    return store_list_many(store, &prefix, 1, fn, context, err);
}

bool store_list_many(struct store *store, const char *const *prefixes, size_t n, store_list_fn *fn,
                     void *context, struct error *err)
{
    if (n > STORE_LIST_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d prefixes to list", STORE_LIST_MAX);
    for (size_t i = 0; i < n; i++)
        if (!check_prefix(prefixes[i], err))
            return false;
    return n == 0 || store->driver->list(store, prefixes, n, fn, context, err);
}

bool store_folders(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                   struct error *err)
{
    return check_prefix(prefix, err) && store->driver->folders(store, prefix, fn, context, err);
}

/* Reads to the end; one byte more than the buffer may hold is asked for, to see that there is none. */
static bool read_whole(struct store_reader *reader, const char *name, struct buf *out,
                       struct error *err)
{
    enum { STEP = 64 * 1024 };
    for (;;) {
        size_t left = out->max - out->used, got;
        size_t want = left < STEP ? left : STEP;
        char extra;
        if (!buf_reserve(out, want))
            return buf_ok(out, name, err);
        void *to = want > 0 ? out->bytes + out->used : &extra;
        if (!store_reader_next(reader, to, want > 0 ? want : 1, &got, err))
            return false;
        if (got > 0 && want == 0)
            return error_set(err, ERROR_LIMIT, "%s is longer than %zu bytes", name, out->max);
        out->used += got;
        out->bytes[out->used] = '\0';
        if (got == 0)
            return true;
    }
}

bool store_get(struct store *store, const char *name, struct buf *out, struct error *err)
{
    buf_reset(out);
    struct store_reader *reader = store_reader_new(store, name, err);
    bool ok = reader && read_whole(reader, name, out, err);
    store_reader_free(reader);
    return ok;
}

bool store_stat(struct store *store, const char *name, uint64_t *size, struct error *err)
{
    return check_name(name, err) && store->driver->stat(store, name, size, err);
}

static bool put(struct store *store, const char *name, struct str bytes, unsigned how,
                struct error *err)
{
    struct store_writer *writer = store_writer_new(store, name, err);
    if (!writer)
        return false;
    if (!store_writer_add(writer, bytes.p, bytes.n, err)) {
        store_writer_abort(writer);
        return false;
    }
    return store_writer_commit(writer, how, NULL, err);
}

bool store_put(struct store *store, const char *name, struct str bytes, struct error *err)
{
    return put(store, name, bytes, STORE_PUT_DURABLE, err);
}

bool store_put_new(struct store *store, const char *name, struct str bytes, struct error *err)
{
    return put(store, name, bytes, STORE_PUT_DURABLE | STORE_PUT_NEW, err);
}

struct store_writer *store_writer_new(struct store *store, const char *name, struct error *err)
{
    return check_name(name, err) ? store->driver->writer_new(store, name, err) : NULL;
}

bool store_writer_add(struct store_writer *writer, const void *bytes, size_t n, struct error *err)
{
    return n == 0 || writer->store->driver->writer_add(writer, bytes, n, err);
}

bool store_writer_commit(struct store_writer *writer, unsigned put, struct store_written *out,
                         struct error *err)
{
    struct store_written written;
    return writer->store->driver->writer_commit(writer, put, out ? out : &written, err);
}

void store_writer_abort(struct store_writer *writer)
{
    if (writer)
        writer->store->driver->writer_abort(writer);
}

bool store_adopt_many(struct store *store, const struct store_adopted *files, size_t n,
                      unsigned put_how, size_t *done, struct error *err)
{
    size_t own;
    size_t *adopted = done ? done : &own;
    *adopted = 0;
    for (size_t i = 0; i < n; i++)
        if (!check_name(files[i].name, err))
            return false;
    return n == 0 || store->driver->adopt(store, files, n, put_how, adopted, err);
}

bool store_adopt(struct store *store, const char *path, const char *name, unsigned put_how,
                 struct error *err)
{
    return store_adopt_many(store, &(struct store_adopted){path, name}, 1, put_how, NULL, err);
}

bool store_sync(struct store *store, struct error *err)
{
    return store->driver->sync(store, err);
}

bool store_follow(struct store *store, const char *name, struct buf *text, struct error *err)
{
    return check_name(name, err) && store->driver->follow(store, name, text, err);
}

enum store_follow_state store_follow_ask(struct store *store, bool wait, struct error *err)
{
    return store->driver->follow_ask(store, wait, err);
}

struct store_reader *store_reader_new(struct store *store, const char *name, struct error *err)
{
    return check_name(name, err) ? store->driver->reader_new(store, name, err) : NULL;
}

bool store_reader_next(struct store_reader *reader, void *to, size_t room, size_t *n,
                       struct error *err)
{
    return reader->store->driver->reader_next(reader, to, room, n, err);
}

void store_reader_free(struct store_reader *reader)
{
    if (reader)
        reader->store->driver->reader_free(reader);
}

struct store_ahead *store_ahead_new(struct store *store, const struct store_wanted *wanted,
                                    size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!check_name(wanted[i].name, err))
            return NULL;
    return store->driver->ahead_new(store, wanted, n, err);
}

bool store_ahead_next(struct store_ahead *ahead, size_t *index, struct str *piece,
                      struct error *err)
{
    return ahead->store->driver->ahead_next(ahead, index, piece, err);
}

void store_ahead_free(struct store_ahead *ahead)
{
    if (ahead)
        ahead->store->driver->ahead_free(ahead);
}

bool store_delete_many(struct store *store, struct store_unwanted *blobs, size_t n,
                       struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        blobs[i].fate = STORE_STAYS;
        if (!check_name(blobs[i].name, err))
            return false;
    }
    return n == 0 || store->driver->remove(store, blobs, n, err);
}

bool store_delete(struct store *store, const char *name, struct error *err)
{
    return store_delete_many(store, &(struct store_unwanted){.name = name}, 1, err);
}

bool store_path(const struct store *store, const char *name, struct buf *out, struct error *err)
{
    return check_name(name, err) && store->driver->path(store, name, out, err);
}

struct store_lock *store_lock_new(struct store *store, const char *name, const char *owner,
                                  struct error *err)
{
    return check_name(name, err) ? store->driver->lock_new(store, name, owner, err) : NULL;
}

void store_lock_free(struct store_lock *lock)
{
    if (lock)
        lock->store->driver->lock_free(lock);
}

bool store_scratch(struct store *store, struct buf *path, struct error *err)
{
    return store->driver->scratch(store, path, err);
}

bool store_immutable(struct store *store, const char *name, bool *out, struct error *err)
{
    return check_name(name, err) && store->driver->immutable(store, name, out, err);
}

bool store_access(struct store *store, struct store_access *out, struct error *err)
{
    return store->driver->access(store, out, err);
}
