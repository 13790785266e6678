/* Containers and blobs of a played Blob service; see blobs_parts.h. */
#include "blobs_parts.h"

#include <stdio.h>
#include <stdlib.h>

void blobs_must(bool ok)
{
    if (!ok)
        abort();
}

static size_t position(const struct blobs *b, const char *name)
{
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(b->blobs[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct blob *kept_find(const struct blobs *b, const char *name)
{
    size_t at = position(b, name);
    return at < b->n && strcmp(b->blobs[at]->name, name) == 0 ? b->blobs[at] : NULL;
}

struct blob *kept_make(struct blobs *b, const char *name)
{
    struct blob *blob = kept_find(b, name);
    if (blob)
        return blob;
    if (b->n == b->room) {
        b->room = b->room ? b->room * 2 : 64;
        b->blobs = realloc(b->blobs, b->room * sizeof(struct blob *));
        blobs_must(b->blobs);
    }
    size_t at = position(b, name);
    memmove(&b->blobs[at + 1], &b->blobs[at], (b->n - at) * sizeof(struct blob *));
    b->blobs[at] = blob = calloc(1, sizeof *blob);
    blobs_must(blob);
    (void) snprintf(blob->name, sizeof blob->name, "%s", name);
    b->n++;
    return blob;
}

void kept_drop_blocks(struct blob *blob)
{
    for (size_t i = 0; i < blob->n_blocks; i++)
        free(blob->blocks[i].bytes);
    free(blob->blocks);
    blob->blocks = NULL;
    blob->n_blocks = 0;
}

void kept_drop(struct blobs *b, struct blob *blob)
{
    size_t at = position(b, blob->name);
    memmove(&b->blobs[at], &b->blobs[at + 1], (b->n - at - 1) * sizeof(struct blob *));
    b->n--;
    kept_drop_blocks(blob);
    free(blob->bytes);
    free(blob);
}

void kept_md5(struct blobs *b, const char *bytes, size_t n, char out[AZ_MD5_TEXT])
{
    unsigned char sum[STORE_MD5];
    az_md5_begin(&b->md5);
    az_md5_add(&b->md5, bytes, n);
    blobs_must(az_md5_end(&b->md5, sum, NULL));
    az_base64(sum, sizeof sum, out);
}

void kept_set(struct blobs *b, struct blob *blob, const char *bytes, size_t n)
{
    char *copy = malloc(n + 1);
    blobs_must(copy);
    memcpy(copy, n > 0 ? bytes : "", n);
    free(blob->bytes);
    blob->bytes = copy;
    blob->n = n;
    blob->etag = ++b->etags;
    blob->committed = true;
    kept_md5(b, copy, n, blob->md5);
}

int kept_container(const struct blobs *b, const char *name)
{
    for (size_t i = 0; i < b->n_containers; i++)
        if (strcmp(b->containers[i].name, name) == 0)
            return (int) i;
    return -1;
}

void kept_make_container(struct blobs *b, const char *name)
{
    if (kept_container(b, name) >= 0)
        return;
    blobs_must(b->n_containers < CONTAINERS);
    (void) snprintf(b->containers[b->n_containers++].name, 80, "%s", name);
}

bool kept_immutable(const struct blobs *b, const char *container)
{
    int at = kept_container(b, container);
    return at >= 0 && b->containers[at].immutable;
}
