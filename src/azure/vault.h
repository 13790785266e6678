/* Vault: secrets of Azure Key Vault (docs/service.md section 2.10). Internal to this room. */
#ifndef WEIR_AZURE_VAULT_H
#define WEIR_AZURE_VAULT_H

#include "azure/credential.h"

#define AZURE_VAULT_SCHEME "keyvault://"

/* Whether a reference has the form keyvault://VAULT/NAME[/VERSION]. */
bool vault_is_reference(const char *reference);

/* Reads the secret as azure_secret_read does, with tokens of `by`. The vault is asked without one first: its
 * challenge says for which resource it wants it. */
bool vault_read(struct http_client *http, struct azure_credential *by,
                const struct azure_cloud *cloud, const char *reference, struct secret *out,
                struct error *err);

/* env: and file: references, which need no one's help; checked before. */
bool azure_secret_local(const char *reference, struct secret *out, struct error *err);

#endif
