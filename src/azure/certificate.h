/* Certificates: a private key and its certificate, as text or file holds them. Internal to this room. */
#ifndef WEIR_AZURE_CERTIFICATE_H
#define WEIR_AZURE_CERTIFICATE_H

#include "base/secret.h"

#include <openssl/types.h>

struct certificate {
    EVP_PKEY *key; /* RSA */
    X509 *certificate;
};
void certificate_release(struct certificate *certificate);

/* Reads PEM with a key and its certificate in any order, and maybe others of its chain; or PKCS #12, as it is or
 * in base64, the form in which Key Vault gives the certificates that it makes. `password` may be NULL or empty.
 * `name` says where the text is from, for messages. ERROR_SETTINGS for a text that has not both, a key that is
 * not RSA, one that the password does not open; ERROR_AUTH for a certificate that has expired. */
bool certificate_read(const char *name, struct str text, const struct secret *password,
                      struct certificate *out, struct error *err);

#endif
