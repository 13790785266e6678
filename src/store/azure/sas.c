/* Reads the fields of a signature; see sas.h. */
#include "store/azure/sas.h"

#include "base/tick.h"

static bool refuse(const char *why, struct error *err)
{
    (void) error_set(err, ERROR_SETTINGS, "the shared access signature %s", why);
    return error_hint(
        err,
        "it is the text behind the '?' of a URL that `az storage container generate-sas` or the "
        "portal makes: sv=...&sp=...&se=...&sig=...");
}

/* yyyy-MM-ddTHH:mm:ssZ with the colons plain or as %3A, or a date alone. */
static int64_t time_of(struct str value)
{
    char text[TICK_TEXT_MAX * 3];
    size_t n = 0;
    for (size_t i = 0; i < value.n && n < sizeof text; i++) {
        bool colon = value.n - i >= 3 && value.p[i] == '%' && value.p[i + 1] == '3' &&
                     (value.p[i + 2] | 0x20) == 'a';
        text[n++] = colon ? ':' : value.p[i];
        i += colon ? 2 : 0;
    }
    int64_t tick;
    return tick_parse((struct str){text, n}, &tick) ? tick : 0;
}

static bool has(struct str letters, char letter)
{
    return letters.n > 0 && memchr(letters.p, letter, letters.n) != NULL;
}

struct fields {
    struct str sv, sp, se, sr, ss, srt, si, sig;
};

/* Takes what is known; false for a byte that no URL has, or no '='. */
static bool take_fields(struct str text, struct fields *out)
{
    struct {
        const char *name;
        struct str *value;
    } known[] = {{"sv", &out->sv}, {"sp", &out->sp},   {"se", &out->se}, {"sr", &out->sr},
                 {"ss", &out->ss}, {"srt", &out->srt}, {"si", &out->si}, {"sig", &out->sig}};
    struct str pair, name;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == '#' || text.p[i] == '?')
            return false;
    while (str_split(&text, '&', &pair)) {
        struct str value = pair;
        (void) str_split(&value, '=', &name);
        if (!value.p)
            return false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (str_eq(name, str_of(known[i].name)))
                *known[i].value = value;
    }
    return true;
}

bool az_sas_parse(struct str text, struct az_sas *out, struct error *err)
{
    struct fields f = {0};
    *out = (struct az_sas){0};
    text = str_trim(text);
    if (text.n > 0 && text.p[0] == '?')
        text = (struct str){text.p + 1, text.n - 1};
    if (text.n == 0 || text.n > AZ_SAS_MAX || !take_fields(text, &f) || f.sig.n == 0 || f.sv.n == 0)
        return refuse("is none", err);
    bool account = f.ss.n > 0; /* else of one container or blob */
    if (account && !has(f.ss, 'b'))
        return refuse("is not for the Blob service (ss has no b)", err);
    if (account && !has(f.srt, 'o'))
        return refuse("is not for objects (srt has no o)", err);
    if (!account && f.sr.n == 0)
        return refuse("does not say for what it is (sr)", err);
    out->end = time_of(f.se);
    bool all = f.si.n > 0 && f.sp.n == 0;
    /* List Blobs is an operation of the container: an account's signature needs srt=c for it. */
    bool container = !account || has(f.srt, 'c');
    out->read = all || has(f.sp, 'r');
    out->list = all || (has(f.sp, 'l') && container);
    out->write = all || has(f.sp, 'w');
    out->create = all || has(f.sp, 'c') || out->write;
    out->remove = all || has(f.sp, 'd');
    return true;
}

void az_sas_lacks(const struct az_sas *sas, struct buf *out)
{
    const struct {
        bool there;
        const char *word;
    } words[] = {{sas->read, "read"},
                 {sas->list, "list"},
                 {sas->create, "create"},
                 {sas->write, "write"},
                 {sas->remove, "delete"}};
    buf_reset(out);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!words[i].there)
            buf_printf(out, "%s%s", out->used > 0 ? ", " : "", words[i].word);
}
