/* Chain: the sources of a credential, asked in their order until one gives a token. Internal to this room.
 *
 * The search is made once. The source that gave the first token gives all others; what was told of those before it
 * is kept, for explanations.
 */
#ifndef WEIR_AZURE_CHAIN_H
#define WEIR_AZURE_CHAIN_H

#include "azure/sources.h"

struct azure_chain {
    struct azure_search given;
    const struct azure_source *source; /* NULL: not found yet */
    bool second; /* without settings: it opens the vault that their secret lies in */
    bool asking; /* a source is being asked */
    struct buf told[AZURE_SOURCES_MAX]; /* of the last search: why each was passed over */
    bool failed[AZURE_SOURCES_MAX];     /* of the last search: it ended here */
    struct buf identity;                /* who signed in */
};
/* Takes all room that its explanations need: they do not fail later. */
bool chain_init(struct azure_chain *chain, const struct azure_search *given, struct error *err);
void chain_release(struct azure_chain *chain);

/* Asks the source that was found, or looks for one; `quiet` leaves out the one that talks to the user. Errors as
 * azure_credential_header has them. */
bool chain_ask(struct azure_chain *chain, const char *audience, bool quiet, struct azure_token *out,
               struct error *err);

/* Tells each source once, in order; asks nobody. `who` is what the token says. */
void chain_tell(struct azure_chain *chain, const struct azure_who *who,
                void (*fn)(void *context, const struct azure_told *told), void *context);

#endif
