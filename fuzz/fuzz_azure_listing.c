/* A listing of a storage account: whatever comes, in pieces of any size, it is read alike or refused. */
#include "store/azure/listing.h"

#include <stdlib.h>

enum { DIGEST_MAX = 1 << 20 };

static bool note(void *context, const struct az_listed *entry, struct error *err)
{
    struct buf *digest = context;
    if (entry->name.n == 0 || entry->name.n > AZ_VALUE_MAX)
        abort();
    buf_put_str(digest, entry->name);
    buf_printf(digest, ":%llu:%d%d%d\n", (unsigned long long) entry->size, entry->folder,
               entry->append, entry->has_md5);
    return buf_ok(digest, "a digest", err);
}

static bool read_in(const char *bytes, size_t size, size_t step, struct buf *digest)
{
    const char *marker = "";
    struct az_listing *listing = az_listing_new(note, digest, NULL);
    if (!listing)
        abort();
    bool ok = true;
    buf_reset(digest);
    for (size_t at = 0; ok && at < size; at += step)
        ok = az_listing_add(listing, bytes + at, size - at < step ? size - at : step, NULL);
    ok = ok && az_listing_end(listing, &marker, NULL);
    if (ok)
        buf_puts(digest, marker);
    az_listing_free(listing);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = BUF_INIT(DIGEST_MAX), pieces = BUF_INIT(DIGEST_MAX);
    char *exact = malloc(size > 0 ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    bool first = read_in(exact, size, size + 1, &whole);
    bool second = read_in(exact, size, 7, &pieces);
    if (first != second || (first && !str_eq(buf_str(&whole), buf_str(&pieces))))
        abort();
    buf_release(&whole);
    buf_release(&pieces);
    free(exact);
    return 0;
}
