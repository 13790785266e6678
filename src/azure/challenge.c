/* Challenges: see challenge.h. */
#include "azure/challenge.h"

/* One challenge: a scheme, then name=value pairs with commas between. A comma may also begin the next challenge,
 * which shows in a word that is not followed by '='. */
struct reader {
    struct str rest;
};

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip(struct reader *r, const char *letters)
{
    while (r->rest.n > 0 && r->rest.p[0] != '\0' && strchr(letters, r->rest.p[0]))
        r->rest = (struct str){r->rest.p + 1, r->rest.n - 1};
}

static struct str take_token(struct reader *r)
{
    size_t n = 0;
    while (n < r->rest.n && is_token_char(r->rest.p[n]))
        n++;
    struct str token = {r->rest.p, n};
    r->rest = (struct str){r->rest.p + n, r->rest.n - n};
    return token;
}

/* Up to the quote that ends it; a backslash before a character stands for that one. */
static bool take_quoted(struct reader *r, struct buf *out)
{
    size_t i = 1;
    for (; i < r->rest.n && r->rest.p[i] != '"'; i++) {
        if (r->rest.p[i] == '\\' && i + 1 < r->rest.n)
            i++;
        buf_putc(out, r->rest.p[i]);
    }
    if (i >= r->rest.n)
        return false;
    r->rest = (struct str){r->rest.p + i + 1, r->rest.n - i - 1};
    return true;
}

/* A value without quotes goes on to the next comma or blank: Azure writes addresses so. */
static bool take_value(struct reader *r, struct buf *out)
{
    skip(r, " \t");
    if (r->rest.n > 0 && r->rest.p[0] == '"')
        return take_quoted(r, out);
    size_t n = 0;
    while (n < r->rest.n && r->rest.p[n] != ',' && r->rest.p[n] != ' ' && r->rest.p[n] != '\t')
        n++;
    buf_put(out, r->rest.p, n);
    r->rest = (struct str){r->rest.p + n, r->rest.n - n};
    return true;
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

/* The first of a name counts. */
static void keep(char out[CHALLENGE_VALUE_MAX], struct str value)
{
    if (out[0] != '\0' || value.n >= CHALLENGE_VALUE_MAX || !is_plain(value))
        return;
    if (value.n > 0)
        memcpy(out, value.p, value.n);
    out[value.n] = '\0';
}

static void keep_named(struct challenge *out, struct str name, struct str value)
{
    static const char suffix[] = "/.default";
    bool scope = str_eq_case(name, STR("scope"));
    if (scope && str_ends(value, STR("/.default")))
        value.n -= sizeof suffix - 1;
    while (value.n > 0 && value.p[value.n - 1] == '/')
        value.n--;
    if (str_eq_case(name, STR("authorization")) || str_eq_case(name, STR("authorization_uri")))
        keep(out->authority, value);
    else if (scope || str_eq_case(name, STR("resource")))
        keep(out->resource, value);
}

/* The pairs of one challenge; stops before the next one, whose scheme is in *scheme then. */
static bool read_pairs(struct reader *r, struct challenge *out, struct str *scheme)
{
    bool ok = true;
    *scheme = (struct str){0};
    while (ok) {
        skip(r, " \t,");
        struct str name = take_token(r);
        if (name.n == 0)
            return r->rest.n == 0;
        skip(r, " \t");
        if (r->rest.n == 0 || r->rest.p[0] != '=') {
            *scheme = name;
            return true;
        }
        r->rest = (struct str){r->rest.p + 1, r->rest.n - 1};
        struct buf value = BUF_INIT(CHALLENGE_MAX);
        ok = take_value(r, &value) && !value.failed;
        if (ok && out)
            keep_named(out, name, buf_str(&value));
        buf_release(&value);
    }
    return false;
}

bool challenge_read(struct str value, struct challenge *out)
{
    struct reader reader = {value};
    *out = (struct challenge){0};
    if (value.n > CHALLENGE_MAX)
        return false;
    skip(&reader, " \t,");
    struct str scheme = take_token(&reader);
    while (scheme.n > 0) {
        bool bearer = str_eq_case(scheme, STR("Bearer"));
        if (!read_pairs(&reader, bearer ? out : NULL, &scheme))
            break;
        if (bearer)
            return true;
    }
    *out = (struct challenge){0};
    return false;
}

struct str challenge_tenant(const struct challenge *challenge)
{
    struct str rest = str_of(challenge->authority), part, last = {0};
    size_t parts = 0;
    while (str_split(&rest, '/', &part)) {
        last = part;
        parts++;
    }
    return parts > 3 ? last : (struct str){0}; /* https: "" host tenant */
}

bool challenge_fits(const struct challenge *challenge, struct str host)
{
    struct str resource = str_of(challenge->resource);
    if (!str_starts(resource, STR("https://")))
        return false;
    struct str own = {resource.p + 8, resource.n - 8};
    if (own.n == 0 || memchr(own.p, '/', own.n) || !memchr(own.p, '.', own.n) || host.n < own.n)
        return false;
    struct str end = {host.p + host.n - own.n, own.n};
    return str_eq_case(end, own) && (host.n == own.n || end.p[-1] == '.');
}
