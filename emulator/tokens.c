/* Tokens: issues and checks the emulator's bearer tokens. */

#include "emulator/tokens.h"

#include "base/memory.h"
#include "base/random.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

enum { SIGNATURE_SIZE = 32, EARLIER = 300 };

static const char token_header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

void tokens_put_base64url(struct buf *out, const void *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t three = (uint32_t) in[i] << 16;
        if (i + 1 < n)
            three |= (uint32_t) in[i + 1] << 8;
        if (i + 2 < n)
            three |= in[i + 2];
        size_t count = n - i < 3 ? n - i + 1 : 4;
        for (size_t d = 0; d < count; d++)
            buf_putc(out, digits[three >> (18 - 6 * d) & 63]);
    }
}

static bool sign(const struct tokens *tokens, struct str text, unsigned char out[SIGNATURE_SIZE])
{
    unsigned size = 0;
    return HMAC(EVP_sha256(), tokens->key, TOKENS_KEY_SIZE, (const unsigned char *) text.p, text.n,
                out, &size) &&
           size == SIGNATURE_SIZE;
}

bool tokens_init(struct tokens *tokens, const char *tenant, struct error *err)
{
    *tokens = (struct tokens){.tenant = tenant};
    return random_secret(tokens->key, sizeof tokens->key, err);
}

void tokens_release(struct tokens *tokens)
{
    mem_wipe(tokens->key, sizeof tokens->key);
}

bool tokens_sign(const struct tokens *tokens, struct str claims, struct buf *out, struct error *err)
{
    unsigned char signature[SIGNATURE_SIZE];
    size_t start = out->used;
    tokens_put_base64url(out, token_header, sizeof token_header - 1);
    buf_putc(out, '.');
    tokens_put_base64url(out, claims.p, claims.n);
    if (!buf_ok(out, "the token", err))
        return false;
    if (!sign(tokens, (struct str){out->bytes + start, out->used - start}, signature))
        return error_set(err, ERROR_INTERNAL, "the token could not be signed");
    buf_putc(out, '.');
    tokens_put_base64url(out, signature, sizeof signature);
    return buf_ok(out, "the token", err);
}

bool tokens_put(const struct tokens *tokens, const struct token_owner *owner, struct str audience,
                int64_t now, int64_t expires, struct buf *out, struct error *err)
{
    char id[GUID_TEXT];
    if (!random_guid(id, err))
        return false;
    struct buf claims = BUF_INIT(TOKEN_MAX);
    buf_puts(&claims, "{\"aud\":\"");
    text_put_json(&claims, audience);
    buf_printf(&claims,
               "\",\"iss\":\"https://sts.windows.net/%s/\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,"
               "\"appid\":\"%s\",\"oid\":\"%s\",\"sub\":\"%s\",\"tid\":\"%s\",\"uti\":\"%s\","
               "%s\"ver\":\"1.0\"}",
               tokens->tenant, (long long) now, (long long) now - EARLIER, (long long) expires,
               owner->client, owner->object, owner->object, tokens->tenant, id,
               owner->person ? "\"scp\":\"user_impersonation\"," : "\"idtyp\":\"app\",");
    bool done = buf_ok(&claims, "the token's claims", err) &&
                tokens_sign(tokens, buf_str(&claims), out, err);
    buf_release(&claims);
    return done;
}

/* Cuts `Bearer a.b.c` into the signed part and the signature. */
static enum token_verdict split_token(struct str header, struct str *body, struct str *signature)
{
    struct str scheme;
    if (!str_split(&header, ' ', &scheme) || !str_eq_case(scheme, STR("bearer")))
        return TOKEN_MISSING;
    struct str token = str_trim(header);
    const char *dot = token.n > 0 ? memrchr(token.p, '.', token.n) : NULL;
    if (!dot || token.n > TOKEN_MAX)
        return TOKEN_GARBLED;
    *body = (struct str){token.p, (size_t) (dot - token.p)};
    *signature = (struct str){dot + 1, token.n - body->n - 1};
    return memchr(body->p, '.', body->n) ? TOKEN_GOOD : TOKEN_GARBLED;
}

static bool signature_fits(const struct tokens *tokens, struct str body, struct str signature)
{
    unsigned char wanted[SIGNATURE_SIZE];
    struct buf given = BUF_INIT(TOKEN_MAX);
    bool fits = text_put_unbase64url(&given, signature) && given.used == SIGNATURE_SIZE &&
                sign(tokens, body, wanted) &&
                CRYPTO_memcmp(given.bytes, wanted, SIGNATURE_SIZE) == 0;
    buf_release(&given);
    return fits;
}

static enum token_verdict judge_claims(struct str text, const char *const *audiences, size_t count,
                                       int64_t now, struct token_holder *holder)
{
    json_t *claims = json_loadb(text.p, text.n, 0, NULL);
    const char *audience = json_string_value(json_object_get(claims, "aud"));
    const char *client = json_string_value(json_object_get(claims, "appid"));
    const char *object = json_string_value(json_object_get(claims, "oid"));
    bool whole = audience && client && object && strlen(client) < sizeof holder->client &&
                 strlen(object) < sizeof holder->object;
    enum token_verdict verdict = whole ? TOKEN_AUDIENCE : TOKEN_GARBLED;
    for (size_t i = 0; i < count && whole; i++) {
        if (strcmp(audience, audiences[i]) == 0)
            verdict = TOKEN_GOOD;
    }
    if (verdict == TOKEN_GOOD && json_integer_value(json_object_get(claims, "exp")) <= now)
        verdict = TOKEN_EXPIRED;
    if (verdict == TOKEN_GOOD) {
        (void) snprintf(holder->client, sizeof holder->client, "%s", client);
        (void) snprintf(holder->object, sizeof holder->object, "%s", object);
    }
    json_decref(claims);
    return verdict;
}

enum token_verdict tokens_check(const struct tokens *tokens, const char *authorization,
                                const char *const *audiences, size_t count, int64_t now,
                                struct token_holder *holder)
{
    struct str body, signature;
    *holder = (struct token_holder){0};
    enum token_verdict verdict = split_token(str_of(authorization), &body, &signature);
    if (verdict != TOKEN_GOOD)
        return verdict;
    if (!signature_fits(tokens, body, signature))
        return TOKEN_FORGED;
    struct str claims = body, header;
    (void) str_split(&claims, '.', &header);
    struct buf text = BUF_INIT(TOKEN_MAX);
    verdict = text_put_unbase64url(&text, claims)
                  ? judge_claims(buf_str(&text), audiences, count, now, holder)
                  : TOKEN_GARBLED;
    buf_release(&text);
    return verdict;
}
