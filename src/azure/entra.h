/* Entra: tokens from Microsoft's sign-in service (docs/service.md section 2). Internal to this room. */
#ifndef WEIR_AZURE_ENTRA_H
#define WEIR_AZURE_ENTRA_H

#include "azure/credential.h"

struct azure_token {
    struct buf
        text;    /* room for all of it from the start: a growing buffer would leave copies behind */
    double life; /* seconds from now */
};
bool azure_token_init(struct azure_token *token, struct error *err);
void azure_token_release(struct azure_token *token); /* wipes */

/* The client credentials flow (section 2.2). */
struct entra_application {
    const char *authority; /* https://login.microsoftonline.com */
    const char *tenant, *client_id;
    struct str secret;
};

/* ERROR_AUTH with Entra's own text and what it means; ERROR_NETWORK, ERROR_TIMEOUT when it cannot be
 * reached; ERROR_SERVICE, ERROR_THROTTLED when it is in trouble itself; ERROR_FORMAT for an answer that is none; ERROR_SETTINGS for a tenant that is no name. */
bool entra_application_token(struct http_client *http, const struct entra_application *application,
                             const char *audience, struct azure_token *out, struct error *err);

#endif
