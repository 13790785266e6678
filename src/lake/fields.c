/* Lines of JSON of which the keys are known: see fields.h. */
#include "lake/fields.h"

void fields_put_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, ",\"%s\":", key);
    if (!text) {
        buf_puts(out, "null");
        return;
    }
    buf_putc(out, '"');
    text_put_json(out, str_of(text));
    buf_putc(out, '"');
}

void fields_put_tick(struct buf *out, const char *key, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    (void) tick_format(tick, text);
    fields_put_text(out, key, text);
}

/* False, which the compiler sees here, unlike in error_set. */
bool fields_bad(const struct fields *f, size_t key)
{
    (void) error_set(f->err, ERROR_FORMAT, "line %zu: '%s' is missing or wrong", f->line,
                     f->keys[key]);
    return false;
}

/* The index of a key; f->n when it is none of ours. `guess` is where it usually is. */
static size_t find_key(const struct fields *f, struct str key, size_t guess)
{
    if (guess < f->n && str_eq(key, str_of(f->keys[guess])))
        return guess;
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(key, str_of(f->keys[i])))
            return i;
    return f->n;
}

/* Takes a line apart. A key that stands twice is refused: no reader must have to choose. */
bool fields_take(struct str line, struct fields *f)
{
    struct json_member member;
    size_t at = 0, guess = 0;
    bool ok = line.n > 1 && line.p[0] == '{' && line.p[line.n - 1] == '}';
    memset(f->has, 0, sizeof f->has);
    while (ok && json_next(line, &at, &member)) {
        size_t key = find_key(f, member.key, guess);
        guess = key + 1;
        if (key == f->n)
            continue;
        if (f->has[key])
            return fields_bad(f, key);
        f->has[key] = true;
        f->v[key] = member;
    }
    /* json_next ends at the closing bracket, or at what is wrong. */
    if (ok && at + 1 == line.n)
        return true;
    (void) error_set(f->err, ERROR_FORMAT, "line %zu is no JSON object", f->line);
    return false;
}

bool fields_null(const struct fields *f, size_t key)
{
    return f->has[key] && f->v[key].kind == JSON_KIND_NULL;
}

bool fields_raw(const struct fields *f, size_t key, struct str *out)
{
    if (!f->has[key] || f->v[key].kind != JSON_KIND_STRING)
        return fields_bad(f, key);
    *out = (struct str){f->v[key].value.p + 1, f->v[key].value.n - 2};
    return true;
}

bool fields_text(const struct fields *f, size_t key, size_t max, bool null_fine,
                 struct arena *arena, const char **out)
{
    struct str raw;
    *out = NULL;
    if (null_fine && fields_null(f, key))
        return true;
    if (!fields_raw(f, key, &raw))
        return false;
    struct buf text = BUF_INIT(max);
    if (!json_unescape(raw, &text))
        (void) (text.failed && !text.over ? buf_ok(&text, "a text", f->err) : fields_bad(f, key));
    else if (memchr(buf_text(&text), 0, text.used))
        (void) fields_bad(f, key);
    else
        *out = arena_copy(arena, buf_text(&text), text.used, f->err);
    buf_release(&text);
    return *out != NULL;
}

bool fields_number(const struct fields *f, size_t key, uint64_t *out)
{
    if (!f->has[key] || f->v[key].kind != JSON_KIND_NUMBER || !str_uint64(f->v[key].value, out))
        return fields_bad(f, key);
    return true;
}

bool fields_tick(const struct fields *f, size_t key, int64_t *out)
{
    struct str text;
    return fields_raw(f, key, &text) && (tick_parse(text, out) || fields_bad(f, key));
}

bool fields_sum(const struct fields *f, size_t key, uint64_t *out)
{
    struct str text;
    int64_t sum;
    if (!fields_raw(f, key, &text) || !str_int64(text, &sum))
        return fields_bad(f, key);
    *out = (uint64_t) sum;
    return true;
}

bool fields_enum(const struct fields *f, size_t key, const char *const *texts, unsigned count,
                 unsigned *out)
{
    struct str text;
    if (!fields_raw(f, key, &text))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (str_eq(text, str_of(texts[i]))) {
            *out = i;
            return true;
        }
    }
    return fields_bad(f, key);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool fields_hash(const struct fields *f, size_t key, unsigned char *out, size_t size)
{
    struct str text;
    if (!fields_raw(f, key, &text) || text.n != 2 * size)
        return fields_bad(f, key);
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return fields_bad(f, key);
        out[i] = (unsigned char) (high * 16 + low);
    }
    return true;
}

bool fields_hex(const struct fields *f, size_t key, char out[HASH_SHA256_HEX])
{
    unsigned char sum[HASH_SHA256_SIZE];
    out[0] = '\0';
    if (fields_null(f, key))
        return true;
    if (!fields_hash(f, key, sum, sizeof sum))
        return false;
    text_hex(sum, sizeof sum, out);
    return true;
}

/* --- heads and ends ------------------------------------------------------------------------------------- */

bool fields_version(const struct fields *f, size_t format_key, size_t version_key,
                    const char *format, int version)
{
    struct str named;
    uint64_t is;
    if (!fields_raw(f, format_key, &named) || !fields_number(f, version_key, &is))
        return false;
    if (!str_eq(named, str_of(format)))
        return fields_bad(f, format_key);
    if (is == (uint64_t) version)
        return true;
    (void) error_set(f->err, ERROR_FORMAT, "it is of version %llu, and this weir reads version %d",
                     (unsigned long long) is, version);
    return error_hint(f->err, "use the weir that wrote it, or a newer one");
}

void fields_put_tail(struct buf *out, size_t lines, const char *sha256)
{
    buf_printf(out, "{\"lines\":%zu,\"sha256\":\"%s\"}\n", lines, sha256);
}

bool fields_tail(struct str line, uint64_t *lines, char sha256[HASH_SHA256_HEX])
{
    static const char *const keys[] = {"lines", "sha256"};
    struct fields f = {.keys = keys, .n = 2};
    return fields_take(line, &f) && fields_number(&f, 0, lines) && fields_hex(&f, 1, sha256);
}

bool fields_unchanged(const char *is, const char *said, struct error *err)
{
    return strcmp(is, said) == 0 ||
           error_set(err, ERROR_FORMAT,
                     "it was changed: its bytes do not have the hash %.12s... that its last line "
                     "names",
                     said);
}
