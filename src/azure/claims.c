/* Claims: see claims.h. */
#include "azure/claims.h"

#include "base/memory.h"

#include <jansson.h>

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
    bool ok = buf_reserve(&text, body.n) && text_put_unbase64url(&text, body) &&
              read_claims(buf_str(&text), out);
    if (text.bytes)
        mem_wipe(text.bytes, text.room);
    buf_release(&text);
    return ok;
}
