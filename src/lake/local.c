/* The workspace of what comes from none: see local.h. */
#include "lake/local.h"

#include "base/hash.h"
#include "lake/catalog.h"

enum { GUID_BYTES = 16 };

const char lake_local_resource_id[] =
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local/providers/"
    "microsoft.operationalinsights/workspaces/local";
const char lake_local_workspace_id[] = "00000000-0000-0000-0000-000000000000";

/* RFC 9562, 6.6: names that are URLs. */
static const unsigned char url_space[GUID_BYTES] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                                    0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

bool lake_local_guid(const unsigned char space[GUID_BYTES], struct str name,
                     char out[LAKE_GUID_MAX], struct error *err)
{
    unsigned char sum[HASH_SHA256_SIZE];
    struct hash_sha256 *hash = hash_sha256_new(err);
    if (!hash)
        return false;
    hash_sha256_add(hash, space, GUID_BYTES);
    hash_sha256_add(hash, name.p, name.n);
    bool ok = hash_sha256_end(hash, sum, err);
    hash_sha256_free(hash);
    if (!ok)
        return false;
    sum[6] = (unsigned char) ((sum[6] & 0x0f) | 0x80); /* version 8 */
    sum[8] = (unsigned char) ((sum[8] & 0x3f) | 0x80); /* variant */
    for (size_t i = 0, at = 0; i < GUID_BYTES; i++, at += 2) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        text_hex(&sum[i], 1, out + at);
    }
    return true;
}

/* That of the table where the lake has several of one resource id; else the first. */
static const struct lake_table *find_table(const struct lake_tables *tables,
                                           const char *resource_id, const char *table)
{
    const struct lake_table *found = NULL;
    for (size_t i = 0; i < tables->n; i++) {
        const struct lake_table *t = &tables->v[i];
        if (!t->workspace_id || !t->resource_id ||
            !str_eq_case(str_of(t->resource_id), str_of(resource_id)))
            continue;
        if (t->name && table && str_eq(str_of(t->name), str_of(table)))
            return t;
        found = found ? found : t;
    }
    return found;
}

static bool guid_of_resource(const char *resource_id, char out[LAKE_GUID_MAX], struct error *err)
{
    struct buf url = BUF_INIT(LAKE_NAME_MAX);
    buf_puts(&url, "https://management.azure.com");
    for (const char *c = resource_id; *c; c++)
        buf_putc(&url, *c >= 'A' && *c <= 'Z' ? (char) (*c - 'A' + 'a') : *c);
    bool ok =
        buf_ok(&url, "a resource id", err) && lake_local_guid(url_space, buf_str(&url), out, err);
    buf_release(&url);
    return ok;
}

bool lake_local_workspace(struct store *store, const char *resource_id, const char *table,
                          char out[LAKE_GUID_MAX], bool *there, struct error *err)
{
    struct lake_tables tables = {0};
    if (there)
        *there = false;
    if (!lake_tables_find(store, &tables, err))
        return false;
    const struct lake_table *found = find_table(&tables, resource_id, table);
    bool ok = true;
    if (found && strlen(found->workspace_id) < LAKE_GUID_MAX)
        (void) memcpy(out, found->workspace_id, strlen(found->workspace_id) + 1);
    else if (str_eq_case(str_of(resource_id), str_of(lake_local_resource_id)))
        (void) memcpy(out, lake_local_workspace_id, LAKE_GUID_MAX);
    else
        ok = guid_of_resource(resource_id, out, err);
    if (there)
        *there = found != NULL;
    lake_tables_release(&tables);
    return ok;
}
