#include "rig.h"

#include "base/hash.h"

#define SCHEMA                                                                                     \
    "TimeGenerated datetime\nn long\ns string\nd dynamic\nw datetime\nt timespan\nr real\n"        \
    "m decimal\ng guid\nb bool\ni int\n_ItemId string\nTenantId string\n"

static void put_schema(struct rig *rig)
{
    struct columns columns = {0};
    if (!columns_read(STR(SCHEMA), &columns, &rig->f->err) ||
        !lake_schema_update(rig->f->store, &place_of_tests, NULL, &columns, NULL, &rig->f->err))
        fail_msg("%s", rig->f->err.message);
    columns_release(&columns);
}

static bool keep_day(void *context, const struct compact_day *day, struct error *err)
{
    struct rig *rig = context;
    (void) err;
    assert_true(rig->n < RIG_DAYS_MAX);
    rig->told[rig->n] = *day;
    rig->told[rig->n].why = NULL;
    (void) snprintf(rig->why[rig->n++], ERROR_MESSAGE_MAX, "%s", day->why ? day->why->message : "");
    return true;
}

int rig_set_up(void **state)
{
    struct rig *rig = mem_alloc(1, sizeof *rig, NULL);
    void *fixture = NULL;
    int failed = fixture_set_up(&fixture);
    rig->f = fixture;
    buf_init(&rig->answer, RIG_TEXT_MAX);
    rig->options = (struct compact_options){.store = rig->f->store,
                                            .place = place_of_tests,
                                            .now = tick_of("2021-11-20"),
                                            .closed_after = -1,
                                            .threads = 2,
                                            .by = "weir 0.0.0",
                                            .owner = "a test",
                                            .fn = keep_day,
                                            .context = rig};
    put_schema(rig);
    *state = rig;
    return failed;
}

int rig_tear_down(void **state)
{
    struct rig *rig = *state;
    void *fixture = rig->f;
    buf_release(&rig->answer);
    mem_free(rig);
    return fixture_tear_down(&fixture);
}

int64_t rig_minute(int m)
{
    return tick_of("2021-11-07T00:00:00Z") + m * TICK_MINUTE;
}

void rig_name(struct buf *out, int m, const char *name)
{
    lake_partition_prefix(out, &place_of_tests, rig_minute(m));
    buf_printf(out, "/%s", name);
}

void rig_put_text(struct rig *rig, int m, const char *name, const char *text)
{
    struct buf path = BUF_INIT(LAKE_NAME_MAX);
    rig_name(&path, m, name);
    if (!store_put(rig->f->store, buf_text(&path), str_of(text), &rig->f->err))
        fail_msg("%s", rig->f->err.message);
    buf_release(&path);
}

static void put_row(struct buf *text, int m, struct str row)
{
    char time[TICK_TEXT_MAX];
    size_t digits = 0;
    (void) tick_format(rig_minute(m) + TICK_SECOND, time);
    if (row.p[0] == '{') {
        buf_printf(text, "{\"TimeGenerated\":\"%s\",%.*s\n", time, (int) row.n - 1, row.p + 1);
        return;
    }
    while (digits < row.n && row.p[digits] >= '0' && row.p[digits] <= '9')
        digits++;
    buf_printf(text, "{\"TimeGenerated\":\"%s\",\"n\":%.*s", time, (int) digits, row.p);
    if (row.n > digits)
        buf_printf(text, ",\"_ItemId\":\"%.*s\"", (int) (row.n - digits), row.p + digits);
    buf_puts(text, "}\n");
}

static void put_rows(struct buf *text, int m, const char *rows)
{
    struct str rest = str_of(rows), row;
    while (rest.n > 0 && str_split(&rest, ' ', &row))
        put_row(text, m, row);
}

void rig_put(struct rig *rig, int m, const char *name, const char *rows)
{
    struct buf text = BUF_INIT(RIG_TEXT_MAX);
    put_rows(&text, m, rows);
    rig_put_text(rig, m, name, buf_text(&text));
    buf_release(&text);
}

bool rig_has(struct rig *rig, int m, const char *name)
{
    struct buf path = BUF_INIT(LAKE_NAME_MAX);
    uint64_t size;
    rig_name(&path, m, name);
    bool has = store_stat(rig->f->store, buf_text(&path), &size, NULL);
    buf_release(&path);
    return has;
}

void rig_vouch(struct rig *rig, int m, uint64_t rows, uint64_t beside)
{
    struct error *err = &rig->f->err;
    struct lake_run run = {.id = "run", .by = "weir"};
    struct lake_entry entry = {.partition = rig_minute(m),
                               .at = tick_now(),
                               .rows_expected = rows + beside,
                               .rows = rows,
                               .proof = LAKE_PROOF_ROWS,
                               .verdict = LAKE_VERDICT_VERIFIED,
                               .joined = beside > 0,
                               .beside_rows = beside};
    struct buf path = BUF_INIT(LAKE_NAME_MAX);
    struct hash_sha256 *hash = hash_sha256_new(err);
    rig_name(&path, m, THEIRS);
    if (beside > 0)
        assert_true(store_stat(rig->f->store, buf_text(&path), &entry.beside_bytes, err));
    rig_name(&path, m, OURS);
    if (store_get(rig->f->store, buf_text(&path), &rig->f->text, NULL)) {
        hash_sha256_add(hash, rig->f->text.bytes, rig->f->text.used);
        entry.bytes = rig->f->text.used;
        assert_true(hash_sha256_end(hash, entry.sha256, err));
    }
    struct lake_ledger *ledger = lake_ledger_open(rig->f->store, &place_of_tests, err);
    if (!ledger || !lake_ledger_begin(ledger, &run, err) || !lake_ledger_add(ledger, &entry, err) ||
        !lake_ledger_flush(ledger, err))
        fail_msg("%s", err->message);
    lake_ledger_free(ledger);
    hash_sha256_free(hash);
    buf_release(&path);
}

void rig_import(struct rig *rig, const char *id, int m, const char *rows)
{
    struct buf text = BUF_INIT(RIG_TEXT_MAX);
    char partition[TICK_TEXT_MAX];
    put_rows(&text, m, rows);
    (void) tick_format(rig_minute(m), partition);
    const struct small_part part = {.partition = partition, .lines = buf_text(&text)};
    const struct small_import import = {.id = id, .input = id, .parts = &part, .n = 1};
    if (!small_import_blobs(rig->f->store, &import, &rig->f->err) ||
        !small_import_record(rig->f->store, &import, &rig->f->err))
        fail_msg("%s", rig->f->err.message);
    buf_release(&text);
}

const struct lake_day *rig_record(struct rig *rig, struct lake_days *days, int m)
{
    if (!lake_days_read(days, rig->f->store, &place_of_tests, 0, 0, &rig->f->err))
        fail_msg("%s", rig->f->err.message);
    return lake_days_find(days, rig_minute(m));
}

void rig_compact(struct rig *rig, enum error_code code)
{
    struct error err = ERROR_INIT;
    rig->n = 0;
    bool ok = compact_run(&rig->options, &rig->totals, &err);
    if (err.code != code || ok != (code == ERROR_NONE))
        fail_msg("%s: %s; %s", error_name(err.code), err.message, rig->n > 0 ? rig->why[0] : "");
}

const char *rig_ask(struct rig *rig, const char *kql)
{
    struct query_options options = {
        .store = rig->f->store, .kql = str_of(kql), .now = tick_of("2021-12-01"), .threads = 2};
    const struct query_coverage *coverage;
    const struct engine_chunk *chunk = NULL;
    struct query *query = query_open(&options, &rig->f->err);
    bool ok = query != NULL;
    buf_reset(&rig->answer);
    while (ok && (ok = query_next(query, &chunk, &rig->f->err)) && chunk)
        for (size_t row = 0; row < chunk->rows; row++) {
            struct str text = engine_text(&chunk->vectors[0], row);
            buf_printf(&rig->answer, "%.*s ", (int) text.n, text.p);
        }
    if (!ok)
        fail_msg("%s", rig->f->err.message);
    if (query_coverage(query, &coverage) > 0)
        rig->coverage = coverage[0];
    rig->doubled = query_doubled(query);
    query_free(query);
    return buf_text(&rig->answer);
}

void rig_check(struct rig *rig, const char *expected)
{
    assert_string_equal(rig_ask(rig, "Okta_CL | sort by n asc | project tostring(n)"), expected);
}
