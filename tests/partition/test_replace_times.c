/* An import in place of one whose time was another: as long as the old rows count they have the times that they had, whatever
 * fails, and the old blobs go no sooner than the new ones are safe. */
#include "import.h"

#include "../store/fault.h"
#include "lake/schema.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

enum { ROWS = 40, CALLS_MAX = 3000, CALLS_MIN = 60 };

/* How the times of the same file are read, first and then. */
struct change {
    struct lake_from from, to;
};
static const struct change other_column = {{"ts", "iso", "+02:00"}, {"made", "iso", "UTC"}},
                           other_zone = {{"ts", "iso", "+02:00"}, {"ts", "iso", "+09:00"}};

static int set_up(void **state)
{
    memset(&fault, 0, sizeof fault);
    return import_set_up(state);
}

static int tear_down(void **state)
{
    memset(&fault, 0, sizeof fault);
    return import_tear_down(state);
}

static void make_input(struct import *im)
{
    char line[200];
    for (int i = 0; i < ROWS; i++) {
        (void) snprintf(line, sizeof line,
                        "{\"ts\":\"2021-11-08 %02d:00:00\",\"made\":\"2021-11-09 %02d:30:00\"}\n",
                        i % 4, i % 3);
        import_junk(im, line);
    }
    import_file(im);
    im->options.threads = 1;
}

static void read_times_by(struct import *im, const struct lake_from *time, const char *old)
{
    im->options.time_column = time->key;
    im->options.time_format = time->format;
    im->options.time_zone = time->zone;
    im->options.replace = old;
}

/* A lake that has the old one alone. */
static void begin(struct import *im, const struct change *change, char id[PARTITION_ID + 1])
{
    import_again(im);
    read_times_by(im, &change->from, NULL);
    assert_true(import_run(im));
    memcpy(id, im->result.id, PARTITION_ID + 1);
    read_times_by(im, &change->to, id);
}

static void open_again(struct import *im)
{
    store_free(im->store); /* as the end of the program does */
    im->store = store_open(im->folder.lake, &im->err);
    im->options.store = im->store;
}

/* Whether the old one counts; if so its rule is asked before any other. */
static bool check_old(struct import *im, const struct change *change, const char *id)
{
    struct lake_imports imports;
    struct lake_schema schema;
    error_clear(&im->err);
    assert_true(
        lake_imports_read(im->store, &import_place, LAKE_IMPORTS_WHOLE, &imports, &im->err));
    assert_true(lake_schema_read(im->store, &import_place, &schema, &im->err));
    const struct lake_import *old = lake_imports_find(&imports, str_of(id));
    bool counts = old && !old->dead;
    if (counts)
        assert_true(lake_from_same(&schema.from[0], &change->from));
    else
        assert_true(imports.n > 0);
    lake_schema_release(&schema);
    lake_imports_release(&imports);
    return counts;
}

/* The new one stands there alone, and is read by its own rule alone. */
static void check_new(struct import *im, const struct change *change, const char *id)
{
    struct lake_imports imports;
    struct lake_schema schema;
    assert_true(
        lake_imports_read(im->store, &import_place, LAKE_IMPORTS_WHOLE, &imports, &im->err));
    assert_true(lake_schema_read(im->store, &import_place, &schema, &im->err));
    assert_int_equal(imports.n, 1);
    assert_string_not_equal(imports.v[0].id, id);
    assert_int_equal(imports.v[0].rows, ROWS);
    assert_int_equal(schema.n_from, 1);
    assert_true(lake_from_same(&schema.from[0], &change->to));
    lake_schema_release(&schema);
    lake_imports_release(&imports);
}

static void finish(struct import *im, const struct change *change, const char *id)
{
    open_again(im);
    if (!import_run(im))
        fail_msg("%s", im->err.message);
    check_new(im, change, id);
}

/* --- tests --- */

/* Every `step`th call. */
static void fail_some(struct import *im, const struct change *change, int step, bool always)
{
    char id[PARTITION_ID + 1];
    int n = 1, old = 0, new = 0;
    for (bool struck = true; struck; n += step) {
        begin(im, change, id);
        fault = (struct fault){.at = n, .number = EIO, .always = always};
        bool ok = import_run(im);
        struck = fault.struck;
        fault = (struct fault){0};
        assert_true(ok || struck);
        (check_old(im, change, id) ? old++ : new ++);
        finish(im, change, id);
        assert_true(n < CALLS_MAX);
    }
    assert_true(old > CALLS_MIN / step && new > 0);
}

static void a_replace_that_fails_leaves_the_old_rows_their_times(void **state)
{
    make_input(*state);
    fail_some(*state, &other_column, 2, false);
    fail_some(*state, &other_column, 7, true);
}

static void so_it_does_where_the_column_is_the_same(void **state)
{
    make_input(*state);
    fail_some(*state, &other_zone, 3, false);
    fail_some(*state, &other_zone, 7, true);
}

/* A process of its own, killed at its n-th call. */
static bool run_killed(struct import *im, int n)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = store_open(im->folder.lake, NULL);
        im->options.store = store;
        fault = (struct fault){.at = n};
        bool ok = partition_run(&im->options, &im->result, NULL);
        store_free(store);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void a_replace_that_is_killed_leaves_the_old_rows_their_times(void **state)
{
    struct import *im = *state;
    const struct change *const changes[] = {&other_column, &other_zone};
    char id[PARTITION_ID + 1];
    make_input(im);
    for (size_t i = 0; i < 2; i++) {
        bool killed = true;
        int old = 0;
        for (int n = 1; killed; n += 7) {
            begin(im, changes[i], id);
            killed = run_killed(im, n);
            old += check_old(im, changes[i], id);
            finish(im, changes[i], id);
            assert_true(n < CALLS_MAX);
        }
        assert_true(old > CALLS_MIN / 7);
    }
}

/* At its end with the record put and the old rule there: another import drops it, and its own times are right at once. */
static void what_a_replace_left_is_ended_by_any_import(void **state)
{
    struct import *im = *state;
    char id[PARTITION_ID + 1];
    make_input(im);
    begin(im, &other_zone, id);
    fault = (struct fault){.at = 1, .call = "syncfs", .number = EIO, .always = true};
    assert_false(import_run(im));
    fault = (struct fault){0};
    assert_false(check_old(im, &other_zone, id));
    open_again(im);
    import_junk(im, "{\"ts\":\"2021-11-10 01:00:00\"}\n");
    import_file(im);
    im->inputs[0] = im->inputs[1];
    im->options.input_count = 1;
    read_times_by(im, &other_zone.to, NULL);
    if (!import_run(im))
        fail_msg("%s", im->err.message);
    struct lake_schema schema;
    assert_true(lake_schema_read(im->store, &import_place, &schema, &im->err));
    assert_int_equal(schema.n_from, 1);
    assert_true(lake_from_same(&schema.from[0], &other_zone.to));
    lake_schema_release(&schema);
}

static bool count_blob(void *context, const struct store_blob *blob, struct error *err)
{
    (void) blob;
    (void) err;
    ++*(size_t *) context;
    return true;
}

/* Without --sync, too. */
static void nothing_is_deleted_before_what_takes_its_place_is_safe(void **state)
{
    struct import *im = *state;
    char id[PARTITION_ID + 1];
    size_t before = 0, after = 0;
    make_input(im);
    begin(im, &other_column, id);
    assert_true(store_list(im->store, "am-okta-cl", count_blob, &before, &im->err));
    fault = (struct fault){.at = 1, .call = "syncfs", .number = EIO, .always = true};
    assert_false(import_run(im));
    assert_true(fault.struck);
    fault = (struct fault){0};
    error_clear(&im->err);
    assert_true(store_list(im->store, "am-okta-cl", count_blob, &after, &im->err));
    assert_int_equal(after, before + 3);
    struct lake_imports imports;
    assert_true(
        lake_imports_read(im->store, &import_place, LAKE_IMPORTS_WHOLE, &imports, &im->err));
    assert_int_equal(imports.n, 2);
    lake_imports_release(&imports);
    finish(im, &other_column, id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_replace_that_fails_leaves_the_old_rows_their_times),
        T(so_it_does_where_the_column_is_the_same),
        T(a_replace_that_is_killed_leaves_the_old_rows_their_times),
        T(what_a_replace_left_is_ended_by_any_import),
        T(nothing_is_deleted_before_what_takes_its_place_is_safe),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
