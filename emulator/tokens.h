/* Tokens: issues and checks the emulator's bearer tokens.
 *
 * A token looks like Entra's: three base64url parts, of which the middle one holds the claims. The
 * third is an HMAC-SHA256 with a key that is made at the start, so nothing need be remembered, and
 * no token of an earlier run is good. Safe for threads: nothing changes after tokens_init. */
#ifndef WEIR_EMULATOR_TOKENS_H
#define WEIR_EMULATOR_TOKENS_H

#include "base/text.h"

enum { TOKENS_KEY_SIZE = 32, TOKEN_MAX = 4096, TOKEN_ID_MAX = 64 };

struct tokens {
    unsigned char key[TOKENS_KEY_SIZE];
    const char *tenant; /* lent */
};

/* Whose token: the ids of the application and of its service principal, or of the person who signed
 * in with it. */
struct token_owner {
    const char *client, *object; /* lent */
    bool person;
};

/* The same as a token that is good tells it. */
struct token_holder {
    char client[TOKEN_ID_MAX], object[TOKEN_ID_MAX];
};

/* base64url without padding (RFC 4648 section 5). */
void tokens_put_base64url(struct buf *out, const void *bytes, size_t n);

bool tokens_init(struct tokens *tokens, const char *tenant, struct error *err);
void tokens_release(struct tokens *tokens);

/* Appends claims (the text of a JSON object) as a signed token. */
bool tokens_sign(const struct tokens *tokens, struct str claims, struct buf *out,
                 struct error *err);

/* Appends a token for an audience ("https://api.loganalytics.io", no slash at the end) that is issued
 * at `now` and good until `expires`, both seconds since 1970; the claims are those of Entra's own
 * (docs/service.md 2.3), good from five minutes before. */
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
 * part of the emulator answers to. `holder`: whose a good token is. */
enum token_verdict tokens_check(const struct tokens *tokens, const char *authorization,
                                const char *const *audiences, size_t count, int64_t now,
                                struct token_holder *holder);

#endif
