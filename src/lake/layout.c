/* Names of containers and blobs: see layout.h. */
#include "lake/layout.h"

#include <ctype.h>

enum {
    SUBSCRIPTION_MAX = 64, /* a GUID */
    GROUP_MAX = 360,       /* 90 characters, in any script */
    WORKSPACE_MAX = 64,
    LEVELS = 5,
    DAY_LEVELS = 3,
    LEVEL_KEY_MAX = 16,
    LEVEL_DIGITS_MAX = 4,
    IMPORT_HEX = 12,
    CONTAINER_MIN = 3,
    NUMBER_FIRST = 2 /* the one without a number was the first */
};

static const char own_container[] = "weir";
static const char export_stem[] = "PT05M_weir";

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static void put_lower(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_putc(out, lower(s.p[i]));
}

/* --- what a place may be --- */

/* Letters, digits and `_-.()` as Azure has them in names; letters of other scripts pass, as long as they
 * are UTF-8 and no control characters. Not `.`, `..` or anything that ends in a dot. */
static bool name_ok(struct str part, size_t max)
{
    if (part.n == 0 || part.n > max || part.p[part.n - 1] == '.' || !text_utf8_valid(part))
        return false;
    for (size_t i = 0, n; i < part.n; i += n) {
        uint32_t c = text_utf8_next(part.p + i, part.n - i, &n);
        if (c < 0x80 ? !isalnum((int) c) && !strchr("_-.()", (int) c) : c < 0xa0)
            return false;
    }
    return true;
}

static bool resource_ok(struct str id)
{
    static const struct {
        const char *word; /* NULL: a name of at most `max` bytes */
        size_t max;
    } parts[] = {{"subscriptions", 0},  {NULL, SUBSCRIPTION_MAX},
                 {"resourcegroups", 0}, {NULL, GROUP_MAX},
                 {"providers", 0},      {"microsoft.operationalinsights", 0},
                 {"workspaces", 0},     {NULL, WORKSPACE_MAX}};
    struct str part;
    if (!str_split(&id, '/', &part) || part.n > 0)
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!str_split(&id, '/', &part))
            return false;
        if (parts[i].word ? !str_eq_case(part, str_of(parts[i].word))
                          : !name_ok(part, parts[i].max))
            return false;
    }
    return !str_split(&id, '/', &part);
}

static bool table_ok(struct str table)
{
    if (table.n == 0 || table.n > LAKE_TABLE_MAX || (table.p[0] >= '0' && table.p[0] <= '9'))
        return false;
    for (size_t i = 0; i < table.n; i++)
        if (!isalnum((unsigned char) table.p[i]) && table.p[i] != '_')
            return false;
    return true;
}

static bool container_ok(struct str name)
{
    if (name.n < CONTAINER_MIN || name.n > LAKE_CONTAINER_MAX || str_eq(name, STR("weir")))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char) name.p[i]) && name.p[i] != '_' && name.p[i] != '-')
            return false;
    return true;
}

bool lake_place_check(const struct lake_place *place, struct error *err)
{
    if (!text_is_guid(str_of(place->workspace_id)))
        return error_set(err, ERROR_SETTINGS, "workspace id '%.80s' is not a GUID",
                         place->workspace_id ? place->workspace_id : "");
    if (!resource_ok(str_of(place->resource_id))) {
        (void) error_set(err, ERROR_SETTINGS, "'%.300s' is no resource id of a workspace",
                         place->resource_id ? place->resource_id : "");
        return error_hint(err, "it reads /subscriptions/<id>/resourcegroups/<name>/providers/"
                               "microsoft.operationalinsights/workspaces/<name>");
    }
    if (!table_ok(str_of(place->table))) {
        (void) error_set(err, ERROR_SETTINGS, "'%.80s' cannot be the name of a table",
                         place->table ? place->table : "");
        return error_hint(err, "letters, digits and '_', no digit first, at most %d",
                          LAKE_TABLE_MAX);
    }
    if (place->container && !container_ok(str_of(place->container)))
        return error_set(err, ERROR_SETTINGS, "'%.80s' cannot be a container", place->container);
    return true;
}

/* --- names --- */

/* The table's part of a container's name. */
static void put_table(struct buf *out, const char *table)
{
    size_t n = strlen(table), max = LAKE_CONTAINER_MAX - strlen("am-");
    for (size_t i = 0; i < n && i < max; i++) {
        char c = lower(table[i]);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        buf_putc(out, plain ? c : '-');
    }
}

void lake_container(struct buf *out, const char *table)
{
    buf_reset(out);
    buf_puts(out, "am-");
    put_table(out, table);
}

void lake_table_prefix(struct buf *out, const struct lake_place *place)
{
    if (place->container) {
        buf_reset(out);
        buf_puts(out, place->container);
    } else {
        lake_container(out, place->table);
    }
    buf_puts(out, "/WorkspaceResourceId=");
    put_lower(out, str_of(place->resource_id));
}

void lake_partition_prefix(struct buf *out, const struct lake_place *place, int64_t tick)
{
    struct tick_civil c = tick_civil(tick_floor(tick, TICK_PARTITION));
    lake_table_prefix(out, place);
    buf_printf(out, "/y=%04d/m=%02d/d=%02d/h=%02d/m=%02d", c.year, c.month, c.day, c.hour,
               c.minute);
}

void lake_export_name(struct buf *out, const struct lake_place *place, int64_t tick,
                      uint32_t number)
{
    lake_partition_prefix(out, place, tick);
    buf_putc(out, '/');
    buf_puts(out, export_stem);
    if (number > 0)
        buf_printf(out, "_%u", number);
    buf_puts(out, ".json");
}

void lake_own_prefix(struct buf *out, const struct lake_place *place)
{
    buf_reset(out);
    buf_puts(out, own_container);
    buf_putc(out, '/');
    put_lower(out, str_of(place->workspace_id));
    buf_putc(out, '/');
    put_table(out, place->table);
}

void lake_own_name(struct buf *out, const struct lake_place *place, const char *name)
{
    lake_own_prefix(out, place);
    buf_putc(out, '/');
    buf_puts(out, name);
}

/* --- names read back --- */

bool lake_name_below(struct str name, size_t skip, const char *lake, struct str *out,
                     struct error *err)
{
    if (name.n < skip) {
        (void) error_set(err, ERROR_FORMAT, "%.*s in lake %s is a file, where a folder must be",
                         (int) name.n, name.p, lake);
        return error_hint(err, "no data was touched. Move it away");
    }
    *out = (struct str){name.p + skip, name.n - skip};
    return true;
}

const char *lake_blob_kind_text(enum lake_blob_kind kind)
{
    static const char *const texts[] = {
#define X(name, text) text,
        LAKE_BLOB_KINDS(X)
#undef X
    };
    return (unsigned) kind < LAKE_BLOB_KIND_COUNT ? texts[kind] : "?";
}

bool lake_parse_level(struct str part, int *value)
{
    size_t key = 0;
    while (key < part.n && key < LEVEL_KEY_MAX && isalpha((unsigned char) part.p[key]))
        key++;
    if (key == 0 || key == part.n || part.p[key] != '=')
        return false;
    struct str digits = {part.p + key + 1, part.n - key - 1};
    int n = 0;
    if (digits.n == 0 || digits.n > LEVEL_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (!isdigit((unsigned char) digits.p[i]))
            return false;
        n = n * 10 + (digits.p[i] - '0');
    }
    *value = n;
    return true;
}

bool lake_parse_day(struct str *path, int64_t *day)
{
    int v[DAY_LEVELS];
    struct str part;
    for (int i = 0; i < DAY_LEVELS; i++)
        if (!str_split(path, '/', &part) || !lake_parse_level(part, &v[i]))
            return false;
    const struct tick_civil civil = {.year = v[0], .month = v[1], .day = v[2]};
    return tick_from_civil(&civil, day);
}

static bool is_import(struct str middle)
{
    if (middle.n != 1 + IMPORT_HEX || middle.p[0] != '_')
        return false;
    for (size_t i = 1; i < middle.n; i++)
        if (!memchr("0123456789abcdef", middle.p[i], 16))
            return false;
    return true;
}

/* PT05M_weir or PT05M_weir_<n>, with n as lake_export_name writes it. */
static bool is_export(struct str stem, uint32_t *number)
{
    uint64_t n = 0;
    if (!str_starts(stem, str_of(export_stem)))
        return false;
    struct str behind = {stem.p + strlen(export_stem), stem.n - strlen(export_stem)};
    if (behind.n > 0 && (behind.n < 2 || behind.p[0] != '_' || behind.p[1] == '0' ||
                         !str_uint64((struct str){behind.p + 1, behind.n - 1}, &n) ||
                         n < NUMBER_FIRST || n > LAKE_NUMBER_MAX))
        return false;
    *number = (uint32_t) n;
    return true;
}

/* What the last part says: kind, number, and the span that the blob's rows lie in. */
static bool parse_last(struct str last, int64_t *span, enum lake_blob_kind *kind, uint32_t *number)
{
    if (!str_ends(last, STR(".json")))
        return false;
    struct str stem = {last.p, last.n - strlen(".json")};
    *span = TICK_PARTITION;
    *kind = LAKE_BLOB_SERVICE;
    *number = 0;
    if (is_export(stem, number)) {
        *kind = LAKE_BLOB_EXPORT;
    } else if (str_starts(stem, STR("PT05M"))) {
        if (is_import((struct str){stem.p + 5, stem.n - 5}))
            *kind = LAKE_BLOB_IMPORT;
    } else if (str_starts(stem, STR("PT1H"))) {
        *span = TICK_HOUR;
    } else if (str_starts(stem, STR("part-"))) {
        *kind = LAKE_BLOB_OTHER;
    } else if (!str_starts(stem, STR("PT5M"))) {
        return false;
    }
    return true;
}

bool lake_parse_name(struct str behind_prefix, int64_t *tick, int64_t *span,
                     enum lake_blob_kind *kind, uint32_t *number)
{
    struct str rest = behind_prefix, part;
    if (rest.n > 0 && rest.p[0] == '/')
        rest = (struct str){rest.p + 1, rest.n - 1};
    int v[LEVELS];
    for (int i = 0; i < LEVELS; i++)
        if (!str_split(&rest, '/', &part) || !lake_parse_level(part, &v[i]))
            return false;
    struct tick_civil civil = {
        .year = v[0], .month = v[1], .day = v[2], .hour = v[3], .minute = v[4]};
    if (!str_split(&rest, '/', &part) || !parse_last(part, span, kind, number) ||
        str_split(&rest, '/', &part))
        return false;
    return tick_from_civil(&civil, tick) && *tick % *span == 0;
}

/* --- prefixes of a range --- */

enum level { YEAR, MONTH, DAY, HOUR };

/* The end of the folder of this level that begins at `tick`. */
static int64_t folder_end(int64_t tick, enum level level)
{
    struct tick_civil c = tick_civil(tick);
    int64_t end;
    if (level == HOUR || level == DAY)
        return tick + (level == DAY ? TICK_DAY : TICK_HOUR);
    if (level == YEAR || c.month == 12) {
        c.year++;
        c.month = 1;
    } else {
        c.month++;
    }
    return tick_from_civil(&c, &end) ? end : TICK_MAX + 1;
}

static bool begins(int64_t tick, enum level level)
{
    struct tick_civil c = tick_civil(tick);
    return (level >= HOUR || c.hour == 0) && (level >= DAY || c.day == 1) &&
           (level >= MONTH || c.month == 1);
}

/* The largest folder that begins at `tick` and does not pass `to`. */
static enum level widest(int64_t tick, int64_t to)
{
    for (enum level level = YEAR; level < HOUR; level++)
        if (begins(tick, level) && folder_end(tick, level) <= to)
            return level;
    return HOUR;
}

static void put_levels(struct buf *out, int64_t tick, enum level level)
{
    struct tick_civil c = tick_civil(tick);
    buf_printf(out, "/y=%04d", c.year);
    if (level >= MONTH)
        buf_printf(out, "/m=%02d", c.month);
    if (level >= DAY)
        buf_printf(out, "/d=%02d", c.day);
    if (level >= HOUR)
        buf_printf(out, "/h=%02d", c.hour);
}

bool lake_prefixes(const struct lake_place *place, int64_t from, int64_t to, lake_prefix_fn *fn,
                   void *context, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    if (from >= to)
        return true;
    from = tick_floor(from < 0 ? 0 : from, TICK_HOUR);
    to = to > TICK_MAX ? TICK_MAX + 1 : tick_floor(to + TICK_HOUR - 1, TICK_HOUR);
    bool ok = true;
    while (ok && from < to) {
        enum level level = widest(from, to);
        lake_table_prefix(&name, place);
        put_levels(&name, from, level);
        ok = buf_ok(&name, "the name of a folder", err) && fn(context, buf_text(&name), err);
        from = folder_end(from, level);
    }
    buf_release(&name);
    return ok;
}
