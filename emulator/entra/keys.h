/* Keys: what the client signs in with beside its secret: a certificate of its own, and a token of an
 * outside issuer that is trusted for it. Both are made at the start; nothing changes afterwards. */
#ifndef WEIR_EMULATOR_ENTRA_KEYS_H
#define WEIR_EMULATOR_ENTRA_KEYS_H

#include "base/text.h"

/* Who issues the federated token, of whom it speaks, and for whom it is. */
#define KEYS_ISSUER "https://oidc.weir.example/emulator"
#define KEYS_SUBJECT "system:serviceaccount:weir:exporter"
#define KEYS_AUDIENCE "api://AzureADTokenExchange"

struct keys;

/* An RSA key of 2,048 bits, and a certificate for it that it signs itself. */
struct keys *keys_new(struct error *err);
void keys_free(struct keys *keys);

/* Appends the certificate and its private key as PEM. Wipe it after use. */
bool keys_put_certificate(const struct keys *keys, struct buf *out, struct error *err);

/* Appends a federated token, good for a day from `now` (seconds since 1970): RS256, with the same
 * key. */
bool keys_put_federated(const struct keys *keys, int64_t now, struct buf *out, struct error *err);

/* The certificate is the one of a header's x5t (SHA-1) or x5t#S256 (SHA-256), in base64url. */
bool keys_is_thumbprint(const struct keys *keys, struct str x5t, bool sha256);

/* The signature of an RS256 or PS256 token fits. */
bool keys_verify(const struct keys *keys, bool pss, struct str text, struct str signature);

#endif
