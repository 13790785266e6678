/* Reads blobs, a range at a time; see store.h. */
#include "store/azure/azure.h"

#include "base/memory.h"
#include "store/azure/error.h"

enum { STATUS_NO_RANGE = 416 };

struct az_reader {
    struct store_reader base;
    struct az_place place;
    struct buf range; /* the bytes that were asked for last ... */
    size_t given;     /* ... of which so many are the caller's */
    uint64_t at;      /* where the next range begins */
    uint64_t size;    /* of the blob, as the first answer had it */
    bool known;       /* that answer is there */
    bool append;      /* it may grow, and then has another ETag */
    char etag[AZ_ETAG_MAX];
    char name[];
};

bool az_stat(struct store *store, const char *name, uint64_t *size, struct error *err)
{
    struct az *az = az_of(store);
    struct az_ask ask = {.method = "HEAD"};
    struct az_once once = {.ask = &ask, .doing = "read", .name = name};
    if (!az_address_place(&az->address, name, &ask.place, err) || !az_settle(az, name, err))
        return false;
    if (ask.place.rest.n == 0)
        return error_set(err, ERROR_NOT_FOUND, "%s is no blob of lake %s", name, az->base.address);
    if (!az_once(az, &once, err) || once.error.code != ERROR_NONE)
        return error_pass(err, &once.error);
    *size = once.is.size;
    return true;
}

/* The next range. An empty blob has none: then the service says so. */
static bool read_range(struct az_reader *reader, struct error *err)
{
    struct az *az = az_of(reader->base.store);
    struct az_ask ask = {.method = "GET",
                         .place = reader->place,
                         .if_match = reader->known && !reader->append ? reader->etag : NULL,
                         .ranged = true,
                         .from = reader->at,
                         .to = reader->at + AZ_RANGE - 1};
    struct az_once once = {.ask = &ask,
                           .doing = "read",
                           .name = reader->name,
                           .lane = AZ_READ,
                           .body = &reader->range};
    reader->given = 0;
    buf_reset(&reader->range);
    if (!az_once(az, &once, err))
        return false;
    if (once.status == STATUS_NO_RANGE && reader->at == 0) {
        reader->known = true;
        return true;
    }
    if (once.status == 412 && ask.if_match)
        return error_set(err, ERROR_PARTIAL, "%s in lake %s changed while it was read",
                         reader->name, az->base.address);
    if (once.error.code != ERROR_NONE)
        return error_pass(err, &once.error);
    if (!reader->known) {
        reader->known = true;
        reader->size = once.is.size;
        reader->append = once.is.append;
        memcpy(reader->etag, once.is.etag, sizeof reader->etag);
    }
    reader->at += reader->range.used;
    return reader->range.used > 0 || reader->size == 0 ||
           error_set(err, ERROR_PARTIAL, "%s in lake %s: the service gave none of its bytes",
                     reader->name, az->base.address);
}

struct store_reader *az_reader_new(struct store *store, const char *name, struct error *err)
{
    struct az *az = az_of(store);
    size_t n = strlen(name);
    if (!az_settle(az, name, err))
        return NULL;
    struct az_reader *reader = mem_alloc(1, sizeof *reader + n + 1, err);
    if (!reader)
        return NULL;
    reader->base.store = store;
    memcpy(reader->name, name, n + 1);
    buf_init(&reader->range, AZ_RANGE);
    bool ok = az_address_place(&az->address, reader->name, &reader->place, err);
    if (ok && reader->place.rest.n == 0)
        ok = error_set(err, ERROR_NOT_FOUND, "%s is no blob of lake %s", name, az->base.address);
    if (ok && read_range(reader, err)) /* now, so that what is not there is told here */
        return &reader->base;
    az_reader_free(&reader->base);
    return NULL;
}

bool az_reader_next(struct store_reader *base, void *to, size_t room, size_t *n, struct error *err)
{
    struct az_reader *reader = (struct az_reader *) (void *) base;
    if (reader->given == reader->range.used && reader->at < reader->size &&
        !read_range(reader, err))
        return false;
    size_t left = reader->range.used - reader->given;
    *n = left < room ? left : room;
    memcpy(to, *n > 0 ? reader->range.bytes + reader->given : "", *n);
    reader->given += *n;
    return true;
}

void az_reader_free(struct store_reader *base)
{
    struct az_reader *reader = (struct az_reader *) (void *) base;
    buf_release(&reader->range);
    mem_free(reader);
}
