/* Claims: see claims.h. */
#include "azure/claims.h"

#include "base/memory.h"

#include <jansson.h>

/* RFC 4648, section 5. -1: none of the alphabet. */
static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Appends the bytes; false for a digit that is none, or a last one too many. No padding, as in a token. */
static bool decode(struct str text, struct buf *out)
{
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < text.n; i++) {
        int digit = digit_of(text.p[i]);
        if (digit < 0)
            return false;
        bits = (bits << 6 | (unsigned) digit) & 0xFFFF;
        held += 6;
        if (held >= 8) {
            held -= 8;
            buf_putc(out, (char) (unsigned char) (bits >> held & 0xFF));
        }
    }
    return text.n % 4 != 1 && !out->failed;
}

/* Only a GUID is taken: the text goes into addresses and logs. */
static void take(const json_t *claims, const char *name, char out[GUID_TEXT])
{
    const char *text = json_string_value(json_object_get(claims, name));
    if (text && text_is_guid(str_of(text)))
        memcpy(out, text, GUID_TEXT);
}

static bool read_claims(struct str text, struct azure_who *out)
{
    json_t *claims = json_loadb(text.n > 0 ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
    bool ok = json_is_object(claims);
    take(claims, "oid", out->object);
    take(claims, "tid", out->tenant);
    take(claims, "appid", out->application);
    if (!out->application[0])
        take(claims, "azp", out->application);
    json_decref(claims);
    return ok;
}

bool claims_read(struct str token, struct azure_who *out)
{
    struct str rest = token, head, body, signature;
    *out = (struct azure_who){0};
    if (token.n > AZURE_TOKEN_MAX || !str_split(&rest, '.', &head) ||
        !str_split(&rest, '.', &body) || !str_split(&rest, '.', &signature))
        return false;
    struct buf text = BUF_INIT(AZURE_TOKEN_MAX);
    bool ok = buf_reserve(&text, body.n) && decode(body, &text) && read_claims(buf_str(&text), out);
    if (text.bytes)
        mem_wipe(text.bytes, text.room);
    buf_release(&text);
    return ok;
}
