/* Sources: where a credential can come from, in the order in which they are tried. Internal to this room.
 *
 * A source is one row of the table and one small file (source_*.c). It looks whether it is set up, which asks
 * nobody, and asks for a token, which may find only then that it is not (a machine without an identity, a CLI
 * to which nobody has signed in).
 */
#ifndef WEIR_AZURE_SOURCES_H
#define WEIR_AZURE_SOURCES_H

#include "azure/token.h"

enum { AZURE_SOURCES_MAX = 8, AZURE_WHY_MAX = 512 /* bytes of what is told of a source */ };

/* What sources are given; all lent by the credential. */
struct azure_search {
    struct http_client *http;
    const struct azure_credential_options *options;
    const char *authority; /* with its scheme */
    struct azure_credential
        *references;        /* for azure_secret_read: never the one that is signing in */
    struct secret *refresh; /* of the device code: what comes after the first token */
    bool alone;             /* no other source will be tried */
};

enum azure_outcome {
    AZURE_GOT,    /* a token */
    AZURE_PASSED, /* not set up: why tells what is lacking */
    AZURE_FAILED  /* set up, but err */
};

struct azure_source {
    const char *name;    /* as the user reads it in "tried in this order" */
    const char *sign_in; /* as the setting has it */
    /* Whether it is set up, with a line on what it found or lacks. */
    bool (*look)(const struct azure_search *search, struct buf *what);
    enum azure_outcome (*ask)(const struct azure_search *search, const char *audience,
                              struct azure_token *out, struct buf *why, struct error *err);
    /* Who that is, for people and the ledger: "application 1234… of tenant …". `who` is what the token says. */
    void (*identify)(const struct azure_search *search, const struct azure_who *who,
                     struct buf *out);
};

extern const struct azure_source *const azure_sources[];
extern const size_t azure_source_count;

extern const struct azure_source azure_source_settings, azure_source_environment,
    azure_source_workload, azure_source_managed, azure_source_cli, azure_source_device;

/* For several of them: a variable, NULL when it is not set or empty; the tenant that is configured, NULL: none. */
const char *azure_variable(const char *name);
const char *azure_tenant_of(const struct azure_search *search);

/* "A is set, B and C are not": what of a list is there; true when all of it is. */
struct azure_part {
    const char *name, *value;
};
bool azure_parts_there(const struct azure_part *parts, size_t n, const char *verb, struct buf *out);

#endif
