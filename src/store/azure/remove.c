/* Deletes blobs, many at once; see store.h.
 *
 * Each is looked at, whose it is and how large, and then deleted under the ETag that it had then: so what was changed
 * between the two stays, and is looked at again.
 */
#include "store/azure/azure.h"

#include "base/memory.h"

struct removal;

/* A blob that is on its way out. */
struct slot {
    struct az_op op;
    struct removal *removal;
    struct store_unwanted *blob;
    struct az_place place;
    char etag[AZ_ETAG_MAX]; /* "": it is looked at first */
    unsigned rounds;
};

struct removal {
    struct az *az;
    struct store_unwanted *blobs;
    size_t n, next; /* the first that was not begun */
    size_t busy;    /* slots */
    bool ended;
    struct error error; /* the first */
};

static struct slot *slot_of(struct az_op *op)
{
    return (struct slot *) (void *) op;
}

static void ask(struct az_op *op, struct az_ask *out)
{
    const struct slot *slot = slot_of(op);
    *out = (struct az_ask){.method = slot->etag[0] ? "DELETE" : "HEAD",
                           .place = slot->place,
                           .if_match = slot->etag[0] ? slot->etag : NULL};
}

static void begin_next(struct slot *slot);

static void start(struct slot *slot)
{
    slot->op.doing = "delete";
    slot->op.name = slot->blob->name;
    az_op_start(slot->removal->az, &slot->op);
}

/* It has its fate, or failed. */
static void end_blob(struct slot *slot, enum store_fate fate, const struct error *why)
{
    struct removal *removal = slot->removal;
    slot->blob->fate = fate;
    if (why && removal->error.code == ERROR_NONE)
        removal->error = *why;
    removal->busy--;
    begin_next(slot);
}

static void refuse(struct slot *slot, enum error_code code, const char *why)
{
    struct error err = ERROR_INIT;
    (void) error_set(&err, code, "%s in lake %s %s", slot->blob->name,
                     slot->removal->az->base.address, why);
    end_blob(slot, STORE_STAYS, &err);
}

static void on_look(struct slot *slot, const struct az_answer *answer)
{
    struct az_is is = {.mark = ""};
    if (answer->status == 404) {
        end_blob(slot, STORE_GONE, NULL);
        return;
    }
    if (answer->error.code != ERROR_NONE) {
        end_blob(slot, STORE_STAYS, &answer->error);
        return;
    }
    if (slot->removal->az->lost) {
        end_blob(slot, STORE_STAYS, &slot->removal->az->broken);
        return;
    }
    az_is_read(answer->response, &is);
    if (!is.mark[0] && !slot->blob->anyones) {
        refuse(slot, ERROR_EXISTS, "was not written by weir: it is not deleted");
    } else if (slot->blob->sized && is.size != slot->blob->size) {
        end_blob(slot, STORE_CHANGED, NULL);
    } else if (!is.etag[0]) {
        refuse(slot, ERROR_SERVICE, "cannot be deleted: the service told no ETag of it");
    } else {
        memcpy(slot->etag, is.etag, sizeof slot->etag);
        start(slot);
    }
}

static void on_delete(struct slot *slot, const struct az_answer *answer)
{
    bool changed = answer->status == 412 && !str_starts(answer->code, STR("Lease"));
    if (answer->error.code == ERROR_NONE || answer->status == 404) {
        end_blob(slot, STORE_GONE, NULL);
    } else if (!changed) {
        end_blob(slot, STORE_STAYS, &answer->error);
    } else if (++slot->rounds >= AZ_ROUNDS_MAX) {
        refuse(slot, ERROR_SERVICE, "cannot be deleted: it keeps changing");
    } else {
        slot->etag[0] = '\0';
        start(slot);
    }
}

static void done(struct az_op *op, const struct az_answer *answer)
{
    struct slot *slot = slot_of(op);
    (slot->etag[0] ? on_delete : on_look)(slot, answer);
}

/* After a failure nothing is begun any more. */
static void begin_next(struct slot *slot)
{
    struct removal *removal = slot->removal;
    struct error why = ERROR_INIT;
    if (removal->next == removal->n || removal->error.code != ERROR_NONE) {
        removal->ended = removal->busy == 0;
        return;
    }
    slot->blob = &removal->blobs[removal->next++];
    slot->etag[0] = '\0';
    slot->rounds = 0;
    removal->busy++;
    if (az_address_place(&removal->az->address, slot->blob->name, &slot->place, &why)) {
        start(slot);
        return;
    }
    removal->error = why;
    removal->busy--;
    removal->ended = removal->busy == 0;
}

static bool run(struct az *az, struct removal *removal, struct slot *slots, size_t n,
                struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        slots[i] = (struct slot){.op = {.ask = ask, .done = done}, .removal = removal};
        begin_next(&slots[i]);
    }
    bool ok = az_wait(az, &removal->ended, err);
    for (size_t i = 0; i < n; i++)
        az_op_cancel(az, &slots[i].op);
    return ok && (removal->error.code == ERROR_NONE || error_pass(err, &removal->error));
}

bool az_remove(struct store *store, struct store_unwanted *blobs, size_t n, struct error *err)
{
    struct az *az = az_of(store);
    struct removal removal = {.az = az, .blobs = blobs, .n = n};
    size_t width = n < AZ_DELETES_MAX ? n : AZ_DELETES_MAX;
    if (!az_settle(az, n == 1 ? blobs[0].name : NULL, err) || !az_may_write(az, err) ||
        !az_nudge(az, err))
        return false;
    struct slot *slots = mem_alloc(width, sizeof *slots, err);
    bool ok = slots && run(az, &removal, slots, width, err);
    mem_free(slots);
    return ok;
}
