/* See theirs.h. */
#include "theirs.h"

#include "lake/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

enum { TEXT_MAX = 64 << 20, ROWS_MAX = 1 << 16 };

void theirs_line(struct buf *out, const struct workspace *fake, const struct fake_row *row,
                 unsigned form)
{
    char time[TICK_TEXT_MAX], item[17];
    unsigned payload = (unsigned) (row->id % 1000);
    bool id = !fake->no_items && !(form & THEIRS_NO_ID);
    fake_item(row->id, item);
    if (form & THEIRS_OTHER) {
        (void) tick_format_full(row->tick, time);
        buf_printf(out, "{\"MG\":\"00000000\", \"Payload\": %u.0,", payload);
        if (id)
            buf_printf(out, "\"_ItemId\" : \"%s\",", item);
        buf_printf(out, "\"_Internal_WorkspaceResourceId\":{\"a\":[1,2]},\"TimeGenerated\":\"%s\"}",
                   time);
    } else {
        (void) tick_format(row->tick, time);
        buf_printf(out, "{\"TimeGenerated\":\"%s\",\"Payload\":%u", time, payload);
        if (id)
            buf_printf(out, ",\"_ItemId\":\"%s\"", item);
        buf_putc(out, '}');
    }
    buf_puts(out, form & THEIRS_CRLF ? "\r\n" : "\n");
}

static void make_folders(const char *path)
{
    char part[FOLDER_PATH];
    for (size_t i = 1; path[i]; i++) {
        if (path[i] != '/')
            continue;
        (void) snprintf(part, sizeof part, "%.*s", (int) i, path);
        (void) mkdir(part, 0755);
    }
}

void theirs_append(const struct played *played, int64_t tick, const char *name, struct str text,
                   int64_t age)
{
    struct buf folder = BUF_INIT(LAKE_NAME_MAX);
    char path[FOLDER_PATH];
    lake_partition_prefix(&folder, &played_place, tick);
    (void) snprintf(path, sizeof path, "%s/%s/%s", played->folder.lake, buf_text(&folder), name);
    buf_release(&folder);
    make_folders(path);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
    assert_int_equal(fclose(file), 0);
    struct timeval times[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
    assert_int_equal(utimes(path, times), 0);
}

static double unit(struct played *played)
{
    return random_unit(&played->fake.random);
}

uint64_t theirs_write(struct played *played, int64_t from, int64_t to, double share, double doubled,
                      unsigned form)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    uint64_t written = 0;
    for (int64_t tick = from; tick < to; tick += TICK_PARTITION) {
        buf_reset(&text);
        for (size_t i = 0; i < played->fake.count; i++) {
            const struct fake_row *row = &played->fake.rows[i];
            if (row->tick < tick || row->tick >= tick + TICK_PARTITION || unit(played) >= share)
                continue;
            written++;
            do
                theirs_line(&text, &played->fake, row, form);
            while (unit(played) < doubled);
        }
        if (text.used > 0)
            theirs_append(played, tick, "PT05M.json", buf_str(&text), 86400);
    }
    buf_release(&text);
    return written;
}

/* -- what stands in the lake -- */

struct rows {
    uint64_t v[ROWS_MAX]; /* ids, or times and payloads where there are none */
    size_t n;
};

struct halves {
    struct store *store;
    bool by_value;
    struct rows ours, theirs;
};

static uint64_t key_of(int64_t tick, unsigned payload)
{
    return (uint64_t) tick * 1000 + payload;
}

static bool after(struct str line, const char *key, struct str *out)
{
    const char *at = memmem(line.p, line.n, key, strlen(key));
    if (!at)
        return false;
    const char *last = line.p + line.n;
    at += strlen(key);
    while (at < last && (*at == ' ' || *at == ':' || *at == '"'))
        at++;
    const char *end = at;
    while (end < last && *end != '"' && *end != ',' && *end != '}')
        end++;
    *out = (struct str){at, (size_t) (end - at)};
    return end < last;
}

static void take(const struct halves *halves, struct rows *rows, struct str line)
{
    struct str item, time, payload;
    int64_t tick;
    if (!after(line, "\"TimeGenerated", &time) || !tick_parse(time, &tick) ||
        !after(line, "\"Payload", &payload))
        return; /* no row */
    assert_true(rows->n < ROWS_MAX);
    if (!halves->by_value && after(line, "\"_ItemId", &item))
        rows->v[rows->n++] = strtoull(item.p, NULL, 16);
    else
        rows->v[rows->n++] = key_of(tick, (unsigned) strtoul(payload.p, NULL, 10));
}

static bool read_blob(void *context, const struct lake_blob *blob, struct error *err)
{
    struct halves *halves = context;
    struct buf text = BUF_INIT(TEXT_MAX);
    char name[LAKE_NAME_MAX];
    struct str rest, line;
    (void) snprintf(name, sizeof name, "%.*s", (int) blob->name.n, blob->name.p);
    bool ok = store_get(halves->store, name, &text, err);
    for (rest = buf_str(&text); ok && str_split(&rest, '\n', &line);)
        take(halves, blob->kind == LAKE_BLOB_EXPORT ? &halves->ours : &halves->theirs, line);
    buf_release(&text);
    return ok;
}

static int by_key(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* How often a key stands from `at` on. */
static size_t run_of(const struct rows *rows, size_t *at, uint64_t key)
{
    size_t n = 0;
    while (*at < rows->n && rows->v[*at] < key)
        ++*at;
    for (; *at < rows->n && rows->v[*at] == key; ++*at)
        n++;
    return n;
}

static void assert_halves(const struct halves *halves, const struct rows *want)
{
    size_t ours = 0, theirs = 0, total = 0;
    for (size_t i = 0, n; i < want->n; i += n) {
        size_t at = i;
        uint64_t key = want->v[i];
        n = run_of(want, &at, key);
        size_t there = run_of(&halves->theirs, &theirs, key),
               here = run_of(&halves->ours, &ours, key);
        if (!halves->by_value && there > 1)
            there = 1; /* written again */
        assert_int_equal(here, there >= n ? 0 : n - there);
        total += here;
    }
    assert_int_equal(total, halves->ours.n); /* and no other */
}

void theirs_assert_one(struct played *played, bool by_value)
{
    static struct halves halves;
    static struct rows want;
    const struct export_source *source = &played->options.source;
    struct error err = ERROR_INIT;
    halves = (struct halves){.store = played->store, .by_value = by_value || played->fake.no_items};
    want.n = 0;
    if (!lake_blobs(played->store, &played_place, source->from, source->to, read_blob, &halves,
                    &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < played->fake.count; i++) {
        const struct fake_row *row = &played->fake.rows[i];
        want.v[want.n++] =
            halves.by_value ? key_of(row->tick, (unsigned) (row->id % 1000)) : row->id;
    }
    qsort(want.v, want.n, sizeof *want.v, by_key);
    qsort(halves.ours.v, halves.ours.n, sizeof *want.v, by_key);
    qsort(halves.theirs.v, halves.theirs.n, sizeof *want.v, by_key);
    assert_halves(&halves, &want);
}
