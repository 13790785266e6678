/* Reads many blobs of a folder in order; the kernel reads ahead by itself. See store.h. */
#include "store/local/local.h"

#include "base/memory.h"

enum { PIECE = 256 * 1024 };

struct local_ahead {
    struct store_ahead base;
    const struct store_wanted *wanted;
    size_t n, at;
    struct store_reader *reader; /* of blob `at`, or NULL before its first piece */
    uint64_t given;              /* of its bytes */
    char piece[PIECE];
};

struct store_ahead *local_ahead_new(struct store *store, const struct store_wanted *wanted,
                                    size_t n, struct error *err)
{
    struct local_ahead *ahead = mem_alloc(1, sizeof *ahead, err);
    if (!ahead)
        return NULL;
    ahead->base.store = store;
    ahead->wanted = wanted;
    ahead->n = n;
    return &ahead->base;
}

/* At most what is left of the size that was told; 0 with an error when the blob is shorter. */
static bool read_piece(struct local_ahead *ahead, size_t *got, struct error *err)
{
    const struct store_wanted *blob = &ahead->wanted[ahead->at];
    uint64_t left = blob->size - ahead->given;
    *got = 0;
    if (left == 0)
        return true;
    if (!store_reader_next(ahead->reader, ahead->piece, left < PIECE ? (size_t) left : PIECE, got,
                           err))
        return false;
    if (*got == 0)
        return error_set(err, ERROR_PARTIAL, "%s is shorter than it was: %llu bytes of %llu",
                         blob->name, (unsigned long long) ahead->given,
                         (unsigned long long) blob->size);
    ahead->given += *got;
    return true;
}

bool local_ahead_next(struct store_ahead *base, size_t *index, struct str *piece, struct error *err)
{
    struct local_ahead *ahead = (struct local_ahead *) (void *) base;
    size_t got;
    *index = ahead->at;
    *piece = (struct str){ahead->piece, 0};
    if (ahead->at == ahead->n)
        return true;
    if (!ahead->reader) {
        ahead->reader = store_reader_new(base->store, ahead->wanted[ahead->at].name, err);
        ahead->given = 0;
    }
    if (!ahead->reader || !read_piece(ahead, &got, err))
        return false;
    piece->n = got;
    if (got > 0)
        return true;
    store_reader_free(ahead->reader);
    ahead->reader = NULL;
    ahead->at++;
    return true;
}

void local_ahead_free(struct store_ahead *base)
{
    struct local_ahead *ahead = (struct local_ahead *) (void *) base;
    store_reader_free(ahead->reader);
    mem_free(ahead);
}
