/* Masks: see mask.h. */
#include "http/mask.h"

static bool is_part(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void mask_run(struct buf *text, struct str run)
{
    char *at = text->bytes, *end = at + text->used;
    while (text->used > 0 && (at = memmem(at, (size_t) (end - at), run.p, run.n)) != NULL) {
        memset(at, '*', run.n);
        at += run.n;
    }
}

/* %2B is a '+', not a run that begins with 2B. */
static size_t skip_escape(struct str secret, size_t i)
{
    return i + 3 <= secret.n ? 3 : 1;
}

static void mask(struct buf *text, struct str secret)
{
    for (size_t i = 0; i < secret.n;) {
        size_t n = 0;
        while (i + n < secret.n && is_part(secret.p[i + n]))
            n++;
        if (n >= MASK_RUN)
            mask_run(text, (struct str){secret.p + i, n});
        i += n;
        if (i < secret.n)
            i += secret.p[i] == '%' ? skip_escape(secret, i) : 1;
    }
}

void http_mask_header(struct buf *text, struct str header)
{
    struct str value = header, name, scheme;
    (void) str_split(&value, ':', &name);
    value = str_trim(value);
    struct str word = value;
    /* "Bearer TOKEN", "SharedKey ACCOUNT:SIGNATURE": scheme and account are no secret. */
    if (str_split(&word, ' ', &scheme) && word.n > 0)
        value = word;
    if (str_eq(scheme, STR("SharedKey")))
        (void) str_split(&value, ':', &name);
    mask(text, value);
}

void http_mask_query(struct buf *text, struct str query)
{
    struct str part, name;
    while (str_split(&query, '&', &part))
        if (str_split(&part, '=', &name) && str_eq_case(name, STR("sig")))
            mask(text, part);
}
