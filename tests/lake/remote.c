/* See remote.h. */
#include "remote.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/evp.h>

struct remote_reader {
    struct store_reader base;
    struct store_reader *reader;
};

struct remote_writer {
    struct store_writer base;
    struct store_writer *writer;
    EVP_MD_CTX *md5;
    char name[STORE_NAME_MAX + 1];
    uint64_t bytes;
};

struct remote_ahead {
    struct store_ahead base;
    struct store_ahead *ahead;
};

struct remote *remote_of(struct store *store)
{
    return (struct remote *) (void *) store;
}

static void ask(struct store *store, size_t *count)
{
    assert_false(remote_of(store)->listing);
    ++*count;
}

static void free_remote(struct store *store)
{
    store_free(remote_of(store)->local);
    mem_free(store->address);
    free(store);
}

/* --- lists --- */

struct listing {
    struct remote *remote;
    store_list_fn *fn;
    void *context;
    size_t n;
};

static bool md5_of(struct store *local, struct str name, unsigned char md5[STORE_MD5],
                   struct error *err)
{
    char text[STORE_NAME_MAX + 1];
    struct buf bytes = BUF_INIT(1 << 24);
    unsigned size;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    bool ok = store_get(local, text, &bytes, err);
    if (ok)
        assert_int_equal(EVP_Digest(buf_text(&bytes), bytes.used, md5, &size, EVP_md5(), NULL), 1);
    buf_release(&bytes);
    return ok;
}

static bool give(void *context, const struct store_blob *blob, struct error *err)
{
    struct listing *l = context;
    struct store_blob copy = *blob;
    unsigned char md5[STORE_MD5];
    l->n++;
    if (!md5_of(l->remote->local, blob->name, md5, err))
        return false;
    copy.md5 = md5;
    l->remote->listing = true;
    bool ok = l->fn(l->context, &copy, err);
    l->remote->listing = false;
    return ok;
}

static bool list(struct store *store, const char *const *prefixes, size_t n, store_list_fn *fn,
                 void *context, struct error *err)
{
    struct remote *remote = remote_of(store);
    for (size_t i = 0; i < n; i++) {
        struct listing l = {.remote = remote, .fn = fn, .context = context};
        ask(store, &remote->lists);
        bool ok = store_list(remote->local, prefixes[i], give, &l, err);
        remote->lists += l.n > REMOTE_PAGE ? (l.n - 1) / REMOTE_PAGE : 0;
        if (!ok)
            return false;
    }
    return true;
}

struct foldering {
    struct remote *remote;
    store_folder_fn *fn;
    void *context;
};

static bool give_folder(void *context, struct str name, struct error *err)
{
    struct foldering *l = context;
    l->remote->listing = true;
    bool ok = l->fn(l->context, name, err);
    l->remote->listing = false;
    return ok;
}

static bool folders(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                    struct error *err)
{
    struct remote *remote = remote_of(store);
    struct foldering l = {remote, fn, context};
    ask(store, &remote->folders);
    return store_folders(remote->local, prefix, give_folder, &l, err);
}

/* --- one blob --- */

static bool stat_blob(struct store *store, const char *name, uint64_t *size, struct error *err)
{
    ask(store, &remote_of(store)->stats);
    return store_stat(remote_of(store)->local, name, size, err);
}

/* What a service says to a write or a delete of what is there. */
static bool is_held(struct remote *remote, const char *name, struct error *err)
{
    uint64_t size;
    size_t n = remote->immutable ? strlen(remote->immutable) : 0;
    if (n == 0 || strncmp(name, remote->immutable, n) != 0 || name[n] != '/' ||
        !store_stat(remote->local, name, &size, NULL))
        return false;
    remote->refused = true;
    (void) error_set(err, ERROR_SERVICE, "BlobImmutableDueToPolicy");
    return true;
}

static bool remove_blobs(struct store *store, struct store_unwanted *blobs, size_t n,
                         struct error *err)
{
    struct remote *remote = remote_of(store);
    for (size_t i = 0; i < n; i++) {
        ask(store, &remote->deletes);
        if (remote->held_from > 0 && remote->deletes >= remote->held_from)
            remote->immutable = remote->held;
        blobs[i].folders = 0;
        if (is_held(remote, blobs[i].name, err) ||
            !store_delete_many(remote->local, &blobs[i], 1, err))
            return false;
    }
    return true;
}

static bool sync_all(struct store *store, struct error *err)
{
    return store_sync(remote_of(store)->local, err);
}

static bool path_of(const struct store *store, const char *name, struct buf *out, struct error *err)
{
    (void) store;
    (void) name;
    (void) out;
    return error_set(err, ERROR_INTERNAL, "no paths here");
}

static bool scratch(struct store *store, struct buf *path, struct error *err)
{
    return store_scratch(remote_of(store)->local, path, err);
}

static struct store_reader *reader_new(struct store *store, const char *name, struct error *err)
{
    struct remote_reader *reader = calloc(1, sizeof *reader);
    assert_non_null(reader);
    ask(store, &remote_of(store)->gets);
    reader->base.store = store;
    reader->reader = store_reader_new(remote_of(store)->local, name, err);
    if (reader->reader)
        return &reader->base;
    free(reader);
    return NULL;
}

static bool reader_next(struct store_reader *reader, void *to, size_t room, size_t *n,
                        struct error *err)
{
    return store_reader_next(((struct remote_reader *) (void *) reader)->reader, to, room, n, err);
}

static void reader_free(struct store_reader *reader)
{
    store_reader_free(((struct remote_reader *) (void *) reader)->reader);
    free(reader);
}

static struct store_writer *writer_new(struct store *store, const char *name, struct error *err)
{
    struct remote_writer *writer = calloc(1, sizeof *writer);
    assert_non_null(writer);
    writer->base.store = store;
    (void) strncpy(writer->name, name, STORE_NAME_MAX);
    writer->md5 = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestInit_ex(writer->md5, EVP_md5(), NULL), 1);
    writer->writer = store_writer_new(remote_of(store)->local, name, err);
    assert_non_null(writer->writer);
    return &writer->base;
}

static bool writer_add(struct store_writer *base, const void *bytes, size_t n, struct error *err)
{
    struct remote_writer *writer = (struct remote_writer *) (void *) base;
    assert_int_equal(EVP_DigestUpdate(writer->md5, bytes, n), 1);
    writer->bytes += n;
    return store_writer_add(writer->writer, bytes, n, err);
}

static void writer_abort(struct store_writer *base)
{
    struct remote_writer *writer = (struct remote_writer *) (void *) base;
    if (writer->writer)
        store_writer_abort(writer->writer);
    EVP_MD_CTX_free(writer->md5);
    free(writer);
}

static bool writer_commit(struct store_writer *base, unsigned put, struct store_written *out,
                          struct error *err)
{
    struct remote_writer *writer = (struct remote_writer *) (void *) base;
    struct remote *remote = remote_of(base->store);
    unsigned size;
    ask(base->store, &remote->puts);
    *out = (struct store_written){.bytes = writer->bytes, .has_md5 = true};
    assert_int_equal(EVP_DigestFinal_ex(writer->md5, out->md5, &size), 1);
    bool ok = (put & STORE_PUT_NEW) || !is_held(remote, writer->name, err);
    if (ok) {
        ok = store_writer_commit(writer->writer, put, NULL, err);
        writer->writer = NULL;
    }
    writer_abort(base);
    return ok;
}

static bool adopt(struct store *store, const struct store_adopted *files, size_t n, unsigned put,
                  size_t *done, struct error *err)
{
    struct remote *remote = remote_of(store);
    for (size_t i = 0; i < n; i++) {
        ask(store, &remote->puts);
        if (!(put & STORE_PUT_NEW) && is_held(remote, files[i].name, err))
            return false;
    }
    return store_adopt_many(remote->local, files, n, put, done, err);
}

static bool follow(struct store *store, const char *name, struct buf *text, struct error *err)
{
    ask(store, &remote_of(store)->follows);
    return store_follow(remote_of(store)->local, name, text, err);
}

static enum store_follow_state follow_ask(struct store *store, bool wait, struct error *err)
{
    return store_follow_ask(remote_of(store)->local, wait, err);
}

static struct store_ahead *ahead_new(struct store *store, const struct store_wanted *wanted,
                                     size_t n, struct error *err)
{
    struct remote_ahead *ahead = calloc(1, sizeof *ahead);
    assert_non_null(ahead);
    ask(store, &remote_of(store)->gets);
    remote_of(store)->gets += n - 1;
    ahead->base.store = store;
    ahead->ahead = store_ahead_new(remote_of(store)->local, wanted, n, err);
    if (ahead->ahead)
        return &ahead->base;
    free(ahead);
    return NULL;
}

static bool ahead_next(struct store_ahead *ahead, size_t *index, struct str *piece,
                       struct error *err)
{
    return store_ahead_next(((struct remote_ahead *) (void *) ahead)->ahead, index, piece, err);
}

static void ahead_free(struct store_ahead *ahead)
{
    store_ahead_free(((struct remote_ahead *) (void *) ahead)->ahead);
    free(ahead);
}

static struct store_lock *lock_new(struct store *store, const char *name, const char *owner,
                                   struct error *err)
{
    return store_lock_new(remote_of(store)->local, name, owner, err);
}

static bool immutable(struct store *store, const char *name, bool *out, struct error *err)
{
    struct remote *remote = remote_of(store);
    (void) err;
    ask(store, &remote->asked);
    size_t n = remote->immutable ? strlen(remote->immutable) : 0;
    *out = n > 0 && strncmp(name, remote->immutable, n) == 0 && name[n] == '/';
    return true;
}

static bool access_of(struct store *store, struct store_access *out, struct error *err)
{
    return store_access(remote_of(store)->local, out, err);
}

struct store *remote_new(struct store *local)
{
    static const struct store_driver driver = {.free = free_remote,
                                               .list = list,
                                               .folders = folders,
                                               .stat = stat_blob,
                                               .remove = remove_blobs,
                                               .sync = sync_all,
                                               .path = path_of,
                                               .scratch = scratch,
                                               .reader_new = reader_new,
                                               .reader_next = reader_next,
                                               .reader_free = reader_free,
                                               .writer_new = writer_new,
                                               .writer_add = writer_add,
                                               .writer_commit = writer_commit,
                                               .writer_abort = writer_abort,
                                               .adopt = adopt,
                                               .follow = follow,
                                               .follow_ask = follow_ask,
                                               .ahead_new = ahead_new,
                                               .ahead_next = ahead_next,
                                               .ahead_free = ahead_free,
                                               .lock_new = lock_new,
                                               .immutable = immutable,
                                               .access = access_of};
    struct remote *remote = calloc(1, sizeof *remote);
    assert_non_null(remote);
    remote->base = (struct store){
        .driver = &driver, .address = mem_copy("https://played", 14, NULL), .remote = true};
    remote->local = local;
    return &remote->base;
}

size_t remote_requests(const struct remote *remote)
{
    return remote->lists + remote->folders;
}
