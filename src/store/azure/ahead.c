/* Reads many blobs in order with many requests under way; see store.h.
 *
 * The bytes wanted are cut into pieces of at most AZ_RANGE, in order. A window of them is under way: at most
 * AZ_READS_MAX, and no more bytes than STORE_AHEAD_BYTES. Pieces end in any order and are given in theirs; the room of
 * one that was given serves the next.
 */
#include "store/azure/azure.h"

#include "base/memory.h"
#include "store/azure/error.h"

enum { ROOM_KEPT = 64 * 1024 }; /* bytes that a place of the ring keeps between two pieces */

struct piece {
    struct az_op op;
    struct az_ahead *ahead;
    struct az_place place;
    size_t index; /* of the blob */
    uint64_t from;
    size_t n;  /* bytes wanted; 0: the blob is empty */
    bool last; /* of its blob */
    bool done;
    struct buf bytes;
    struct error error;
    struct az_is is;
};

struct az_ahead {
    struct store_ahead base;
    const struct store_wanted *wanted;
    size_t n;
    size_t index;           /* of the next piece to ask for: its blob ... */
    uint64_t from;          /* ... and where in it */
    size_t first, used;     /* the window: a ring */
    size_t bytes;           /* wanted in it */
    bool ending;            /* the blob's last piece was given, its end was not */
    bool given;             /* the first piece of the window is with the caller */
    size_t at;              /* the blob that is being given */
    char etag[AZ_ETAG_MAX]; /* of its first piece */
    struct piece pieces[AZ_READS_MAX];
};

static void ask_piece(struct az_op *op, struct az_ask *out)
{
    const struct piece *piece = (struct piece *) (void *) op;
    *out = (struct az_ask){.method = "GET",
                           .place = piece->place,
                           .ranged = true,
                           .from = piece->from,
                           .to = piece->from + piece->n - 1};
}

static void again_piece(struct az_op *op)
{
    buf_reset(&((struct piece *) (void *) op)->bytes);
}

static bool take_piece(struct az_op *op, const char *bytes, size_t n, struct error *err)
{
    struct piece *piece = (struct piece *) (void *) op;
    buf_put(&piece->bytes, bytes, n);
    return buf_ok(&piece->bytes, "a range of a blob", err);
}

static void on_piece(struct az_op *op, const struct az_answer *answer)
{
    struct piece *piece = (struct piece *) (void *) op;
    const struct store_wanted *blob = &piece->ahead->wanted[piece->index];
    piece->done = true;
    if (answer->response)
        az_is_read(answer->response, &piece->is);
    bool less =
        answer->status == 416 || (answer->error.code == ERROR_NONE && piece->bytes.used < piece->n);
    if (less)
        (void) error_set(&piece->error, ERROR_PARTIAL,
                         "%s in lake %s is shorter than it was: %llu bytes, not %llu", blob->name,
                         op->az->base.address, (unsigned long long) piece->is.size,
                         (unsigned long long) blob->size);
    else if (answer->error.code != ERROR_NONE)
        piece->error = answer->error;
}

/* Asks for the next piece. */
static bool begin_piece(struct az_ahead *ahead, struct error *err)
{
    struct az *az = az_of(ahead->base.store);
    struct piece *piece = &ahead->pieces[(ahead->first + ahead->used) % AZ_READS_MAX];
    const struct store_wanted *blob = &ahead->wanted[ahead->index];
    uint64_t left = blob->size - ahead->from;
    struct buf room = piece->bytes;
    *piece = (struct piece){.ahead = ahead,
                            .index = ahead->index,
                            .from = ahead->from,
                            .n = left < AZ_RANGE ? (size_t) left : AZ_RANGE,
                            .bytes = room};
    piece->last = piece->n == left;
    piece->bytes.max = AZ_RANGE;
    buf_reset(&piece->bytes);
    if (!az_address_place(&az->address, blob->name, &piece->place, err))
        return false;
    ahead->used++;
    ahead->bytes += piece->n;
    ahead->from += piece->n;
    if (piece->last) {
        ahead->index++;
        ahead->from = 0;
    }
    piece->done = piece->n == 0;
    piece->op = (struct az_op){.lane = AZ_READ,
                               .ask = ask_piece,
                               .take = take_piece,
                               .again = again_piece,
                               .done = on_piece,
                               .doing = "read",
                               .name = blob->name};
    if (!piece->done)
        az_op_start(az, &piece->op);
    return true;
}

static bool fill(struct az_ahead *ahead, struct error *err)
{
    while (ahead->index < ahead->n && ahead->used < AZ_READS_MAX) {
        uint64_t left = ahead->wanted[ahead->index].size - ahead->from;
        size_t next = left < AZ_RANGE ? (size_t) left : AZ_RANGE;
        if (ahead->used > 0 && ahead->bytes + next > STORE_AHEAD_BYTES)
            return true;
        if (!begin_piece(ahead, err))
            return false;
    }
    return true;
}

struct store_ahead *az_ahead_new(struct store *store, const struct store_wanted *wanted, size_t n,
                                 struct error *err)
{
    struct az *az = az_of(store);
    if (!az_settle(az, NULL, err) || !az_nudge(az, err))
        return NULL;
    struct az_ahead *ahead = mem_alloc(1, sizeof *ahead, err);
    if (!ahead)
        return NULL;
    ahead->base.store = store;
    ahead->wanted = wanted;
    ahead->n = n;
    return &ahead->base;
}

/* The caller has done with the first piece. */
static void drop_first(struct az_ahead *ahead)
{
    struct piece *piece = &ahead->pieces[ahead->first];
    ahead->bytes -= piece->n;
    if (piece->bytes.room > ROOM_KEPT)
        buf_release(&piece->bytes); /* the ring turns: in time every place would keep a range */
    ahead->first = (ahead->first + 1) % AZ_READS_MAX;
    ahead->used--;
    ahead->given = false;
}

/* All pieces of a blob are of one state of it; an append blob only grows. */
static bool same_blob(struct az_ahead *ahead, const struct piece *piece, struct error *err)
{
    if (piece->from == 0)
        memcpy(ahead->etag, piece->is.etag, sizeof ahead->etag);
    if (piece->is.append || strcmp(ahead->etag, piece->is.etag) == 0)
        return true;
    return error_set(err, ERROR_PARTIAL, "%s in lake %s changed while it was read",
                     ahead->wanted[piece->index].name, ahead->base.store->address);
}

bool az_ahead_next(struct store_ahead *base, size_t *index, struct str *out, struct error *err)
{
    struct az_ahead *ahead = (struct az_ahead *) (void *) base;
    if (ahead->given)
        drop_first(ahead);
    *out = STR("");
    *index = ahead->at;
    if (ahead->ending) {
        ahead->ending = false;
        ahead->at++;
        return true;
    }
    if (ahead->at == ahead->n)
        return true;
    struct piece *piece = &ahead->pieces[ahead->first];
    if (!fill(ahead, err) || !az_wait(az_of(base->store), &piece->done, err))
        return false;
    if (piece->error.code != ERROR_NONE)
        return error_pass(err, &piece->error);
    if (piece->n > 0 && !same_blob(ahead, piece, err))
        return false;
    *out = buf_str(&piece->bytes);
    ahead->given = true;
    if (piece->n == 0)
        ahead->at++; /* an empty blob: this is its end */
    else
        ahead->ending = piece->last;
    return true;
}

void az_ahead_free(struct store_ahead *base)
{
    struct az_ahead *ahead = (struct az_ahead *) (void *) base;
    for (size_t i = 0; i < AZ_READS_MAX; i++) {
        if (ahead->pieces[i].ahead)
            az_op_cancel(az_of(base->store), &ahead->pieces[i].op);
        buf_release(&ahead->pieces[i].bytes);
    }
    mem_free(ahead);
}
