/* Credentials: who weir is, and tokens for the services it talks to.
 *
 * A credential is found once, in a fixed order, and says what it tried. Tokens live in memory, are
 * renewed before they end (5 minutes, or a tenth of their life when that is less), and are wiped when freed.
 */
#ifndef WEIR_AZURE_CREDENTIAL_H
#define WEIR_AZURE_CREDENTIAL_H

#include "http/http.h"

struct azure_cloud {
    const char *name;           /* public, usgovernment, china, or custom */
    const char *authority;      /* https://login.microsoftonline.com */
    const char *query_endpoint; /* https://api.loganalytics.azure.com */
    const char *query_audience; /* https://api.loganalytics.io */
    const char *arm_endpoint, *arm_audience;
    const char *storage_audience;
};
const struct azure_cloud *azure_cloud_find(const char *name); /* NULL: unknown */

/* A secret by reference: env:NAME, file:PATH (mode 0600). Anything else is refused with the three ways. */
bool azure_secret_read(const char *reference, struct buf *out, struct error *err);

struct azure_credential_options {
    const char *tenant, *client_id;
    const char *client_secret; /* a reference, never a value */
    const char *authority;     /* NULL: the cloud's */
};

struct azure_credential;
struct azure_credential *azure_credential_new(struct http_client *http,
                                              const struct azure_credential_options *options,
                                              struct error *err);
void azure_credential_free(struct azure_credential *credential);

/* Puts "Authorization: Bearer ..." for an audience into header (wiped by the caller with mem_wipe). Asks
 * the authority when there is no token or it ends soon. Failure lists what was tried, in order. */
bool azure_credential_header(struct azure_credential *credential, const char *audience,
                             struct buf *header, struct error *err);

/* The service refused the token: the next header is made from a new one. */
void azure_credential_refused(struct azure_credential *credential, const char *audience);

/* For the ledger: "application 1234... of tenant ...", no secret in it. Valid as long as the credential. */
const char *azure_credential_identity(const struct azure_credential *credential);

#endif
