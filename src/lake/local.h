/* Local: where an import goes that comes from no workspace, or from one of which only the resource id is known.
 */
#ifndef WEIR_LAKE_LOCAL_H
#define WEIR_LAKE_LOCAL_H

#include "store/store.h"

enum { LAKE_GUID_MAX = 37 };

/* The workspace of what comes from none; its id is the GUID that is all zero. */
extern const char lake_local_resource_id[];
extern const char lake_local_workspace_id[];

/* The workspace id for a resource id of which no other is known: that which the lake has for it, that of `table` first; for
 * lake_local_resource_id the zero GUID; else one made from its name: version 8 of RFC 9562, the first 128 bits of
 * SHA-256 over the namespace of URLs and "https://management.azure.com" with the lower-case resource id behind. *there
 * (or NULL): the lake has it. */
bool lake_local_workspace(struct store *store, const char *resource_id, const char *table,
                          char out[LAKE_GUID_MAX], bool *there, struct error *err);

/* The name-based GUID of RFC 9562, 5.8 and B.2, in the namespace of the 16 bytes. */
bool lake_local_guid(const unsigned char space[16], struct str name, char out[LAKE_GUID_MAX],
                     struct error *err);

#endif
