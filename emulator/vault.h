/* Vault: secrets of a Key Vault, each of them the text of a file that is read again at every request:
 * whoever writes the file rotates the secret (docs/service.md 2.10).
 *
 *     the file is not there   404 SecretNotFound
 *     the file is empty       the secret is disabled: 403 Forbidden
 *
 * A version is named by a hash of the text. The versions that were ever given out can be asked for
 * again. Safe for threads. */
#ifndef WEIR_EMULATOR_VAULT_H
#define WEIR_EMULATOR_VAULT_H

#include "emulator/service.h"

struct vault;

/* `list` is "NAME=FILE,...": names of letters, digits and dashes. NULL: no secrets. */
struct vault *vault_new(const char *list, struct error *err);
void vault_free(struct vault *vault);

/* GET /secrets/{name}[/{version}]. False: not a path of the vault. */
bool vault_answer(struct service *service, const struct server_request *request,
                  struct server_reply *reply);

#endif
