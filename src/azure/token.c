/* Tokens: see token.h. */
#include "azure/token.h"

#include "base/memory.h"
#include "base/tick.h"

#include <time.h>

static const double LIFE_DEFAULT = 300.0; /* seconds, when the answer says nothing */
static const double LIFE_MAX = 86400.0;

enum { DATE_PARTS = 6, NOON = 12 };

void azure_token_release(struct azure_token *token)
{
    secret_release(&token->text);
    token->life = 0;
}

void azure_json_wipe(json_t *text)
{
    if (json_is_string(text))
        mem_wipe((char *) (uintptr_t) json_string_value(text), json_string_length(text));
}

/* When it ends ------------------------------------------------------------------------------------ */

/* A run of digits at the beginning, as a number up to 9999. */
static bool take_number(struct str *s, int *out)
{
    size_t n = 0;
    int number = 0;
    for (; n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        number = number * 10 + (s->p[n] - '0');
    *s = (struct str){s->p + n, s->n - n};
    *out = number;
    return n > 0;
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = (struct str){s->p + 1, s->n - 1};
    return true;
}

/* Six numbers with `between` after each but the last. */
static bool take_parts(struct str *s, const char between[DATE_PARTS], int parts[DATE_PARTS])
{
    for (size_t i = 0; i < DATE_PARTS; i++)
        if (!take_number(s, &parts[i]) || (i + 1 < DATE_PARTS && !take_char(s, between[i])))
            return false;
    return true;
}

static bool to_tick(int year, int month, int day, const int clock[3], int64_t *out)
{
    struct tick_civil civil = {.year = year,
                               .month = month,
                               .day = day,
                               .hour = clock[0],
                               .minute = clock[1],
                               .second = clock[2]};
    return tick_from_civil(&civil, out);
}

/* 9/14/2017 3:05:09 PM +00:00; the afternoon of a 24-hour clock is written too. */
static bool read_app_service(struct str s, double *out)
{
    int parts[DATE_PARTS];
    int64_t tick;
    if (!take_parts(&s, "// ::", parts))
        return false;
    s = str_trim(s);
    bool before = str_starts(s, STR("AM")), after = str_starts(s, STR("PM"));
    if (before || after)
        s = str_trim((struct str){s.p + 2, s.n - 2});
    if (s.n > 0 && !str_eq(s, STR("+00:00")) && !str_eq(s, STR("Z")))
        return false;
    if (after && parts[3] > 0 && parts[3] < NOON)
        parts[3] += NOON;
    else if (before && parts[3] == NOON)
        parts[3] = 0;
    if (!to_tick(parts[2], parts[0], parts[1], &parts[3], &tick))
        return false;
    int64_t seconds = (tick - TICK_UNIX_EPOCH) / TICK_SECOND;
    *out = (double) seconds;
    return true;
}

/* 2017-11-06 11:34:10.271455, by the clock on the wall of this place. */
static bool read_local(struct str s, double *out)
{
    int parts[DATE_PARTS];
    int64_t tick;
    if (!take_parts(&s, "-- ::", parts) || !to_tick(parts[0], parts[1], parts[2], &parts[3], &tick))
        return false;
    struct tm local = {.tm_year = parts[0] - 1900,
                       .tm_mon = parts[1] - 1,
                       .tm_mday = parts[2],
                       .tm_hour = parts[3],
                       .tm_min = parts[4],
                       .tm_sec = parts[5],
                       .tm_isdst = -1};
    time_t end = mktime(&local);
    if (end == (time_t) -1)
        return false;
    *out = (double) end;
    return true;
}

bool azure_token_end(struct str text, double *out)
{
    return str_double(text, out) || read_app_service(text, out) || read_local(text, out);
}

/* v2 says numbers, v1 and managed identities say texts. */
static bool number_of(const json_t *value, double *out)
{
    if (json_is_number(value))
        *out = json_number_value(value);
    else
        return json_is_string(value) && str_double(str_of(json_string_value(value)), out);
    return true;
}

static bool end_of(const json_t *value, double *out)
{
    return json_is_string(value) ? azure_token_end(str_of(json_string_value(value)), out)
                                 : number_of(value, out);
}

static double life_of(const json_t *root)
{
    double seconds = LIFE_DEFAULT, end = 0;
    if (!number_of(json_object_get(root, "expires_in"), &seconds) &&
        (end_of(json_object_get(root, "expires_on"), &end) ||
         end_of(json_object_get(root, "expiresOn"), &end)))
        seconds = end - (double) time(NULL);
    return seconds > LIFE_MAX ? LIFE_MAX : seconds;
}

/* The token --------------------------------------------------------------------------------------- */

static json_t *either(const json_t *root, const char *name, const char *other)
{
    json_t *value = json_object_get(root, name);
    return value ? value : json_object_get(root, other);
}

/* A token goes into a header line: nothing but visible ASCII may be in it. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0 && s.n <= AZURE_TOKEN_MAX;
}

bool azure_token_take(json_t *answer, struct azure_token *out, struct secret *refresh,
                      struct error *err)
{
    json_t *value = either(answer, "access_token", "accessToken");
    json_t *more = json_object_get(answer, "refresh_token");
    const char *type = json_string_value(either(answer, "token_type", "tokenType"));
    struct str token = str_of(json_string_value(value)), next = str_of(json_string_value(more));
    bool ok = true;
    if (!is_token(token) || (type && !str_eq_case(str_of(type), STR("Bearer"))))
        ok = error_set(err, ERROR_FORMAT, "sign-in failed: the answer holds no usable token");
    ok = ok && secret_set(&out->text, token, err);
    if (ok)
        out->life = life_of(answer);
    if (ok && refresh && next.n > 0 && next.n <= AZURE_TOKEN_MAX)
        ok = secret_set(refresh, next, err);
    azure_json_wipe(value);
    azure_json_wipe(more);
    return ok;
}

bool azure_token_read(struct str text, const char *who, struct azure_token *out,
                      struct secret *refresh, struct error *err)
{
    json_t *root = json_loadb(text.n > 0 ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
    bool ok = json_is_object(root);
    if (!ok)
        (void) error_set(err, ERROR_FORMAT, "sign-in failed: the answer of %s is not JSON", who);
    ok = ok && azure_token_take(root, out, refresh, err);
    json_decref(root);
    return ok;
}
