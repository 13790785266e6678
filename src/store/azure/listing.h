/* The XML of List Blobs and List Containers, read as it comes (docs/service.md section 4.2). */
#ifndef WEIR_STORE_AZURE_LISTING_H
#define WEIR_STORE_AZURE_LISTING_H

#include "store/store.h"

enum {
    AZ_MARKER_MAX = 8 * 1024, /* bytes of a NextMarker */
    AZ_VALUE_MAX = 8 * 1024   /* of any text that is looked at */
};

struct az_listed {
    struct str name; /* lent for the call; not empty, may hold anything */
    bool
        folder; /* a BlobPrefix, with its slash behind, or a directory of a hierarchical namespace */
    bool append, has_md5;
    uint64_t size;
    int64_t modified, created; /* ticks; 0: not told */
    uint64_t version;          /* of the ETag; 0: not told */
    unsigned char md5[STORE_MD5];
};

struct az_listing; /* one page */
/* `fn` is called for each entry (a blob, a folder, a container), in the order of the page; false with err ends it. */
struct az_listing *az_listing_new(bool (*fn)(void *context, const struct az_listed *entry,
                                             struct error *err),
                                  void *context, struct error *err);
void az_listing_free(struct az_listing *listing);
/* For the page's next try: from the beginning. */
bool az_listing_reset(struct az_listing *listing, struct error *err);
/* Bytes as they come. ERROR_FORMAT for what is no listing; what `fn` said. */
bool az_listing_add(struct az_listing *listing, const char *bytes, size_t n, struct error *err);
/* The page has ended: is it whole? *marker: where the next begins, lent; "": this was the last. */
bool az_listing_end(struct az_listing *listing, const char **marker, struct error *err);

#endif
