/* IMDS: managed identities, as a virtual machine gets their tokens from the metadata address
 * (docs/service.md 2.5) and as App Service gives them (2.6). It has a listener of its own, which
 * speaks plain HTTP always.
 *
 *     GET /metadata/identity/oauth2/token   header Metadata: true, api-version 2018-02-01 or later
 *     GET /msi/token                        header X-IDENTITY-HEADER, api-version 2019-08-01
 *                                           header secret, api-version 2017-09-01 */
#ifndef WEIR_EMULATOR_IMDS_H
#define WEIR_EMULATOR_IMDS_H

#include "emulator/service.h"

#define IMDS_PATH "/metadata/identity/oauth2/token"
#define IMDS_MSI_PATH "/msi/token"

struct imds;

/* `header` is the value of X-IDENTITY-HEADER, lent. `faults` is "404:2,429:1,500:1": the first two
 * requests are answered 404, the next one 429, the one behind it 500; NULL: none. */
struct imds *imds_new(const char *header, const char *faults, struct error *err);
void imds_free(struct imds *imds);

/* A server_handler whose context is a struct service *. */
void imds_handle(void *context, const struct server_request *request, struct server_reply *reply);

#endif
