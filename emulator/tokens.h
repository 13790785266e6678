/* Tokens: issues and checks the emulator's bearer tokens.
 *
 * A token looks like Entra's: three base64url parts, of which the middle one holds the claims. The
 * third is an HMAC-SHA256 with a key that is made at the start, so nothing need be remembered, and
 * no token of an earlier run is good. Safe for threads: nothing changes after tokens_init. */
#ifndef WEIR_EMULATOR_TOKENS_H
#define WEIR_EMULATOR_TOKENS_H

#include "base/text.h"

enum { TOKENS_KEY_SIZE = 32, TOKEN_MAX = 4096, TOKEN_CLIENT_MAX = 64 };

struct tokens {
    unsigned char key[TOKENS_KEY_SIZE];
    const char *tenant; /* lent */
};

/* Whose token: the ids of the application and of its service principal. */
struct token_owner {
    const char *client, *object; /* lent */
};

bool tokens_init(struct tokens *tokens, const char *tenant, struct error *err);
void tokens_release(struct tokens *tokens);

/* Appends a token for an audience ("https://api.loganalytics.io", no slash at the end) that is good
 * from `now` to `expires`, both seconds since 1970. */
bool tokens_put(const struct tokens *tokens, const struct token_owner *owner, struct str audience,
                int64_t now, int64_t expires, struct buf *out, struct error *err);

enum token_verdict {
    TOKEN_GOOD,
    TOKEN_MISSING, /* no Authorization header, or not a bearer's */
    TOKEN_GARBLED, /* not a token */
    TOKEN_FORGED,  /* a token that this emulator did not sign in this run */
    TOKEN_EXPIRED,
    TOKEN_AUDIENCE /* for somebody else */
};

/* Judges the value of an Authorization header (NULL: none). `audiences` are those that the asked
 * part of the emulator answers to. `client`: whose a good token is. */
enum token_verdict tokens_check(const struct tokens *tokens, const char *authorization,
                                const char *const *audiences, size_t count, int64_t now,
                                char client[TOKEN_CLIENT_MAX]);

#endif
