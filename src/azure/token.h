/* Tokens: what a source gives, and the answers that they come in. Internal to this room.
 *
 * Answers of Entra, of the metadata service of a machine, of App Service and of the Azure CLI all hold the same
 * three things under different names and in different forms (docs/service.md sections 2.2, 2.5 to 2.8).
 */
#ifndef WEIR_AZURE_TOKEN_H
#define WEIR_AZURE_TOKEN_H

#include "azure/credential.h"

#include <jansson.h>

enum { TOKEN_ANSWER_MAX = 128 * 1024 };

struct azure_token {
    struct secret text;
    double life; /* seconds from now */
};
void azure_token_release(struct azure_token *token);

/* Takes a token from an object: access_token or accessToken, expires_in, expires_on, expiresOn, token_type
 * or tokenType. The texts in the object are wiped. *refresh (NULL: not wanted) becomes refresh_token when there is
 * one and stays what it is when there is none. ERROR_FORMAT when there is no token that can be sent. */
bool azure_token_take(json_t *answer, struct azure_token *out, struct secret *refresh,
                      struct error *err);
/* The same from the text; `who` answered, for the message. */
bool azure_token_read(struct str text, const char *who, struct azure_token *out,
                      struct secret *refresh, struct error *err);

/* The end of a token in seconds since 1970: a count of them, "09/14/2017 00:00:00 PM +00:00" (App Service of
 * 2017; UTC), "2017-11-06 11:34:10.271455" (the CLI; local time). */
bool azure_token_end(struct str text, double *out);

/* A text of an answer that may hold a secret, wiped where it stands: the heap gets it back as it is. */
void azure_json_wipe(json_t *text);

#endif
