/* Assertions: a certificate's proof of who an application is (docs/service.md section 2.4). Internal. */
#ifndef WEIR_AZURE_ASSERTION_H
#define WEIR_AZURE_ASSERTION_H

#include "base/secret.h"

enum { AZURE_ASSERTION_MAX = 16 * 1024 };

/* Signs a client assertion (JSON Web Token, PS256) with the private key in `material` for the application and the
 * token endpoint `audience`. The rest, with its errors, as certificate_read has it. */
bool azure_assertion(const char *name, struct str material, const struct secret *password,
                     const char *client_id, const char *audience, struct secret *out,
                     struct error *err);

#endif
