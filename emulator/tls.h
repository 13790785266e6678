/* TLS: a certificate authority of the emulator's own and a server certificate that it signed. Both
 * live as long as the run; the authority's key is forgotten as soon as the one certificate is
 * signed. */
#ifndef WEIR_EMULATOR_TLS_H
#define WEIR_EMULATOR_TLS_H

#include "base/text.h"

#include <openssl/types.h>

struct tls_identity {
    struct buf authority;   /* PEM: the authority's certificate, for clients to trust */
    struct buf certificate; /* PEM: the server's */
    struct buf key;         /* PEM: the server's private key; wiped by tls_release */
};

/* Makes both for 127.0.0.1, ::1, localhost and `address` (a numeric address; NULL: none). EC keys
 * on P-256, good for a year from yesterday. tls_release is due in any case. */
bool tls_init(struct tls_identity *tls, const char *address, struct error *err);
void tls_release(struct tls_identity *tls);

/* A certificate for a client's key that the key itself signs; NULL: it cannot be made. The caller
 * frees it. */
X509 *tls_self_signed(EVP_PKEY *key, const char *common);

/* Each appends PEM. */
bool tls_put_certificate(X509 *x509, struct buf *out);
bool tls_put_key(EVP_PKEY *key, struct buf *out);

#endif
