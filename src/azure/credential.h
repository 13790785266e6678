/* Credentials: who weir is, and tokens for the services it talks to.
 *
 * A credential is looked for once, when the first token is needed, in a fixed order (sources.c), and a
 * failure says what was tried. Tokens live in memory, one for each audience, are renewed before they end
 * (5 minutes, or a tenth of their life when that is less), and are wiped when freed. Secrets are read
 * from their reference each time they are needed and wiped after use; they stand in no error text.
 * A credential belongs to the thread of its http client.
 */
#ifndef WEIR_AZURE_CREDENTIAL_H
#define WEIR_AZURE_CREDENTIAL_H

#include "base/random.h"
#include "http/http.h"

enum {
    AZURE_SECRET_MAX = 16 * 1024,
    AZURE_TOKEN_MAX = 24 * 1024,
    AZURE_AUDIENCES_MAX = 8,
    AZURE_HEADER_MAX = AZURE_TOKEN_MAX + 64 /* of the buffer for azure_credential_header */
};

struct azure_cloud {
    const char *name;                        /* public, usgovernment, china */
    const char *authority;                   /* https://login.microsoftonline.com */
    const char *query_endpoint;              /* https://api.loganalytics.azure.com */
    const char *query_audience;              /* https://api.loganalytics.io */
    const char *arm_endpoint, *arm_audience; /* Resource Manager: https://management.azure.com */
    const char *storage_audience;
};
const struct azure_cloud *azure_cloud_find(const char *name); /* NULL: unknown */

/* A secret by reference: env:NAME, file:PATH (mode 0600). Anything else is ERROR_SETTINGS with the three
 * ways (and never shown, since it may be the secret itself). Wipe the buffer after use. */
bool azure_secret_read(const char *reference, struct buf *out, struct error *err);
/* Only the form of a reference, for settings that are read long before the secret is needed. */
bool azure_secret_check(const char *reference, struct error *err);

struct azure_credential_options {
    const char *tenant, *client_id; /* NULL: not given */
    const char *client_secret;      /* a reference, never a value */
    const char *authority;          /* NULL: AZURE_AUTHORITY_HOST, or the public cloud's */
};

struct azure_credential;
/* Copies the options, asks nobody. ERROR_SETTINGS for options that can never work. */
struct azure_credential *azure_credential_new(struct http_client *http,
                                              const struct azure_credential_options *options,
                                              struct error *err);
void azure_credential_free(struct azure_credential *credential);

/* Puts "Authorization: Bearer ..." for an audience into header (reset first; wiped by the caller with
 * mem_wipe). Asks the authority when there is no token or it ends soon; requests of the same http client
 * proceed meanwhile. Not from inside a call-back of the client. ERROR_AUTH lists what was tried, in order,
 * in the hint; ERROR_NETWORK when the authority cannot be reached. */
bool azure_credential_header(struct azure_credential *credential, const char *audience,
                             struct buf *header, struct error *err);

/* The service refused the token: the next header is made from a new one. */
void azure_credential_refused(struct azure_credential *credential, const char *audience);

/* For the ledger: "application 1234... of tenant ...", no secret in it; "nobody yet" before the first
 * token. Valid until the next azure_credential_header. */
const char *azure_credential_identity(const struct azure_credential *credential);

/* Who the token for an audience says that we are: GUIDs, each "" when it does not say. It is our own
 * statement to the service: nothing is verified. */
struct azure_who {
    char object[GUID_TEXT]; /* of the user or service principal: what roles are assigned to */
    char tenant[GUID_TEXT], application[GUID_TEXT];
};
/* Asks for a token as azure_credential_header does, with its errors. */
bool azure_credential_who(struct azure_credential *credential, const char *audience,
                          struct azure_who *out, struct error *err);

#endif
