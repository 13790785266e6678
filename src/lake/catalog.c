/* Finds the blobs of a range: see catalog.h.
 *
 * What may hold them is a list of folders, in order of time. On a disk, where a look costs nothing, they are the days that are
 * there in any form. On a remote store each look is a request that is paid for and waited for, so
 *
 *     year      y=2021, asked for by name; what years there are is asked only for a range of more than two
 *     month     one request for the months of a year: they may be there as m=01, m=1 or month=1
 *     day       d=07 and d=7, asked for by name, all at once; more than a week of a month is the month as a whole
 *
 * and blobs are listed flat below them. One day is two requests from the tenth on, three before, and two more for each
 * other form in which its month is there.
 */
#include "lake/catalog.h"

#include "base/memory.h"

#include <stdlib.h>

enum {
    DAY_LEVELS = 3,
    FOLDERS_MAX = 64 << 20, /* bytes of the names of all folders */
    NAMES_MAX = 128 << 20,  /* and of the blobs of one batch, behind the table's prefix */
    YEARS_BY_NAME = 2,
    WEEK_DAYS = 7,    /* of a month: more are the whole month */
    BATCH_DAYS = 62,  /* listed at once on a remote store */
    PADDED_FROM = 10, /* days that have one form */
    MONTHS_LAST = 12
};

/* --- folders --- */

/* A prefix to list: its blobs are of [from, to). */
struct folder {
    int64_t from, to;
    const char *name; /* whole, in the arena */
};

/* The search for them. */
struct folders {
    struct store *store;
    int64_t from, to;
    struct buf name; /* of the folder where the search is */
    int values[DAY_LEVELS];
    int depth;
    struct arena arena;
    struct folder *v;
    size_t n, room;
};

static void folders_release(struct folders *folders)
{
    buf_release(&folders->name);
    arena_release(&folders->arena);
    mem_free(folders->v);
}

/* Adds the folder where the search is, if it may hold blobs of the range. */
static bool add_folder(struct folders *folders, int64_t from, int64_t to, struct error *err)
{
    if (from >= folders->to || to <= folders->from)
        return true;
    if (!buf_ok(&folders->name, "the name of a folder", err) ||
        !mem_reserve(&folders->v, &folders->room, folders->n, LAKE_FOLDERS_MAX, sizeof *folders->v,
                     err))
        return false;
    const char *name =
        arena_copy(&folders->arena, buf_text(&folders->name), folders->name.used, err);
    if (!name)
        return false;
    folders->v[folders->n++] = (struct folder){from, to, name};
    return true;
}

static void cut_name(struct folders *folders, size_t length)
{
    folders->name.used = length;
    folders->name.bytes[length] = '\0';
}

static int compare_folders(const void *a, const void *b)
{
    const struct folder *x = a, *y = b;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                              : strcmp(x->name, y->name);
}

/* --- on a disk: the days that are there --- */

static bool add_day(struct folders *folders, struct error *err)
{
    struct tick_civil civil = {
        .year = folders->values[0], .month = folders->values[1], .day = folders->values[2]};
    int64_t tick;
    return !tick_from_civil(&civil, &tick) || add_folder(folders, tick, tick + TICK_DAY, err);
}

/* Can a folder with the values so far hold a day of the range? */
static bool may_hold(const struct folders *folders)
{
    struct tick_civil from = tick_civil(folders->from), to = tick_civil(folders->to);
    int year = folders->values[0], month = folders->values[1];
    if (folders->depth == 1)
        return year >= from.year && year <= to.year;
    int at = year * MONTHS_LAST + month;
    return at >= from.year * MONTHS_LAST + from.month && at <= to.year * MONTHS_LAST + to.month;
}

/* One folder of a level; at most DAY_LEVELS deep. */
static bool visit(void *context, struct str part, struct error *err)
{
    struct folders *folders = context;
    size_t before = folders->name.used;
    if (!lake_parse_level(part, &folders->values[folders->depth]))
        return true;
    buf_putc(&folders->name, '/');
    buf_put_str(&folders->name, part);
    folders->depth++;
    bool ok = buf_ok(&folders->name, "the name of a folder", err);
    if (ok && folders->depth == DAY_LEVELS)
        ok = add_day(folders, err);
    else if (ok && may_hold(folders))
        ok = store_folders(folders->store, buf_text(&folders->name), visit, folders, err);
    folders->depth--;
    cut_name(folders, before);
    return ok;
}

/* --- on a remote store: names, and one look for the months of a year --- */

/* y=2021 and nothing else. */
static bool is_year(struct str part, int *year)
{
    return part.n == 6 && str_starts(part, STR("y=")) && lake_parse_level(part, year);
}

static bool month_range(int year, int month, int64_t *from, int64_t *to)
{
    struct tick_civil civil = {.year = year, .month = month, .day = 1};
    if (!tick_from_civil(&civil, from))
        return false;
    civil.year += month == MONTHS_LAST;
    civil.month = month == MONTHS_LAST ? 1 : month + 1;
    if (!tick_from_civil(&civil, to))
        *to = TICK_MAX + 1;
    return true;
}

/* The forms of a day of the month where the search is: d=07, d=7. */
static bool name_day(struct folders *folders, int64_t tick, struct error *err)
{
    int day = tick_civil(tick).day;
    size_t before = folders->name.used;
    bool ok = true;
    for (size_t i = 0; ok && i < (day < PADDED_FROM ? 2 : 1); i++) {
        buf_puts(&folders->name, i == 0 && day < PADDED_FROM ? "/d=0" : "/d=");
        buf_printf(&folders->name, "%d", day);
        ok = add_folder(folders, tick, tick + TICK_DAY, err);
        cut_name(folders, before);
    }
    return ok;
}

/* A month of a year, in whatever form. */
static bool on_month(void *context, struct str part, struct error *err)
{
    struct folders *folders = context;
    size_t before = folders->name.used;
    int64_t from, to;
    int month;
    if (!lake_parse_level(part, &month) || !month_range(folders->values[0], month, &from, &to))
        return true;
    int64_t first = from > folders->from ? from : tick_floor(folders->from, TICK_DAY);
    int64_t last = to < folders->to ? to : folders->to;
    buf_putc(&folders->name, '/');
    buf_put_str(&folders->name, part);
    bool ok = buf_ok(&folders->name, "the name of a folder", err);
    if (ok && last - first > WEEK_DAYS * TICK_DAY)
        ok = add_folder(folders, from, to, err);
    else
        for (; ok && first < last; first += TICK_DAY)
            ok = name_day(folders, first, err);
    cut_name(folders, before);
    return ok;
}

/* The years that are there: a bit for each of them. */
struct years {
    uint64_t there[(9999 + 64) / 64];
};

static bool on_year(void *context, struct str part, struct error *err)
{
    struct years *years = context;
    int year;
    (void) err;
    if (is_year(part, &year))
        years->there[year / 64] |= UINT64_C(1) << year % 64;
    return true;
}

static bool find_years(struct folders *folders, int from, int to, struct years *years,
                       struct error *err)
{
    *years = (struct years){0};
    if (to - from >= YEARS_BY_NAME)
        return store_folders(folders->store, buf_text(&folders->name), on_year, years, err);
    for (int year = from; year <= to; year++)
        years->there[year / 64] |= UINT64_C(1) << year % 64;
    return true;
}

static bool name_folders(struct folders *folders, struct error *err)
{
    int first = tick_civil(folders->from).year, last = tick_civil(folders->to - 1).year;
    size_t before = folders->name.used;
    struct years years;
    bool ok = find_years(folders, first, last, &years, err);
    for (int year = first; ok && year <= last; year++) {
        if (!(years.there[year / 64] >> year % 64 & 1))
            continue;
        buf_printf(&folders->name, "/y=%04d", year);
        folders->values[0] = year;
        ok = buf_ok(&folders->name, "the name of a folder", err) &&
             store_folders(folders->store, buf_text(&folders->name), on_month, folders, err);
        cut_name(folders, before);
    }
    return ok;
}

/* Finds the folders of [from, to), in order of time. */
static bool find_folders(struct folders *folders, const struct lake_place *place, struct error *err)
{
    buf_init(&folders->name, STORE_NAME_MAX);
    arena_init(&folders->arena, FOLDERS_MAX);
    lake_table_prefix(&folders->name, place);
    if (!buf_ok(&folders->name, "the name of a folder", err) ||
        !(store_remote(folders->store)
              ? name_folders(folders, err)
              : store_folders(folders->store, buf_text(&folders->name), visit, folders, err)))
        return false;
    if (folders->n > 0)
        qsort(folders->v, folders->n, sizeof *folders->v, compare_folders);
    return true;
}

/* --- blobs of a few folders --- */

struct found {
    int64_t tick, modified, created;
    uint64_t size;
    uint32_t name, number; /* name: in `names`, behind the table's prefix */
    uint16_t length;
    uint8_t kind;
    bool hour, has_md5;
    unsigned char md5[STORE_MD5];
};

struct batch {
    int64_t from, to;
    size_t skip; /* length of the table's prefix */
    bool remote;
    struct buf names;
    struct found *v;
    size_t n, room;
};

/* What name_folders would find by its name; so that a range finds the same however it is cut. */
static bool is_named(struct str behind)
{
    struct str part;
    int value;
    (void) str_split(&behind, '/', &part); /* what is before the first slash: nothing */
    return str_split(&behind, '/', &part) && is_year(part, &value) &&
           str_split(&behind, '/', &part) && str_split(&behind, '/', &part) && part.n <= 4 &&
           str_starts(part, STR("d=")) && !str_eq(part, STR("d=0"));
}

static bool add_blob(void *context, const struct store_blob *blob, struct error *err)
{
    struct batch *batch = context;
    struct str behind = {blob->name.p + batch->skip, blob->name.n - batch->skip};
    enum lake_blob_kind kind;
    int64_t tick, span;
    uint32_t number;
    if (!lake_parse_name(behind, &tick, &span, &kind, &number) || tick >= batch->to ||
        tick + span <= batch->from || (batch->remote && !is_named(behind)))
        return true;
    struct found found = {.tick = tick,
                          .modified = blob->modified,
                          .created = blob->created,
                          .size = blob->size,
                          .name = (uint32_t) batch->names.used,
                          .number = number,
                          .length = (uint16_t) behind.n,
                          .kind = (uint8_t) kind,
                          .hour = span == TICK_HOUR,
                          .has_md5 = blob->md5 != NULL};
    if (blob->md5)
        memcpy(found.md5, blob->md5, sizeof found.md5);
    buf_put_str(&batch->names, behind);
    if (!buf_ok(&batch->names, "a list of blobs", err) ||
        !mem_reserve(&batch->v, &batch->room, batch->n, LAKE_BLOBS_MAX, sizeof *batch->v, err))
        return false;
    batch->v[batch->n++] = found;
    return true;
}

static int compare_found(const void *a, const void *b, void *names)
{
    const struct found *x = a, *y = b;
    const char *text = names;
    if (x->tick != y->tick)
        return x->tick > y->tick ? 1 : -1;
    return str_compare((struct str){text + x->name, x->length},
                       (struct str){text + y->name, y->length});
}

/* Gives what was found, in order; `name` holds the table's prefix. */
static bool give_batch(struct batch *batch, struct buf *name, lake_blob_fn *fn, void *context,
                       struct error *err)
{
    bool ok = true;
    if (batch->n > 0)
        qsort_r(batch->v, batch->n, sizeof *batch->v, compare_found, batch->names.bytes);
    for (size_t i = 0; ok && i < batch->n; i++) {
        const struct found *found = &batch->v[i];
        buf_put(name, batch->names.bytes + found->name, found->length);
        struct lake_blob blob = {.name = buf_str(name),
                                 .tick = found->tick,
                                 .span = found->hour ? TICK_HOUR : TICK_PARTITION,
                                 .size = found->size,
                                 .modified = found->modified,
                                 .created = found->created,
                                 .md5 = found->has_md5 ? found->md5 : NULL,
                                 .kind = (enum lake_blob_kind) found->kind,
                                 .number = found->number};
        ok = buf_ok(name, "the name of a blob", err) && fn(context, &blob, err);
        name->used = batch->skip;
    }
    batch->n = 0;
    buf_reset(&batch->names);
    return ok;
}

/* How many folders from the first of these on are listed at once: all forms of a day, and on a remote store of a few
 * weeks. */
static size_t batch_of(const struct folder *v, size_t n, bool remote)
{
    size_t i = 1;
    int64_t end = v[0].from + (remote ? BATCH_DAYS : 1) * TICK_DAY;
    while (i < n && (v[i].from == v[i - 1].from || (remote && v[i].to <= end)))
        i++;
    return i;
}

static bool list_batch(struct batch *batch, struct store *store, const struct folder *v, size_t n,
                       struct error *err)
{
    const char *names[STORE_LIST_MAX];
    bool ok = true;
    for (size_t at = 0, some; ok && at < n; at += some) {
        some = n - at < STORE_LIST_MAX ? n - at : STORE_LIST_MAX;
        for (size_t i = 0; i < some; i++)
            names[i] = v[at + i].name;
        ok = store_list_many(store, names, some, add_blob, batch, err);
    }
    return ok;
}

bool lake_blobs(struct store *store, const struct lake_place *place, int64_t from, int64_t to,
                lake_blob_fn *fn, void *context, struct error *err)
{
    from = from < 0 ? 0 : from;
    to = to > TICK_MAX ? TICK_MAX : to;
    if (!lake_place_check(place, err))
        return false;
    if (from >= to)
        return true;
    struct folders folders = {.store = store, .from = from, .to = to};
    bool ok = find_folders(&folders, place, err);
    struct batch batch = {
        .from = from, .to = to, .skip = folders.name.used, .remote = store_remote(store)};
    buf_init(&batch.names, NAMES_MAX);
    for (size_t i = 0, n; ok && i < folders.n; i += n) {
        n = batch_of(folders.v + i, folders.n - i, batch.remote);
        ok = list_batch(&batch, store, folders.v + i, n, err) &&
             give_batch(&batch, &folders.name, fn, context, err);
    }
    buf_release(&batch.names);
    mem_free(batch.v);
    folders_release(&folders);
    return ok;
}

/* --- totals --- */

struct totaling {
    struct lake_totals *out;
    int64_t covered; /* end of what was counted as partitions */
};

static bool add_total(void *context, const struct lake_blob *blob, struct error *err)
{
    (void) err;
    struct totaling *t = context;
    int64_t end = blob->tick + blob->span;
    int64_t begin = blob->tick > t->covered ? blob->tick : t->covered;
    t->out->blobs[blob->kind]++;
    t->out->bytes[blob->kind] += blob->size;
    if (t->out->end == 0)
        t->out->first = blob->tick;
    if (end > t->out->end)
        t->out->end = end;
    if (end > begin) {
        t->out->partitions += (uint64_t) ((end - begin) / TICK_PARTITION);
        t->covered = end;
    }
    return true;
}

bool lake_blobs_total(struct store *store, const struct lake_place *place, int64_t from, int64_t to,
                      struct lake_totals *out, struct error *err)
{
    struct totaling t = {.out = out};
    *out = (struct lake_totals){0};
    return lake_blobs(store, place, from, to, add_total, &t, err);
}
