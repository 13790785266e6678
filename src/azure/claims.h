/* Claims: what a token says of the identity it was made for. Internal to this room.
 *
 * A token is a JSON Web Token (RFC 7519): three parts in base64url, divided by dots, the second of which is
 * a JSON object. It is read to know oneself, never to believe others: no signature is looked at.
 */
#ifndef WEIR_AZURE_CLAIMS_H
#define WEIR_AZURE_CLAIMS_H

#include "azure/credential.h"

/* Takes oid, tid and appid (v2: azp), each only when it is a GUID. False: not a token of this form. */
bool claims_read(struct str token, struct azure_who *out);

#endif
