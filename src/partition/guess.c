/* Guesses about the time column; see guess.h. */
#include "partition/guess.h"

#include "base/memory.h"
#include "engine/header.h"
#include "json/value.h"

#include <stdio.h>

enum {
    EXAMPLE_MAX = 40,    /* characters of a value that a message shows */
    NAMED_MAX = 8,       /* columns that a message names */
    NAMED_BYTES_MAX = 60 /* of the name of one */
};

/* What the values of one key are; each counted once a row. */
struct seen_key {
    char *key;
    size_t n;
    uint64_t row; /* the last that had it */
    uint64_t values, utc, wall, us, number;
    char example[EXAMPLE_MAX * 4 + 1];
};

struct part_guess {
    uint64_t rows;
    struct seen_key *keys;
    size_t count, room;
    size_t next; /* the key that came behind the last one, when the rows before are alike */
    bool zeek;   /* a key that only Zeek writes was met */
};

/* --- what is seen --------------------------------------------------------------------------------------- */

static struct seen_key *find(const struct part_guess *guess, struct str key)
{
    for (size_t i = 0; i < guess->count; i++) {
        struct seen_key *at = &guess->keys[(guess->next + i) % guess->count];
        if (str_eq((struct str){at->key, at->n}, key))
            return at;
    }
    return NULL;
}

static bool add(struct part_guess *guess, struct str key, struct seen_key **out, struct error *err)
{
    *out = NULL;
    if (guess->count == PART_GUESS_KEYS_MAX)
        return true;
    if (!mem_reserve(&guess->keys, &guess->room, guess->count, PART_GUESS_KEYS_MAX,
                     sizeof *guess->keys, err))
        return false;
    char *copy = mem_copy(key.p, key.n, err);
    if (!copy)
        return false;
    *out = &guess->keys[guess->count++];
    **out = (struct seen_key){.key = copy, .n = key.n};
    return true;
}

static void keep_example(struct seen_key *key, struct str text)
{
    size_t n = 0, length;
    for (unsigned i = 0; i < EXAMPLE_MAX && n < text.n; i++) {
        (void) text_utf8_next(text.p + n, text.n - n, &length);
        n += length;
    }
    memcpy(key->example, text.p, n);
    key->example[n] = '\0';
}

static void look_at_text(struct seen_key *key, struct str text)
{
    int64_t tick;
    text = str_trim(text);
    if (text.n == 0)
        return;
    key->values++;
    if (!key->example[0])
        keep_example(key, text);
    if (text.n > PART_TIME_TEXT_MAX)
        return;
    enum tick_read read = tick_read(text, &tick);
    key->utc += read == TICK_UTC || read == TICK_OUTSIDE;
    key->wall += read == TICK_WALL;
    key->us += tick_read_us(text, &tick) == TICK_WALL;
    key->number += tick_read_epoch(text, TICK_EPOCH_SECONDS, &tick) != TICK_NO_TIME;
}

static void look_at_string(struct seen_key *key, bool escaped, struct str inside)
{
    char text[6 * PART_TIME_TEXT_MAX];
    size_t n;
    bool lone;
    if (!escaped)
        look_at_text(key, inside);
    else if (inside.n <= sizeof text && json_decode(inside, text, &n, &lone))
        look_at_text(key, (struct str){text, n});
    else
        key->values++;
}

static bool only_of_zeek(struct str key)
{
    return str_eq(key, STR("_path")) || str_eq(key, STR("@stream")) || str_eq(key, STR("uid")) ||
           str_eq(key, STR("id.orig_h")) || str_eq(key, STR("id_orig_h"));
}

struct part_guess *part_guess_new(struct error *err)
{
    return mem_alloc(1, sizeof(struct part_guess), err);
}

void part_guess_free(struct part_guess *guess)
{
    if (!guess)
        return;
    for (size_t i = 0; i < guess->count; i++)
        mem_free(guess->keys[i].key);
    mem_free(guess->keys);
    mem_free(guess);
}

void part_guess_row(struct part_guess *guess)
{
    guess->rows++;
    guess->next = 0;
}

uint64_t part_guess_rows(const struct part_guess *guess)
{
    return guess->rows;
}

bool part_guess_value(struct part_guess *guess, struct str key, enum json_kind kind, bool escaped,
                      struct str value, struct error *err)
{
    struct seen_key *at = find(guess, key);
    if (!at && !add(guess, key, &at, err))
        return false;
    if (!at)
        return true;
    guess->next = (size_t) (at - guess->keys) + 1;
    guess->zeek |= only_of_zeek(key);
    if (at->row == guess->rows) /* a key that stands twice: the first is as good as the last here */
        return true;
    at->row = guess->rows;
    if (kind == JSON_KIND_STRING) {
        look_at_string(at, escaped, value);
    } else if (kind == JSON_KIND_NUMBER) {
        at->values++;
        at->number++;
        if (!at->example[0])
            keep_example(at, value);
    } else if (kind != JSON_KIND_NULL && kind != JSON_KIND_NONE) {
        at->values++;
    }
    return true;
}

bool part_guess_object(struct part_guess *guess, struct str object, struct error *err)
{
    struct json_member member;
    char decoded[JSON_ROUTE_KEY_MAX];
    size_t at = 0;
    part_guess_row(guess);
    while (json_next(object, &at, &member)) {
        struct str value = member.value, key = member.key;
        bool lone;
        if (key.n > sizeof decoded)
            continue;
        if (memchr(key.p, '\\', key.n)) {
            if (!json_decode(key, decoded, &key.n, &lone))
                continue;
            key.p = decoded;
        }
        if (member.kind == JSON_KIND_STRING)
            value = (struct str){value.p + 1, value.n - 2};
        bool escaped = member.kind == JSON_KIND_STRING && memchr(value.p, '\\', value.n);
        if (!part_guess_value(guess, key, member.kind, escaped, value, err))
            return false;
    }
    return true;
}

/* --- what is said --------------------------------------------------------------------------------------- */

enum { ROWS_TEXT_MAX = 64 };

/* "its only row", "its first 28 rows". */
static const char *its_rows(const struct part_guess *guess, char out[ROWS_TEXT_MAX])
{
    if (guess->rows == 1)
        (void) snprintf(out, ROWS_TEXT_MAX, "its only row");
    else
        (void) snprintf(out, ROWS_TEXT_MAX, "its first %llu rows",
                        (unsigned long long) guess->rows);
    return out;
}

static void put_name(struct buf *out, const struct seen_key *key)
{
    bool cut = key->n > NAMED_BYTES_MAX;
    buf_printf(out, "%s'%.*s%s'", out->used > 0 ? ", " : "", cut ? NAMED_BYTES_MAX : (int) key->n,
               key->key, cut ? "…" : "");
}

/* "ReceiptTime", "event_date": a name of which users think when they are asked. */
static bool is_named_so(const struct seen_key *key)
{
    static const struct str words[] = {STR_INIT("time"), STR_INIT("date"), STR_INIT("epoch")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (size_t at = 0; at + words[i].n <= key->n; at++) {
            if (str_eq_case((struct str){key->key + at, words[i].n}, words[i]))
                return true;
        }
    }
    return false;
}

static bool looks_like_time(const struct seen_key *key)
{
    return key->values > 0 &&
           (is_named_so(key) || (key->utc + key->wall + key->us) * 2 > key->values);
}

/* Columns that come near, for a hint: by their names, or most of their values are times of some kind. */
static void put_near(const struct part_guess *guess, struct buf *out)
{
    unsigned named = 0;
    for (size_t i = 0; i < guess->count && named < NAMED_MAX; i++) {
        if (!looks_like_time(&guess->keys[i]))
            continue;
        put_name(out, &guess->keys[i]);
        if (guess->keys[i].example[0])
            buf_printf(out, " (%s)", guess->keys[i].example);
        named++;
    }
}

static bool refuse_none(const struct part_guess *guess, const struct part_guess_wish *wish,
                        struct error *err)
{
    struct buf near = BUF_INIT(ERROR_HINT_MAX);
    put_near(guess, &near);
    char rows[ROWS_TEXT_MAX];
    error_set(err, ERROR_SETTINGS, "%s: no column has a time in %s%s", wish->input,
              guess->rows > 1 ? "each of " : "", its_rows(guess, rows));
    if (near.used > 0)
        error_hint(err,
                   "--time-column NAME says which it is; these come near: %s. Texts that name no "
                   "zone need --time-zone, US texts --time-format us, numbers --time-format "
                   "epoch-s or epoch-ms",
                   buf_text(&near));
    else
        error_hint(err, "--time-column NAME says which it is. It takes ISO 8601; with "
                        "--time-format us, epoch-s "
                        "or epoch-ms also what the portal shows and numbers");
    buf_release(&near);
    return false;
}

static bool refuse_many(const struct part_guess_wish *wish, struct seen_key *const *candidates,
                        size_t n, struct error *err)
{
    struct buf names = BUF_INIT(ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < n && i < NAMED_MAX; i++)
        put_name(&names, candidates[i]);
    error_set(err, ERROR_SETTINGS, "%s: %zu columns have a time in every row: %s%s", wish->input, n,
              buf_text(&names), n > NAMED_MAX ? ", …" : "");
    error_hint(err, "--time-column NAME says which of them is the time of the row");
    buf_release(&names);
    return false;
}

static bool refuse_absent(const struct part_guess *guess, const struct part_guess_wish *wish,
                          struct error *err)
{
    const char **names = mem_alloc(guess->count + 1, sizeof *names, err);
    if (!names)
        return false;
    for (size_t i = 0; i < guess->count; i++)
        names[i] = guess->keys[i].key;
    const char *nearest = text_nearest(str_of(wish->column), names, guess->count);
    char rows[ROWS_TEXT_MAX];
    error_set(err, ERROR_SETTINGS, "%s: there is no column '%s' in %s%s%s%s", wish->input,
              wish->column, its_rows(guess, rows), nearest ? "; did you mean '" : "",
              nearest ? nearest : "", nearest ? "'?" : "");
    mem_free(names);
    return false;
}

static bool refuse_values(const struct part_guess *guess, const struct part_guess_wish *wish,
                          const struct seen_key *key, const struct part_time *time,
                          struct error *err)
{
    bool shown = key->example[0] != '\0';
    char rows[ROWS_TEXT_MAX];
    error_set(err, ERROR_SETTINGS, "%s: no value of '%.*s' in %s is a time of format %s%s%s%s",
              wish->input, (int) (key->n < 200 ? key->n : 200), key->key, its_rows(guess, rows),
              part_time_format_name(time->format), shown ? ", such as '" : "", key->example,
              shown ? "'" : "");
    if (!time->zone && (time->format == PART_TIME_US ? key->us : key->wall) > 0)
        return error_hint(err, "they name no zone: --time-zone UTC, or the one they are in");
    if (key->us > 0)
        return error_hint(err, "--time-format us --time-zone UTC, or the zone they are in");
    if (key->number > 0)
        return error_hint(err, "--time-format epoch-s or epoch-ms, if they count since 1970");
    return error_hint(err,
                      "--time-column names another; --time-format is iso, us, epoch-s or epoch-ms");
}

/* --- what is settled ------------------------------------------------------------------------------------ */

static struct str name_of(const struct seen_key *key)
{
    struct str name, zone;
    engine_header_split((struct str){key->key, key->n}, &name, &zone);
    return name;
}

static struct str zone_of(const struct seen_key *key)
{
    struct str name, zone;
    engine_header_split((struct str){key->key, key->n}, &name, &zone);
    return zone;
}

/* A key of that name, or the first whose header names it before its zone. */
static struct seen_key *find_named(const struct part_guess *guess, struct str name)
{
    struct seen_key *key = guess->count > 0 ? find(guess, name) : NULL;
    for (size_t i = 0; !key && i < guess->count; i++) {
        if (zone_of(&guess->keys[i]).n > 0 && str_eq(name_of(&guess->keys[i]), name))
            key = &guess->keys[i];
    }
    return key;
}

static bool refuse_zone(struct str name, struct error *err)
{
    error_set(err, ERROR_SETTINGS, "time zone '%.*s' is not known",
              (int) (name.n < 80 ? name.n : 80), name.p);
    return error_hint(err, "--time-zone takes UTC, an offset (+02:00), an IANA name "
                           "(America/Los_Angeles), or a name of Windows or the portal");
}

/* The header's, else that of the command line. */
static bool set_zone(const struct seen_key *key, const struct part_guess_wish *wish,
                     struct part_time *time, struct error *err)
{
    struct str header = zone_of(key);
    time->zone = NULL;
    if (header.n > 0 && !part_zones_find(wish->zones, header, &time->zone, err))
        return false;
    if (time->zone || !wish->zone)
        return true;
    if (!part_zones_find(wish->zones, str_of(wish->zone), &time->zone, err))
        return false;
    return time->zone || refuse_zone(str_of(wish->zone), err);
}

/* Rows in which the key's value is a time by these rules. */
static uint64_t good_rows(const struct seen_key *key, const struct part_time *time)
{
    switch (time->format) {
    case PART_TIME_ISO:
        return key->utc + (time->zone ? key->wall : 0);
    case PART_TIME_US:
        return time->zone ? key->us : 0;
    case PART_TIME_EPOCH_S:
    case PART_TIME_EPOCH_MS:
    case PART_TIME_FORMAT_COUNT:
        break;
    }
    return key->number;
}

/* Zone and format of a key. */
static bool set_rules(const struct seen_key *key, const struct part_guess_wish *wish, bool zeek,
                      struct part_time *time, struct error *err)
{
    if (!set_zone(key, wish, time, err))
        return false;
    if (wish->format) {
        if (!part_time_format_parse(str_of(wish->format), &time->format))
            return error_set(err, ERROR_SETTINGS,
                             "time format '%s' is not iso, us, epoch-s or epoch-ms", wish->format);
        return true;
    }
    time->format = PART_TIME_ISO;
    if (zeek && key->number > 0)
        time->format = PART_TIME_EPOCH_S;
    else if (zone_of(key).n > 0 && time->zone && key->us > key->utc + key->wall)
        time->format = PART_TIME_US;
    return true;
}

/* The only key that has a time in every row. */
static bool find_only(const struct part_guess *guess, const struct part_guess_wish *wish,
                      struct part_time *time, struct seen_key **out, struct error *err)
{
    struct seen_key **candidates = mem_alloc(guess->count + 1, sizeof(struct seen_key *), err);
    size_t n = 0;
    if (!candidates)
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < guess->count; i++) {
        struct seen_key *key = &guess->keys[i];
        if (key->values < guess->rows || key->n > JSON_ROUTE_KEY_MAX)
            continue;
        ok = set_rules(key, wish, false, time, err);
        if (ok && good_rows(key, time) == guess->rows)
            candidates[n++] = key;
    }
    if (ok && n == 0)
        ok = refuse_none(guess, wish, err);
    else if (ok && n > 1)
        ok = refuse_many(wish, candidates, n, err);
    *out = candidates[0];
    mem_free(candidates);
    return ok;
}

/* Which key it is. */
static bool choose(const struct part_guess *guess, const struct part_guess_wish *wish,
                   struct part_time *time, struct part_guess_told *told, struct seen_key **out,
                   struct error *err)
{
    static const struct str usual = STR_INIT("TimeGenerated");
    if (wish->column) {
        *out = find_named(guess, str_of(wish->column));
        return *out || refuse_absent(guess, wish, err);
    }
    *out = find_named(guess, usual);
    if (*out) {
        told->guessed = !str_eq((struct str){(*out)->key, (*out)->n}, usual);
        return true;
    }
    told->guessed = true;
    *out = guess->zeek ? find(guess, STR("ts")) : NULL;
    if (*out && ((*out)->number > 0 || (*out)->utc > 0))
        return true;
    return find_only(guess, wish, time, out, err);
}

static bool is_usual(struct str name)
{
    return str_eq(name, STR("TimeGenerated"));
}

/* Whether a line of such rows has its time by that rule, as readers see it: they take the first that holds, after a
 * TimeGenerated that names its zone. */
static bool holds(const struct part_guess *guess, const struct lake_from *from)
{
    static const struct part_zone some;
    const struct seen_key *key = find(guess, str_of(from->key));
    struct part_time time = {.zone = from->zone && from->zone[0] ? &some : NULL};
    if (!key || !part_time_format_parse(str_of(from->format), &time.format))
        return false;
    uint64_t good = good_rows(key, &time);
    if (is_usual(str_of(from->key)) && time.format == PART_TIME_ISO)
        good -= key->utc;
    return good > 0;
}

/* Rules of earlier imports go first, so none of them may hold for these rows. */
static bool check_from(const struct part_guess *guess, const struct part_guess_wish *wish,
                       const struct part_time *time, struct str key, struct error *err)
{
    const char *zone = time->zone ? time->zone->name : "";
    if (wish->converted || (is_usual(key) && time->format == PART_TIME_ISO && !time->zone))
        return true;
    for (size_t i = 0; i < wish->n_from; i++) {
        const struct lake_from *from = &wish->from[i];
        bool same_key = str_eq(str_of(from->key), key);
        if (same_key && strcmp(from->format, part_time_format_name(time->format)) == 0 &&
            strcmp(from->zone ? from->zone : "", zone) == 0)
            return true;
        if (!holds(guess, from))
            continue;
        error_set(err, ERROR_SETTINGS,
                  "%s: readers of the table would take '%s' for the time (%s%s%s)", wish->input,
                  from->key, from->format, from->zone && from->zone[0] ? ", " : "",
                  from->zone ? from->zone : "");
        return error_hint(err,
                          "so an earlier import is read, or an input before this one: import by "
                          "the same --time-column, or into another table");
    }
    return true;
}

static bool keep_key(struct part_time *time, struct str key, struct error *err)
{
    if (key.n > JSON_ROUTE_KEY_MAX || memchr(key.p, '\0', key.n))
        return error_set(err, ERROR_SETTINGS, "the name of the time column is too long");
    time->key = mem_copy(key.p, key.n, err);
    return time->key != NULL;
}

/* Without a row there is nothing to tell by, nor to lose. */
static bool settle_blind(const struct part_guess_wish *wish, struct part_time *time,
                         struct error *err)
{
    const char *key = wish->column ? wish->column : "TimeGenerated";
    struct seen_key none = {.key = (char *) (uintptr_t) key, .n = strlen(key)};
    return set_rules(&none, wish, false, time, err) && keep_key(time, str_of(key), err);
}

bool part_guess_settle(const struct part_guess *guess, const struct part_guess_wish *wish,
                       struct part_time *time, struct part_guess_told *told, struct error *err)
{
    struct seen_key *key;
    *told = (struct part_guess_told){0};
    if (guess->rows == 0)
        return settle_blind(wish, time, err);
    if (!choose(guess, wish, time, told, &key, err))
        return false;
    told->zeek = guess->zeek && strcmp(key->key, "ts") == 0;
    if (!set_rules(key, wish, told->zeek, time, err))
        return false;
    if (good_rows(key, time) == 0)
        return refuse_values(guess, wish, key, time, err);
    if (!is_usual(name_of(key)) && find(guess, STR("TimeGenerated"))) {
        error_set(err, ERROR_SETTINGS, "%s: its rows have a TimeGenerated beside '%s'", wish->input,
                  key->key);
        return error_hint(err,
                          "readers would take TimeGenerated for the time of a row; import by it");
    }
    struct str name = {key->key, key->n};
    return check_from(guess, wish, time, name, err) && keep_key(time, name, err);
}
