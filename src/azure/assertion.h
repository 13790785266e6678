/* Assertions: a certificate's proof of who an application is (docs/service.md section 2.4). Internal. */
#ifndef WEIR_AZURE_ASSERTION_H
#define WEIR_AZURE_ASSERTION_H

#include "base/secret.h"

enum { AZURE_ASSERTION_MAX = 16 * 1024 };

/* Signs a client assertion (JSON Web Token, PS256) with the private key in `pem` for the application and the
 * token endpoint `audience`. `pem` holds that key and its certificate in any order, and maybe more
 * certificates; `password` is NULL or opens an encrypted key. `name` says where the text is from, for
 * messages. ERROR_SETTINGS for a text that has not both, a key that is not RSA, an encrypted key without the
 * right password; ERROR_AUTH for a certificate that has expired. */
bool azure_assertion(const char *name, struct str pem, const struct secret *password,
                     const char *client_id, const char *audience, struct secret *out,
                     struct error *err);

#endif
