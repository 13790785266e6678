/* Applications: a service principal and its proof, be it a secret, a certificate, or a token of an outside issuer
 * (docs/service.md sections 2.2, 2.4). Internal to this room. */
#ifndef WEIR_AZURE_APPLICATION_H
#define WEIR_AZURE_APPLICATION_H

#include "azure/sources.h"

/* Exactly one proof is given. All lent. */
struct azure_application {
    const char *tenant, *client_id;
    const char *secret;                        /* a reference */
    const char *certificate, *password;        /* references; password may be NULL */
    const char *certificate_path, *token_file; /* paths */
};

/* Signs in as the application. Each time the proof is read anew, so that it may be rotated. */
enum azure_outcome azure_application_ask(const struct azure_search *search,
                                         const struct azure_application *application,
                                         const char *audience, struct azure_token *out,
                                         struct error *err);

/* "application … of tenant …" */
void azure_application_identify(const struct azure_application *application,
                                const struct azure_who *who, struct buf *out);

#endif
