/* Credentials: who weir is, and tokens for the services it talks to.
 *
 * A credential has sources (sources.h), tried in a fixed order when the first token is needed: settings,
 * environment, workload identity, managed identity, Azure CLI, device code. One that is not set up is passed
 * over; one that is set up and fails ends the search, so that nobody is signed in as somebody else by
 * accident. The first that gives a token is the only one asked from then on. A failure says all that was
 * tried.
 *
 * Tokens live in memory, one for each audience, are renewed before they end (5 minutes, or a tenth of
 * their life when that is less; by the wall clock and by the monotonic one), and are wiped when freed.
 * Secrets are read from their reference each time they are needed; they stand in no error text.
 * A credential belongs to the thread of its http client.
 */
#ifndef WEIR_AZURE_CREDENTIAL_H
#define WEIR_AZURE_CREDENTIAL_H

#include "base/random.h"
#include "base/secret.h"
#include "http/http.h"

enum {
    AZURE_SECRET_MAX = 16 * 1024,
    AZURE_TOKEN_MAX = 24 * 1024,
    AZURE_AUDIENCES_MAX = 8,
    AZURE_HEADER_MAX = AZURE_TOKEN_MAX + 64 /* of the buffer for azure_credential_header */
};

/* One of Microsoft's clouds (docs/service.md section 2.9). */
struct azure_cloud {
    const char *name;                        /* public, usgovernment, china */
    const char *authority;                   /* https://login.microsoftonline.com */
    const char *query_endpoint;              /* https://api.loganalytics.azure.com */
    const char *query_audience;              /* https://api.loganalytics.io */
    const char *arm_endpoint, *arm_audience; /* Resource Manager: https://management.azure.com */
    const char *storage_audience;            /* https://storage.azure.com */
    const char *storage_suffix;              /* core.windows.net */
    const char *blob_suffix, *dfs_suffix;    /* blob.core.windows.net, dfs.core.windows.net */
    const char *vault_suffix;                /* vault.azure.net */
    const char *vault_audience;              /* https://vault.azure.net */
};
const struct azure_cloud *azure_cloud_find(const char *name); /* NULL: unknown */

struct azure_credential_options {
    const struct azure_cloud *cloud;  /* NULL: the public one; lent */
    const char *tenant, *client_id;   /* NULL: not given */
    const char *client_secret;        /* a reference, never a value */
    const char *certificate;          /* a reference: certificate and private key (PEM, PKCS #12) */
    const char *certificate_password; /* a reference; NULL: the key is not encrypted */
    const char
        *federated_token_file; /* path of a token of an outside issuer, read anew each time */
    const char
        *managed_identity; /* client id or resource id of a user-assigned one; NULL: the system's */
    const char *sign_in; /* the one source to use, as azure_sign_in_names has it; NULL: in order */
    const char *authority; /* NULL: AZURE_AUTHORITY_HOST, or the cloud's */
    /* Shows a line to the user, at once: what to type in where, for the device code. NULL: nobody is
     * there to read it, and the device code is passed over. */
    void (*tell)(void *context, const char *line);
    void *context;
    const struct stop *stop; /* for waits outside the http client; NULL: none; lent */
};
/* auto, settings, environment, workload, managed, cli, device; NULL ends the list. */
extern const char *const azure_sign_in_names[];

struct azure_credential;
/* Copies the options, asks nobody. ERROR_SETTINGS for options that can never work: a secret given as a value, a
 * source that is none, two kinds of proof at once. */
struct azure_credential *azure_credential_new(struct http_client *http,
                                              const struct azure_credential_options *options,
                                              struct error *err);
void azure_credential_free(struct azure_credential *credential);

/* A secret by reference, into *out (SECRET_INIT or one made before, which is wiped): env:NAME, file:PATH (mode
 * 0600), keyvault://VAULT/NAME[/VERSION], where VAULT is a vault's name in the credential's cloud, or, with a
 * '.' or ':' in it, a host[:port] as it stands. Anything else is ERROR_SETTINGS with the three ways (and never
 * shown, since it may be the secret itself). Read it again when a service refuses it: it may have been rotated.
 * Key Vault asks for a token, with that one's errors; ERROR_AUTH names the role that is missing;
 * ERROR_NOT_FOUND; ERROR_SETTINGS for a secret that is disabled or has expired; THROTTLED, SERVICE, NETWORK,
 * TIMEOUT when the vault is in trouble. The credential may be NULL: then Key Vault is ERROR_SETTINGS.
 * Not from inside a call-back of the http client. */
bool azure_secret_read(struct azure_credential *credential, const char *reference,
                       struct secret *out, struct error *err);
/* Only the form of a reference, for settings that are read long before the secret is needed. */
bool azure_secret_check(const char *reference, struct error *err);

/* Puts "Authorization: Bearer ..." for an audience into header (reset first; wiped by the caller with
 * mem_wipe). Asks the authority when there is no token or it ends soon; requests of the same http client
 * proceed meanwhile. Not from inside a call-back of the client. ERROR_AUTH lists what was tried, in order,
 * in the hint; ERROR_NETWORK when the authority cannot be reached. */
bool azure_credential_header(struct azure_credential *credential, const char *audience,
                             struct buf *header, struct error *err);

/* Whether a text holds the beginning or the end of a token that this credential has given out: a service (or a
 * company's proxy) that quotes what it was sent must not bring it into an error. */
bool azure_credential_within(const struct azure_credential *credential, struct str text);

/* The service refused the token: the next header is made from a new one. */
void azure_credential_refused(struct azure_credential *credential, const char *audience);

/* With many requests under way the refusals of an old token still come in when a new one is there already. So
 * a caller notes the number of the token that it sends (0: none yet), and gives it back with the refusal:
 * nothing happens when the token has been renewed since. */
unsigned azure_credential_number(const struct azure_credential *credential, const char *audience);
void azure_credential_refused_number(struct azure_credential *credential, const char *audience,
                                     unsigned number);

/* What there is to know of each source, in order, for `weir check`. */
struct azure_told {
    const char *
        name; /* settings, environment, workload identity, managed identity, Azure CLI, device code */
    const char *what; /* one line: what it found or lacks */
    bool used;        /* the token is of this one */
    bool failed;      /* it is set up but gave none: the search ended here */
};
/* Signs in for the audience if that has not been done, then tells each source once, and ends true: a sign-in that
 * failed is told in `what` of the source that failed, not in err. Never uses the device code for it: that
 * one is only described. False: err, for what is not about signing in (memory, an interruption). */
bool azure_credential_explain(struct azure_credential *credential, const char *audience,
                              void (*fn)(void *context, const struct azure_told *told),
                              void *context, struct error *err);

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
