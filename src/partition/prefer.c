/* Times that readers take first; see prefer.h. */
#include "partition/prefer.h"

#include "base/memory.h"
#include "json/value.h"

#include <stdlib.h>

enum { WORD_MAX = JSON_ROUTE_KEY_MAX + 2 }; /* a key in its quotes */

static const struct str own = STR_INIT("TimeGenerated");

static bool is_own(const char *key)
{
    return str_eq(str_of(key), own);
}

/* --- the rules ------------------------------------------------------------------------------------------ */

/* An ISO time with its zone under TimeGenerated: what every reader takes first. */
static bool is_plain(const struct part_time *time)
{
    return is_own(time->key) && time->format == PART_TIME_ISO && !time->zone;
}

static bool same_rule(const struct part_time *time, const struct lake_from *from)
{
    return strcmp(time->key, from->key) == 0 &&
           strcmp(part_time_format_name(time->format), from->format) == 0 &&
           strcmp(time->zone ? time->zone->name : "", from->zone ? from->zone : "") == 0;
}

static bool add_rule(struct part_time *time, const struct lake_from *from, struct part_zones *zones,
                     struct error *err)
{
    struct part_time *rule = &time->before[time->n_before];
    *rule = (struct part_time){0};
    if (!part_time_format_parse(str_of(from->format), &rule->format))
        return error_set(err, ERROR_FORMAT, "schema.json has a time of format '%.40s'",
                         from->format);
    if (from->zone && from->zone[0] &&
        !part_zones_find(zones, str_of(from->zone), &rule->zone, err))
        return false;
    rule->key = mem_copy(from->key, strlen(from->key), err);
    time->n_before += rule->key != NULL;
    return rule->key != NULL;
}

bool part_prefer_init(struct part_time *time, const struct lake_from *from, size_t n_from,
                      struct part_zones *zones, struct error *err)
{
    if (is_plain(time) || n_from == 0)
        return true;
    time->before = mem_alloc(n_from, sizeof *time->before, err);
    bool ok = time->before != NULL;
    for (size_t i = 0; ok && i < n_from && !same_rule(time, &from[i]); i++)
        if (is_own(from[i].key) == is_own(time->key)) /* else it is asked before all, or behind */
            ok = add_rule(time, &from[i], zones, err);
    return ok;
}

/* --- a row ---------------------------------------------------------------------------------------------- */

struct found {
    enum json_kind kind;
    bool escaped;
    struct str value;
};

/* The last value of a key of the top level. */
static bool find_value(struct str line, struct str key, struct found *out)
{
    struct json_member member;
    char decoded[JSON_ROUTE_KEY_MAX];
    size_t at = 0;
    bool lone, any = false;
    while (json_next(line, &at, &member)) {
        struct str name = member.key;
        if (name.n > sizeof decoded ||
            (memchr(name.p, '\\', name.n) && !json_decode(name, decoded, &name.n, &lone)))
            continue;
        if (name.n != key.n ||
            memcmp(memchr(member.key.p, '\\', member.key.n) ? decoded : name.p, key.p, key.n) != 0)
            continue;
        any = true;
        *out = (struct found){.kind = member.kind, .value = member.value};
        if (member.kind != JSON_KIND_STRING)
            continue;
        out->value = (struct str){member.value.p + 1, member.value.n - 2};
        out->escaped = memchr(out->value.p, '\\', out->value.n) != NULL;
    }
    return any;
}

/* A TimeGenerated beside the time column. *told: it is what counts. */
static enum part_reason ask_own(struct str line, bool *told, int64_t *tick)
{
    static const struct part_time plain = {.format = PART_TIME_ISO};
    struct found found;
    *told = find_value(line, own, &found) && found.kind == JSON_KIND_STRING &&
            str_trim(found.value).n > 0;
    return *told ? part_time_value(&plain, found.kind, found.escaped, found.value, tick)
                 : PART_REASON_NONE;
}

/* By the first rule that holds. */
static enum part_reason ask(const struct part_time *time, struct str line, int64_t *tick)
{
    struct found found;
    int64_t is;
    bool told = false;
    if (!is_own(time->key)) {
        enum part_reason reason = ask_own(line, &told, &is);
        if (reason != PART_REASON_NONE)
            return reason;
    }
    for (size_t i = 0; !told && i < time->n_before; i++)
        told = find_value(line, str_of(time->before[i].key), &found) &&
               part_time_value(&time->before[i], found.kind, found.escaped, found.value, &is) ==
                   PART_REASON_NONE;
    if (told)
        *tick = is;
    return PART_REASON_NONE;
}

/* --- the rows of a text --------------------------------------------------------------------------------- */

struct looking {
    const struct part_time *time;
    struct str text;
    struct part_chunk *chunk;
    bool *marked;  /* of each row: a key may stand in it; NULL: none is yet */
    uint64_t line; /* that of text.p[counted] */
    size_t counted;
};

/* An escape that may write a letter of a key. */
static const char *find_escape(struct str text, bool slashes)
{
    const char *end = text.p + text.n, *at = text.p;
    while ((at = memchr(at, '\\', (size_t) (end - at))) != NULL && at + 1 < end) {
        if (at[1] == 'u' || (slashes && at[1] == '/'))
            return at;
        at += 2;
    }
    return NULL;
}

/* Marks the rows in which the word stands; without a word those with an escape. */
static bool mark_rows(struct looking *looking, struct str word, bool slashes, struct error *err)
{
    const struct part_chunk *chunk = looking->chunk;
    struct str text = looking->text;
    size_t row = 0;
    const char *hit;
    while ((hit = word.n > 0 ? memmem(text.p, text.n, word.p, word.n)
                             : find_escape(text, slashes)) != NULL) {
        size_t at = (size_t) (hit - looking->text.p);
        if (!looking->marked)
            looking->marked = mem_alloc(chunk->row_count, sizeof *looking->marked, err);
        if (!looking->marked)
            return false;
        while (row < chunk->row_count && chunk->rows[row].start + chunk->rows[row].length <= at)
            row++;
        if (row == chunk->row_count)
            return true;
        looking->marked[row] = looking->marked[row] || chunk->rows[row].start <= at;
        size_t next = chunk->rows[row].start <= at
                          ? chunk->rows[row].start + chunk->rows[row].length
                          : chunk->rows[row].start;
        text = (struct str){looking->text.p + next, looking->text.n - next};
    }
    return true;
}

/* Whether JSON writes every byte of the key as it is, or may. */
static bool is_plain_key(struct str key)
{
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] == '"' || key.p[i] == '\\' || (unsigned char) key.p[i] < ' ')
            return false;
    return true;
}

static bool mark_key(struct looking *looking, struct str key, struct error *err)
{
    char word[WORD_MAX];
    if (key.n + 2 > sizeof word || !is_plain_key(key))
        return mark_rows(looking, STR("{"), false, err);
    word[0] = word[key.n + 1] = '"';
    memcpy(word + 1, key.p, key.n);
    return mark_rows(looking, (struct str){word, key.n + 2}, false, err);
}

static bool mark_all(struct looking *looking, struct error *err)
{
    const struct part_time *time = looking->time;
    bool slashes = false;
    if (!is_own(time->key) && !mark_key(looking, own, err))
        return false;
    for (size_t i = 0; i < time->n_before; i++) {
        slashes = slashes || strchr(time->before[i].key, '/');
        if (!mark_key(looking, str_of(time->before[i].key), err))
            return false;
    }
    return mark_rows(looking, STR(""), slashes, err);
}

static uint64_t line_at(struct looking *looking, size_t at)
{
    const char *p = looking->text.p, *feed;
    while (looking->counted < at &&
           (feed = memchr(p + looking->counted, '\n', at - looking->counted)) != NULL) {
        looking->counted = (size_t) (feed - p) + 1;
        looking->line++;
    }
    return looking->line;
}

static int by_line(const void *a, const void *b)
{
    const struct part_reject *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

static bool ask_rows(struct looking *looking, struct error *err)
{
    struct part_chunk *chunk = looking->chunk;
    size_t kept = 0, rejects = chunk->reject_count;
    for (size_t i = 0; i < chunk->row_count; i++) {
        struct part_row row = chunk->rows[i];
        struct part_reject reject = {.start = row.start, .length = row.length};
        if (looking->marked[i])
            reject.reason =
                ask(looking->time, (struct str){chunk->text + row.start, row.length}, &row.tick);
        if (reject.reason == PART_REASON_NONE) {
            chunk->rows[kept++] = row;
            continue;
        }
        reject.line = line_at(looking, row.start);
        if (!part_chunk_reject(chunk, &reject, err))
            return false;
    }
    chunk->row_count = kept;
    if (chunk->reject_count > rejects)
        qsort(chunk->rejects, chunk->reject_count, sizeof *chunk->rejects, by_line);
    return true;
}

bool part_prefer_rows(const struct part_time *time, struct str text, struct part_chunk *chunk,
                      struct error *err)
{
    struct looking looking = {.time = time, .text = text, .chunk = chunk};
    if (is_own(time->key) && time->n_before == 0)
        return true;
    bool ok = mark_all(&looking, err) && (!looking.marked || ask_rows(&looking, err));
    mem_free(looking.marked);
    return ok;
}
