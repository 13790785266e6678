/* The engine over files of an opener, and over groups of files: the same rows as from the disk, each record once. */
#include "tests/engine/bench.h"
#include "tests/engine/opener.h"

#include <sched.h>
#include <time.h>

enum { FILES = 300, LINES = 40, STEP = 700, WAIT_SECONDS = 20 };

struct remote {
    struct test_opener from;
    struct buf texts[FILES];
    char names[FILES][16];
    uint32_t groups[FILES];
};

/* Files of lines n, each twice over, the second of them beside it in its group. */
static struct remote *remote_new(void)
{
    struct remote *remote = mem_alloc(1, sizeof *remote, NULL);
    opener_begin(&remote->from, STEP);
    for (size_t i = 0; i < FILES; i++) {
        buf_init(&remote->texts[i], 1 << 20);
        for (size_t j = 0; j < LINES; j++) {
            size_t n = i / 2 * LINES + j;
            buf_printf(&remote->texts[i], "{\"n\":%zu,\"from\":%zu,\"_ItemId\":\"%zu\"}\n", n, i,
                       n);
        }
        (void) snprintf(remote->names[i], sizeof remote->names[i], "blob %zu", i);
        opener_add(&remote->from, remote->names[i], buf_str(&remote->texts[i]));
        remote->groups[i] = (uint32_t) (i / 2 + 1);
    }
    return remote;
}

static void remote_free(struct remote *remote)
{
    for (size_t i = 0; i < FILES; i++)
        buf_release(&remote->texts[i]);
    mem_free(remote);
}

static bool view_remote(struct bench *bench, const struct remote *remote, bool groups)
{
    struct columns columns = columns_of("n:long from:long");
    struct engine_files files = {.name = "T",
                                 .paths = remote->from.names,
                                 .count = remote->from.n,
                                 .columns = &columns,
                                 .opener = &remote->from.opener,
                                 .sizes = remote->from.sizes,
                                 .groups = groups ? remote->groups : NULL};
    bool ok = engine_view(bench->task, &files, &bench->err);
    columns_release(&columns);
    return ok;
}

static void files_of_an_opener_are_read_as_those_of_the_disk(void **state)
{
    struct bench *bench = *state;
    struct remote *remote = remote_new();
    assert_true(view_remote(bench, remote, false));
    check_query(bench, "SELECT count(*), count(DISTINCT n), count(DISTINCT \"from\") FROM T",
                "a:long b:long c:long", "12000|6000|300\n");
    assert_int_equal(engine_doubled(bench->task), 0);
    assert_int_equal(remote->from.open, 0);
    remote_free(remote);
}

static void a_group_gives_each_record_once_though_nobody_asks_for_its_id(void **state)
{
    struct bench *bench = *state;
    struct remote *remote = remote_new();
    assert_true(view_remote(bench, remote, true));
    check_query(bench, "SELECT count(*), count(DISTINCT n), sum(\"from\" % 2)::BIGINT FROM T",
                "a:long b:long c:long", "6000|6000|0\n");
    assert_int_equal(engine_doubled(bench->task), FILES / 2 * LINES);
    check_query(bench, "SELECT count(*) FROM T", "a:long", "6000\n");
    remote_free(remote);
}

static void a_view_is_read_several_times_at_once(void **state)
{
    struct bench *bench = *state;
    struct remote *remote = remote_new();
    assert_true(view_remote(bench, remote, true));
    check_query(
        bench,
        "SELECT count(*) FROM (SELECT * FROM T UNION ALL SELECT * FROM T UNION ALL SELECT * "
        "FROM T)",
        "a:long", "18000\n");
    check_query(bench, "SELECT count(*) FROM T a JOIN T b USING (n) JOIN T c USING (n)", "a:long",
                "6000\n");
    assert_int_equal(remote->from.open, 0);
    remote_free(remote);
}

/* A worker of DuckDB may be at its work for a moment longer than its engine. */
static void wait_until_free(const struct test_opener *from)
{
    for (time_t end = time(NULL) + WAIT_SECONDS; from->holders > 0 && time(NULL) < end;)
        (void) sched_yield();
    assert_int_equal(from->holders, 0);
    assert_int_equal(from->open, 0);
}

static void what_nobody_waits_for_is_closed(void **state)
{
    struct bench *bench = *state;
    struct remote *remote = remote_new();
    struct buf out = BUF_INIT(SHOWN_MAX);
    assert_true(view_remote(bench, remote, false));
    assert_true(try_query(bench->task, "SELECT n FROM T LIMIT 5", "n:long", &out, &bench->err));
    /* A result that is left behind after its first rows. */
    struct columns columns = columns_of("n:long");
    const struct engine_chunk *chunk;
    struct engine_result *result = engine_query(bench->task, "SELECT n FROM T", &columns, NULL);
    assert_true(engine_next(result, &chunk, NULL));
    engine_result_free(result);
    engine_task_free(bench->task);
    engine_free(bench->engine);
    wait_until_free(&remote->from);
    bench->task = NULL;
    bench->engine = NULL;
    columns_release(&columns);
    buf_release(&out);
    remote_free(remote);
}

static void errors_reach_who_asks(void **state)
{
    struct bench *bench = *state;
    struct remote *remote = remote_new();
    assert_true(view_remote(bench, remote, true));
    remote->from.broken_file = 77;
    remote->from.broken_at = 100;
    assert_int_equal(query_error(bench, "SELECT count(*) FROM T", "a:long"), ERROR_NETWORK);
    assert_string_equal(bench->err.message, "blob 77: broken off");
    remote->from.broken_at = 0;
    remote->from.closed_file = true;
    assert_int_equal(query_error(bench, "SELECT count(*) FROM T", "a:long"), ERROR_NOT_FOUND);
    assert_string_equal(bench->err.message, "blob 77: gone");
    remote_free(remote);
}

static void other_forms_are_refused(void **state)
{
    struct bench *bench = *state;
    struct remote *remote = remote_new();
    struct columns columns = columns_of("n:long"), found = {0};
    struct engine_files files = {.name = "T",
                                 .form = ENGINE_CSV,
                                 .paths = remote->from.names,
                                 .count = 1,
                                 .columns = &columns,
                                 .opener = &remote->from.opener};
    assert_false(engine_view(bench->task, &files, &bench->err));
    assert_non_null(strstr(bench->err.message, "only JSON lines"));
    files.form = ENGINE_PARQUET;
    assert_false(engine_view(bench->task, &files, NULL));
    files.opener = NULL;
    files.groups = remote->groups;
    assert_false(engine_view(bench->task, &files, NULL));
    files.form = ENGINE_LINES;
    files.opener = &remote->from.opener;
    assert_false(engine_peek(bench->task, &files, &found, NULL, NULL));
    assert_int_equal(remote->from.holders, 0);
    columns_release(&columns);
    remote_free(remote);
}

static int end(void **state)
{
    struct bench *bench = *state;
    if (bench->engine)
        return tear_down(state);
    files_end(&bench->files);
    mem_free(bench);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, end)
    const struct CMUnitTest tests[] = {
        TEST(files_of_an_opener_are_read_as_those_of_the_disk),
        TEST(a_group_gives_each_record_once_though_nobody_asks_for_its_id),
        TEST(a_view_is_read_several_times_at_once),
        TEST(what_nobody_waits_for_is_closed),
        TEST(errors_reach_who_asks),
        TEST(other_forms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
