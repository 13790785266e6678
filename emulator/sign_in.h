/* Sign-in: what serve makes so that clients can sign in by other ways than the secret: a certificate, a
 * federated token, device codes, managed identities with their own listener, a Key Vault. */
#ifndef WEIR_EMULATOR_SIGN_IN_H
#define WEIR_EMULATOR_SIGN_IN_H

#include "emulator/places.h"
#include "emulator/service.h"

struct sign_in_options {
    const char *device;      /* what the person does with a device code: entra/devices.h */
    const char *secrets;     /* of the vault: "NAME=FILE,..."; NULL: none */
    const char *imds_faults; /* imds.h; NULL: none */
};

/* All zero before sign_in_make. The paths are absolute. */
struct sign_in {
    struct server *imds;
    struct buf imds_endpoint; /* http://127.0.0.1:4712 */
    struct buf msi_header;    /* the value of X-IDENTITY-HEADER */
    struct buf certificate_file, federated_file, msi_header_file;
    struct buf identity_resource; /* id of the user-assigned identity */
};

/* Makes keys and files, and hands the parts to the service, which must not answer yet.
 * sign_in_release is due in any case. */
bool sign_in_make(struct sign_in *sign_in, const struct sign_in_options *options,
                  const struct places *places, const char *group, struct service *service,
                  struct error *err);

/* Listens for managed identities at the address (without its port) of `listen`. */
bool sign_in_listen(struct sign_in *sign_in, const char *listen, struct bell *bell,
                    struct service *service, struct error *err);

/* Answers no more. */
void sign_in_stop(struct sign_in *sign_in);
void sign_in_release(struct sign_in *sign_in, struct service *service);

#endif
