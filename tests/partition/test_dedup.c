/* Rows that the lake has, or that came before in the import, are dropped: each by value, and never one too many. */
#include "partition/dedup.h"

#include "base/random.h"
#include "lake/ledger.h"

#include "../lake/small_import.h"

#include <errno.h>
#include <pthread.h>

enum { ROWS_MAX = 4096 };

#define DAY PLACE_FOLDER "/y=2021/m=11/d=07/"
#define ONE "0123456789ab"
#define TWO "fedcba987654"

static struct columns types_of(void)
{
    static const struct column all[] = {{.name = "TimeGenerated", .type = COLUMN_DATETIME},
                                        {.name = "n", .type = COLUMN_LONG},
                                        {.name = "s", .type = COLUMN_STRING},
                                        {.name = "d", .type = COLUMN_DYNAMIC},
                                        {.name = "_ItemId", .type = COLUMN_STRING}};
    struct columns types = {0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_true(columns_add(&types, str_of(all[i].name), all[i].type, NULL));
    return types;
}

static struct part_dedup *begin(struct fixture *f, const char *columns,
                                const struct lake_from *from, size_t n_from)
{
    struct columns types = types_of();
    const struct part_dedup_options options = {.columns = columns,
                                               .types = &types,
                                               .from = from,
                                               .n_from = n_from,
                                               .scratch = f->folder.path};
    struct part_dedup *dedup = part_dedup_new(&options, &f->err);
    columns_release(&types);
    if (!dedup)
        fail_msg("%s", f->err.message);
    return dedup;
}

static void take_all(struct fixture *f, struct part_dedup *dedup, const char *const *lines,
                     size_t n)
{
    struct part_dedup_worker *worker = part_dedup_worker_new(dedup, &f->err);
    assert_non_null(worker);
    for (size_t i = 0; i < n; i++)
        assert_true(part_dedup_take(worker, str_of(lines[i]), &f->err));
    assert_true(part_dedup_put(worker, 0, &f->err));
    assert_true(part_dedup_end(worker, &f->err));
    part_dedup_worker_free(worker);
}

static struct part_held lake_of(struct fixture *f)
{
    return (struct part_held){.store = f->store,
                              .place = &place_of_tests,
                              .from = tick_of("2021-11-07T03:00:00Z"),
                              .to = tick_of("2021-11-07T04:00:00Z"),
                              .but = TWO};
}

/* "keep, drop" as k and d, of the lines as an import of its own. */
static const char *dropped(struct fixture *f, struct part_dedup *dedup, size_t n)
{
    static char text[ROWS_MAX + 1];
    uint64_t count, is = 0;
    assert_true(part_dedup_finish(dedup, &count, &f->err));
    for (size_t i = 0; i < n; i++) {
        text[i] = part_dedup_dropped(dedup, i) ? 'd' : 'k';
        is += text[i] == 'd';
    }
    text[n] = '\0';
    assert_int_equal(count, is);
    assert_false(part_dedup_dropped(dedup, n + PART_DEDUP_ROWS_MAX / 2));
    return text;
}

static void is_dropped(struct fixture *f, const char *columns, const char *const *lines, size_t n,
                       const char *want)
{
    struct part_dedup *dedup = begin(f, columns, NULL, 0);
    take_all(f, dedup, lines, n);
    assert_string_equal(dropped(f, dedup, n), want);
    part_dedup_free(dedup);
}

#define N(lines) (sizeof(lines) / sizeof *(lines))

/* --- which rows are equal --- */

static void rows_equal_in_the_columns_are_dropped_but_the_first(void **state)
{
    static const char *const lines[] = {"{\"s\":\"a\",\"n\":1}", "{\"s\":\"b\",\"n\":1}",
                                        "{\"n\":2,\"s\":\"a\"}", "{\"s\":\"\\u0061\",\"n\":3}",
                                        "{\"s\":\"b\",\"n\":1.0}"};
    is_dropped(*state, "s", lines, N(lines), "kkddd");
    is_dropped(*state, "n", lines, N(lines), "kdkkd");
    is_dropped(*state, "s,n", lines, N(lines), "kkkkd");
    is_dropped(*state, " n , s ", lines, N(lines), "kkkkd");
}

static void a_row_without_any_of_the_columns_is_equal_to_none(void **state)
{
    static const char *const lines[] = {
        "{\"n\":1}",     "{\"n\":1}",    "{\"n\":1,\"s\":\"\"}", "{\"n\":1,\"s\":null}",
        "{\"s\":\"a\"}", "{\"s\":\"a\"}"};
    is_dropped(*state, "s", lines, N(lines), "kkkkkd");
    is_dropped(*state, "s,_ItemId", lines, N(lines), "kkkkkd");
}

static void a_column_that_nothing_has_is_told(void **state)
{
    static const char *const lines[] = {"{\"x\":1,\"y\":null}", "{\"x\":2,\"y\":\"\",\"z\":0}"};
    static const struct {
        const char *columns, *missing;
    } cases[] = {{"x", NULL},       {"x,z", NULL},    {"s,x", NULL},
                 {"_ItemId", NULL}, {"*", NULL},      {"x,X", "X"},
                 {"y,x", "y"},      {"nope", "nope"}, {"x,TimeGenerated", NULL}};
    struct fixture *f = *state;
    for (size_t i = 0; i < N(cases); i++) {
        struct part_dedup *dedup = begin(f, cases[i].columns, NULL, 0);
        take_all(f, dedup, lines, N(lines));
        const char *is = part_dedup_missing(dedup);
        assert_string_equal(is ? is : "", cases[i].missing ? cases[i].missing : "");
        part_dedup_free(dedup);
    }
}

static void a_column_that_is_not_known_is_compared_by_its_json(void **state)
{
    static const char *const lines[] = {"{\"x\":{\"a\":1,\"b\":2}}",
                                        "{\"x\":{\"b\":2,\"a\":1}}",
                                        "{\"x\":[1,2]}",
                                        "{\"x\":[2,1]}",
                                        "{\"x\":1}",
                                        "{\"x\":1.0}"};
    is_dropped(*state, "x", lines, N(lines), "kdkkkd");
}

static void the_whole_row_counts_with_keys_that_are_no_columns(void **state)
{
    static const char *const lines[] = {
        "{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"s\":\"a\",\"x\":1}",
        "{\"x\":1,\"s\":\"a\",\"TimeGenerated\":\"2021-11-07T03:05:00.0000000Z\"}",
        "{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"s\":\"a\",\"x\":2}",
        "{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"s\":\"a\",\"x\":1,\"_ItemId\":\"i\"}",
        "{\"TimeGenerated\":\"2021-11-07T03:05:01Z\",\"s\":\"a\",\"x\":1}"};
    is_dropped(*state, "*", lines, N(lines), "kdkkk");
}

/* In a zone that only other readers know: two times must not be one because neither can be told. */
static void times_that_cannot_be_told_are_told_apart_by_their_text(void **state)
{
    static const struct lake_from from[] = {{"when", "us", "Pacific Time (US and Canada)"},
                                            {"ts", "epoch-s", "UTC"}};
    static const char *const lines[] = {"{\"when\":\"11/20/2020, 4:20:29.443 PM\",\"n\":1}",
                                        "{\"when\":\"11/20/2020, 4:20:30.443 PM\",\"n\":1}",
                                        "{\"when\":\"11/20/2020, 4:20:29.443 PM\",\"n\":1}",
                                        "{\"ts\":1588205199.5,\"n\":1}",
                                        "{\"ts\":1588205199.50,\"n\":1}",
                                        "{\"ts\":1588205199.6,\"n\":1}",
                                        "{\"TimeGenerated\":\"2020-04-30T00:06:39.5Z\",\"n\":1}"};
    static const char *const asked[] = {"TimeGenerated", "n, TimeGenerated", "*"};
    static const char *const want[] = {"kkdkdkd", "kkdkdkd", "kkdkdkk"};
    struct fixture *f = *state;
    for (size_t i = 0; i < N(asked); i++) {
        struct part_dedup *dedup = begin(f, asked[i], from, N(from));
        take_all(f, dedup, lines, N(lines));
        assert_string_equal(dropped(f, dedup, N(lines)), want[i]);
        part_dedup_free(dedup);
    }
}

static void what_is_no_list_of_columns_is_refused(void **state)
{
    static const char *const bad[] = {"", " ", ",", "a,", ",a", "a,,b", "a,a"};
    struct fixture *f = *state;
    for (size_t i = 0; i < N(bad); i++) {
        const struct part_dedup_options options = {.columns = bad[i], .scratch = f->folder.path};
        error_clear(&f->err);
        assert_null(part_dedup_new(&options, &f->err));
        assert_int_equal(f->err.code, ERROR_USAGE);
    }
}

/* --- the order of rows --- */

struct share {
    struct part_dedup *dedup;
    size_t first, step;
    bool ok;
};

enum { THREADS = 4, CHUNK = 100, CHUNKS = 40 };

/* Row r is equal to row r - 1500. */
static void *take_share(void *context)
{
    struct share *share = context;
    char line[64];
    struct part_dedup_worker *worker = part_dedup_worker_new(share->dedup, NULL);
    share->ok = worker != NULL;
    for (size_t chunk = share->first; share->ok && chunk < CHUNKS; chunk += share->step) {
        for (size_t i = 0; i < CHUNK; i++) {
            (void) snprintf(line, sizeof line, "{\"n\":%zu}", (chunk * CHUNK + i) % 1500);
            share->ok = share->ok && part_dedup_take(worker, str_of(line), NULL);
        }
        share->ok = share->ok && part_dedup_put(worker, chunk * CHUNK, NULL);
    }
    share->ok = share->ok && part_dedup_end(worker, NULL);
    part_dedup_worker_free(worker);
    return NULL;
}

static void several_workers_drop_the_same_rows_as_one(void **state)
{
    struct fixture *f = *state;
    struct share shares[THREADS];
    pthread_t threads[THREADS];
    struct part_dedup *dedup = begin(f, "n", NULL, 0);
    for (size_t i = 0; i < THREADS; i++) {
        shares[i] = (struct share){.dedup = dedup, .first = THREADS - 1 - i, .step = THREADS};
        assert_int_equal(pthread_create(&threads[i], NULL, take_share, &shares[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(shares[i].ok);
    }
    const char *is = dropped(f, dedup, (size_t) CHUNKS * CHUNK);
    for (size_t i = 0; i < (size_t) CHUNKS * CHUNK; i++)
        assert_int_equal(is[i], i < 1500 ? 'k' : 'd');
    part_dedup_free(dedup);
}

static void rows_far_apart_are_found(void **state)
{
    struct fixture *f = *state;
    uint64_t count;
    const uint64_t far = PART_DEDUP_ROWS_MAX - 2;
    struct part_dedup *dedup = begin(f, "n", NULL, 0);
    struct part_dedup_worker *worker = part_dedup_worker_new(dedup, &f->err);
    assert_true(part_dedup_take(worker, STR("{\"n\":1}"), &f->err));
    assert_true(part_dedup_put(worker, 5, &f->err));
    assert_true(part_dedup_take(worker, STR("{\"n\":1}"), &f->err));
    assert_true(part_dedup_put(worker, far, &f->err));
    assert_true(part_dedup_take(worker, STR("{\"n\":1}"), &f->err));
    assert_false(part_dedup_put(worker, PART_DEDUP_ROWS_MAX, &f->err));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_true(part_dedup_end(worker, &f->err));
    part_dedup_worker_free(worker);
    assert_true(part_dedup_finish(dedup, &count, &f->err));
    assert_int_equal(count, 1);
    assert_true(part_dedup_dropped(dedup, far) && !part_dedup_dropped(dedup, 5) &&
                !part_dedup_dropped(dedup, far - 1));
    part_dedup_free(dedup);
}

/* --- any rows --- */

enum { RANDOM_ROWS = 600, RANDOM_LAKE = 100, VALUES = 12 };

/* What a row says, as few values that meet often: 0 is empty. */
struct row {
    unsigned n, s;
};

static void put_row(struct random *random, const struct row *row, char *out, size_t room)
{
    static const char *const zeros[] = {"", ".0", "e0"};
    char n[32] = "\"n\":null", s[32] = "\"s\":\"\"";
    if (row->n > 0)
        (void) snprintf(n, sizeof n, "\"n\":%u%s", row->n, zeros[random_below(random, 3)]);
    if (row->s > 0 && random_below(random, 2))
        (void) snprintf(s, sizeof s, "\"s\":\"\\u%04x\"", 'a' + row->s);
    else if (row->s > 0)
        (void) snprintf(s, sizeof s, "\"s\":\"%c\"", (char) ('a' + row->s));
    bool first = random_below(random, 2);
    (void) snprintf(out, room, "{%s,\"x\":%u,%s}", first ? n : s,
                    (unsigned) random_below(random, 9), first ? s : n);
}

static bool are_equal(const struct row *a, const struct row *b)
{
    return a->n == b->n && a->s == b->s && (a->n > 0 || a->s > 0);
}

/* Against the rule itself: a row goes when the lake or a row before it is equal to it. */
static void any_rows_are_dropped_as_the_rule_says(void **state)
{
    struct fixture *f = *state;
    struct random random;
    struct row rows[RANDOM_LAKE + RANDOM_ROWS];
    char line[128], texts[RANDOM_ROWS][128];
    const char *lines[RANDOM_ROWS];
    uint64_t seed = (uint64_t) tick_now();
    printf("seed %llu\n", (unsigned long long) seed);
    random_seed(&random, seed);
    struct buf blob = BUF_INIT(1 << 20);
    for (size_t i = 0; i < RANDOM_LAKE + RANDOM_ROWS; i++) {
        rows[i] = (struct row){(unsigned) random_below(&random, 3 * VALUES),
                               (unsigned) random_below(&random, VALUES)};
        put_row(&random, &rows[i], line, sizeof line);
        if (i < RANDOM_LAKE) {
            buf_printf(&blob, "%s\n", line);
            continue;
        }
        memcpy(texts[i - RANDOM_LAKE], line, sizeof line);
        lines[i - RANDOM_LAKE] = texts[i - RANDOM_LAKE];
    }
    assert_true(store_put(f->store, DAY "h=03/m=05/PT05M.json", buf_str(&blob), &f->err));
    const struct part_held lake = lake_of(f);
    struct part_dedup *dedup = begin(f, "s,n", NULL, 0);
    take_all(f, dedup, lines, RANDOM_ROWS);
    assert_true(part_dedup_lake(dedup, &lake, NULL, &f->err));
    const char *is = dropped(f, dedup, RANDOM_ROWS);
    for (size_t i = RANDOM_LAKE; i < RANDOM_LAKE + RANDOM_ROWS; i++) {
        bool before = false;
        for (size_t k = 0; k < i; k++)
            before |= are_equal(&rows[k], &rows[i]);
        assert_int_equal(is[i - RANDOM_LAKE], before ? 'd' : 'k');
    }
    part_dedup_free(dedup);
    buf_release(&blob);
}

/* --- what the lake has --- */

static void put(struct fixture *f, const char *name, const char *bytes)
{
    if (!store_put(f->store, name, str_of(bytes), &f->err))
        fail_msg("%s", f->err.message);
}

static const char *against_lake(struct fixture *f, const char *const *lines, size_t n,
                                const char *replaced, uint64_t *rows)
{
    struct part_dedup *dedup = begin(f, "n", NULL, 0);
    struct part_held lake = lake_of(f);
    lake.replaced = replaced;
    take_all(f, dedup, lines, n);
    if (!part_dedup_lake(dedup, &lake, rows, &f->err))
        fail_msg("%s", f->err.message);
    const char *is = dropped(f, dedup, n);
    part_dedup_free(dedup);
    return is;
}

static const char *const ten[] = {"{\"n\":0}", "{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}",
                                  "{\"n\":5}", "{\"n\":6}", "{\"n\":7}", "{\"n\":8}", "{\"n\":9}"};

static void rows_of_all_kinds_of_blobs_in_the_range_count(void **state)
{
    static const struct small_part part = {"2021-11-07T03:10:00Z", "{\"n\":1}\r\n{\"n\":1}\n"};
    static const struct small_import one = {.id = ONE, .parts = &part, .n = 1};
    struct fixture *f = *state;
    uint64_t rows = 0;
    small_import_put(f, &one);
    put(f, DAY "h=03/m=05/PT05M_weir.json", "{\"n\":2,\"s\":\"x\"}\n");
    put(f, DAY "h=03/m=05/PT05M.json", "\n {\"n\":3} \n\nno object\n{\"n\":4}");
    put(f, DAY "h=03/m=00/PT1H.json", "{\"n\":5}\n");
    put(f, DAY "h=03/m=00/part-0.json", "{\"n\":6}\n");
    put(f, DAY "h=04/m=00/PT05M.json", "{\"n\":7}\n"); /* behind the range */
    put(f, DAY "h=02/m=55/PT05M.json", "{\"n\":8}\n");
    assert_string_equal(against_lake(f, ten, N(ten), NULL, &rows), "kddddddkkk");
    assert_int_equal(rows, 2 + 1 + 3 + 1 + 1);
}

static void what_does_not_count_drops_nothing(void **state)
{
    static const struct small_part part_one = {"2021-11-07T03:10:00Z", "{\"n\":1}\n"};
    static const struct small_part part_two = {"2021-11-07T03:10:00Z", "{\"n\":2}\n"};
    static const struct lake_import old = {.id = ONE};
    struct small_import one = {.id = ONE, .parts = &part_one, .n = 1};
    struct small_import two = {.id = TWO, .parts = &part_two, .n = 1};
    struct lake_import dead = old;
    struct fixture *f = *state;
    /* An import that is to be replaced, and what a killed run of this one left. */
    small_import_put(f, &one);
    assert_true(small_import_blobs(f->store, &two, &f->err));
    assert_string_equal(against_lake(f, ten, N(ten), NULL, NULL), "kdkkkkkkkk");
    assert_string_equal(against_lake(f, ten, N(ten), ONE, NULL), "kkkkkkkkkk");
    /* One that was replaced already, by a third. */
    dead.started = tick_of("2021-11-18");
    struct small_import third = {.id = "aaaaaaaaaaaa", .replaces = &dead, .started = "2021-11-19"};
    small_import_put(f, &third);
    assert_string_equal(against_lake(f, ten, N(ten), NULL, NULL), "kkkkkkkkkk");
}

/* Where nothing can be replaced: the number that the ledger names, else the highest. */
static void of_numbered_exports_the_one_that_counts_is_read(void **state)
{
    struct fixture *f = *state;
    put(f, DAY "h=03/m=05/PT05M_weir.json", "{\"n\":1}\n");
    put(f, DAY "h=03/m=05/PT05M_weir_2.json", "{\"n\":2}\n");
    put(f, DAY "h=03/m=05/PT05M_weir_10.json", "{\"n\":3}\n");
    put(f, DAY "h=03/m=10/PT05M_weir.json", "{\"n\":4}\n");
    assert_string_equal(against_lake(f, ten, N(ten), NULL, NULL), "kkkddkkkkk");
    const struct lake_run run = {.id = "run-1", .by = "weir"};
    const struct lake_entry entry = {.partition = tick_of("2021-11-07T03:05:00Z"),
                                     .at = tick_of("2021-11-18"),
                                     .bytes = 8,
                                     .number = 2,
                                     .verdict = LAKE_VERDICT_VERIFIED};
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_true(ledger && lake_ledger_begin(ledger, &run, &f->err) &&
                lake_ledger_add(ledger, &entry, &f->err) && lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
    assert_string_equal(against_lake(f, ten, N(ten), NULL, NULL), "kkdkdkkkkk");
}

static void lines_across_pieces_and_many_blobs_are_read_whole(void **state)
{
    enum { BLOBS = 12, LINES = 9000 };
    struct fixture *f = *state;
    struct buf text = BUF_INIT(64 << 20);
    uint64_t rows;
    char name[512];
    for (int blob = 0; blob < BLOBS; blob++) {
        buf_reset(&text);
        for (int i = 0; i < LINES; i++)
            buf_printf(&text, "{\"pad\":\"%*d\",\"n\":%d}\n", i % 89, i, 1000 + blob * LINES + i);
        if (blob == BLOBS - 1)
            buf_puts(&text, "{\"n\":9}");
        (void) snprintf(name, sizeof name, DAY "h=03/m=%02d/PT05M.json", blob * 5);
        put(f, name, buf_text(&text));
    }
    assert_string_equal(against_lake(f, ten, N(ten), NULL, &rows), "kkkkkkkkkd");
    assert_int_equal(rows, BLOBS * LINES + 1);
    buf_release(&text);
}

static void it_can_be_stopped(void **state)
{
    struct fixture *f = *state;
    struct stop stop = {0};
    const struct part_dedup_options options = {
        .columns = "n", .scratch = f->folder.path, .stop = &stop};
    struct part_dedup *dedup = part_dedup_new(&options, &f->err);
    uint64_t count;
    put(f, DAY "h=03/m=05/PT05M.json", "{\"n\":1}\n");
    struct part_held lake = lake_of(f);
    lake.stop = &stop;
    take_all(f, dedup, ten, N(ten));
    stop_set(&stop, 2);
    assert_false(part_dedup_lake(dedup, &lake, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERRUPTED);
    error_clear(&f->err);
    assert_false(part_dedup_finish(dedup, &count, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERRUPTED);
    part_dedup_free(dedup);
}

static void every_allocation_may_fail(void **state)
{
    struct fixture *f = *state;
    put(f, DAY "h=03/m=05/PT05M.json", "{\"n\":1}\n");
    const struct part_held lake = lake_of(f);
    struct columns types = types_of();
    const struct lake_from from = {"ts", "epoch-s", "UTC"};
    const struct part_dedup_options options = {
        .columns = "n,s", .types = &types, .from = &from, .n_from = 1, .scratch = f->folder.path};
    uint64_t n = 1, count = 0;
    for (bool ok = false; !ok; n++) {
        error_clear(&f->err);
        mem_fail_at(n);
        struct part_dedup *dedup = part_dedup_new(&options, &f->err);
        struct part_dedup_worker *worker = dedup ? part_dedup_worker_new(dedup, &f->err) : NULL;
        ok = worker && part_dedup_take(worker, STR("{\"n\":1}"), &f->err) &&
             part_dedup_put(worker, 0, &f->err) && part_dedup_end(worker, &f->err) &&
             part_dedup_lake(dedup, &lake, NULL, &f->err) &&
             part_dedup_finish(dedup, &count, &f->err);
        mem_fail_at(0);
        if (!ok && f->err.code != ERROR_MEMORY && !strstr(f->err.message, strerror(ENOMEM)))
            fail_msg("%s", f->err.message);
        part_dedup_worker_free(worker);
        part_dedup_free(dedup);
    }
    assert_int_equal(count, 1);
    assert_true(n > 20);
    columns_release(&types);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(rows_equal_in_the_columns_are_dropped_but_the_first),
        CASE(a_row_without_any_of_the_columns_is_equal_to_none),
        CASE(a_column_that_nothing_has_is_told),
        CASE(a_column_that_is_not_known_is_compared_by_its_json),
        CASE(the_whole_row_counts_with_keys_that_are_no_columns),
        CASE(times_that_cannot_be_told_are_told_apart_by_their_text),
        CASE(what_is_no_list_of_columns_is_refused),
        CASE(several_workers_drop_the_same_rows_as_one),
        CASE(rows_far_apart_are_found),
        CASE(any_rows_are_dropped_as_the_rule_says),
        CASE(rows_of_all_kinds_of_blobs_in_the_range_count),
        CASE(what_does_not_count_drops_nothing),
        CASE(of_numbered_exports_the_one_that_counts_is_read),
        CASE(lines_across_pieces_and_many_blobs_are_read_whole),
        CASE(it_can_be_stopped),
        CASE(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
