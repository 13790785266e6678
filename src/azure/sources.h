/* Sources: where a credential can come from, in the order in which they are tried. Internal. */
#ifndef WEIR_AZURE_SOURCES_H
#define WEIR_AZURE_SOURCES_H

#include "azure/entra.h"

/* What a source found; texts are owned (mem_free). */
struct azure_grant {
    const struct azure_source *source;
    char *authority, *tenant, *client_id;
    char *secret; /* a reference */
};
void azure_grant_release(struct azure_grant *grant);

/* One row of the table: a new kind of credential is a new row. */
struct azure_source {
    const char *name; /* as the user reads it in "tried in this order" */
    /* Fills the grant; false: `why` says what is missing, or err what failed. Asks nobody. */
    bool (*find)(const struct azure_credential_options *options, struct azure_grant *grant,
                 struct buf *why, struct error *err);
    bool (*ask)(struct http_client *http, const struct azure_grant *grant, const char *audience,
                struct azure_token *out, struct error *err);
};

extern const struct azure_source azure_sources[];
extern const size_t azure_source_count;

#endif
