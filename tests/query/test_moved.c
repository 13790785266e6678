/* A lake that others change while a query finds its way in it: imports that are replaced between the reading of records and
 * the listing of blobs, and before the rows are read. */
#include "lake/catalog.h"
#include "query/query.h"

#include "lake/schema.h"
#include "tests/lake/small_import.h"

enum { ALWAYS = 1000 };

#define ONE "0123456789ab"
#define TWO "fedcba987654"

static const struct small_part part_of_one[] = {{"2021-11-07T03:05:00Z", "{\"n\":1}\n{\"n\":2}\n"}};
static const struct small_part part_of_two[] = {{"2021-11-07T03:05:00Z", "{\"n\":3}\n"}};
static const struct small_import one = {.id = ONE, .parts = part_of_one, .n = 1};
static const struct lake_import old = {.id = ONE};

/* What others do before each of the next listings. */
static struct meanwhile {
    struct fixture *f;
    void (*act)(struct fixture *f, unsigned number);
    unsigned times, done;
} meanwhile;

/* Import two in the place of one, whose blob is not deleted yet; started anew each time. Its record is of another length
 * each time, since two may be written within what a disk's clock tells apart. */
static void replace(struct fixture *f, unsigned day)
{
    char started[] = "2021-12-01", input[] = "aaaaaaaaaaaaaaaa";
    struct lake_import replaced = old;
    struct small_import two = {.id = TWO, .parts = part_of_two, .n = 1};
    replaced.started = tick_of("2021-11-18");
    started[9] = (char) ('1' + day % 9);
    two.started = started;
    two.input = &input[day % (sizeof input - 1)];
    two.replaces = &replaced;
    small_import_put(f, &two);
}

bool __real_lake_blobs(struct store *store, const struct lake_place *place, int64_t from,
                       int64_t to, lake_blob_fn *fn, void *context, struct error *err);
bool __wrap_lake_blobs(struct store *store, const struct lake_place *place, int64_t from,
                       int64_t to, lake_blob_fn *fn, void *context, struct error *err);

bool __wrap_lake_blobs(struct store *store, const struct lake_place *place, int64_t from,
                       int64_t to, lake_blob_fn *fn, void *context, struct error *err)
{
    if (meanwhile.done < meanwhile.times)
        meanwhile.act(meanwhile.f, meanwhile.done++);
    return __real_lake_blobs(store, place, from, to, fn, context, err);
}

static int set_up(void **state)
{
    const struct lake_from_change none = {0};
    struct columns columns = {0};
    if (fixture_set_up(state) != 0)
        return -1;
    struct fixture *f = *state;
    bool ok =
        columns_add(&columns, STR("TimeGenerated"), COLUMN_DATETIME, &f->err) &&
        columns_add(&columns, STR("n"), COLUMN_LONG, &f->err) &&
        lake_schema_update_from(f->store, &place_of_tests, NULL, &columns, &none, NULL, &f->err);
    columns_release(&columns);
    if (ok)
        small_import_put(f, &one);
    meanwhile = (struct meanwhile){.f = f, .act = replace};
    return ok ? 0 : -1;
}

static struct query *open_kql(struct fixture *f, const char *kql)
{
    const struct query_options options = {
        .store = f->store, .kql = str_of(kql), .now = tick_of("2021-12-20"), .threads = 2};
    return query_open(&options, &f->err);
}

static struct query *open_query(struct fixture *f)
{
    return open_kql(f, "Okta_CL | summarize tostring(sum(n))");
}

static void check_answer(struct fixture *f, struct query *query, const char *answer)
{
    const struct engine_chunk *chunk = NULL;
    if (!query || !query_next(query, &chunk, &f->err))
        fail_msg("%s", f->err.message);
    assert_int_equal(chunk->rows, 1);
    struct str text = engine_text(&chunk->vectors[0], 0);
    assert_int_equal(text.n, strlen(answer));
    assert_memory_equal(text.p, answer, text.n);
    query_free(query);
}

static void what_is_replaced_while_it_is_looked_for_is_looked_for_anew(void **state)
{
    struct fixture *f = *state;
    meanwhile.times = 1;
    struct query *query = open_query(f);
    assert_int_equal(meanwhile.done, 1);
    check_answer(f, query, "3");
}

/* An import whose rows have their time elsewhere tells where before they appear; the second time it takes that back. */
static void import_of_another_time(struct fixture *f, unsigned number)
{
    static const struct small_part part = {"2021-11-07T03:05:00Z",
                                           "{\"at\":\"2021-11-07T03:05:07Z\",\"n\":4}\n"};
    const struct lake_from from = {.key = "at", .format = "iso", .zone = ""};
    const struct lake_from_change add = {.add = &from, .n_add = 1},
                                  drop = {.drop = &from, .n_drop = 1};
    const struct columns none = {0};
    assert_true(lake_schema_update_from(f->store, &place_of_tests, NULL, &none,
                                        number % 2 == 0 ? &add : &drop, NULL, &f->err));
    if (number == 0)
        assert_true(small_import_blobs(
            f->store, &(const struct small_import){.id = TWO, .parts = &part, .n = 1}, &f->err));
}

static void a_time_that_is_told_of_meanwhile_is_known(void **state)
{
    struct fixture *f = *state;
    meanwhile.act = import_of_another_time;
    meanwhile.times = 1;
    struct query *query = open_kql(f, "Okta_CL | where TimeGenerated > datetime(2021-01-01) | "
                                      "summarize tostring(sum(n))");
    check_answer(f, query, "4");
}

static void a_schema_that_does_not_rest_is_an_error(void **state)
{
    struct fixture *f = *state;
    meanwhile.act = import_of_another_time;
    meanwhile.times = ALWAYS;
    assert_null(open_query(f));
    assert_in_range(meanwhile.done, 2, 10);
    assert_string_equal(f->err.message, "Okta_CL was compacted or imported into while it was read");
}

static void a_lake_that_does_not_rest_is_an_error(void **state)
{
    struct fixture *f = *state;
    meanwhile.times = ALWAYS;
    assert_null(open_query(f));
    assert_in_range(meanwhile.done, 2, 10);
    assert_string_equal(f->err.message, "Okta_CL was compacted or imported into while it was read");
    assert_string_equal(f->err.hint, "run the query again");
}

static void what_is_gone_when_it_is_read_is_told_as_such(void **state)
{
    struct fixture *f = *state;
    const struct engine_chunk *chunk = NULL;
    struct query *query = open_query(f);
    if (!query)
        fail_msg("%s", f->err.message);
    replace(f, 0);
    assert_true(store_delete(
        f->store, PLACE_FOLDER "/y=2021/m=11/d=07/h=03/m=05/PT05M_" ONE ".json", &f->err));
    assert_false(query_next(query, &chunk, &f->err));
    assert_string_equal(f->err.message, "Okta_CL was compacted or imported into while it was read");
    query_free(query);
}

/* Nobody's records changed: the error is the blob's own. */
static void a_blob_that_somebody_took_away_is_named(void **state)
{
    struct fixture *f = *state;
    const struct engine_chunk *chunk = NULL;
    struct query *query = open_query(f);
    if (!query)
        fail_msg("%s", f->err.message);
    assert_true(store_delete(
        f->store, PLACE_FOLDER "/y=2021/m=11/d=07/h=03/m=05/PT05M_" ONE ".json", &f->err));
    assert_false(query_next(query, &chunk, &f->err));
    assert_non_null(strstr(f->err.message, "PT05M_" ONE ".json"));
    query_free(query);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_is_replaced_while_it_is_looked_for_is_looked_for_anew),
        CASE(a_time_that_is_told_of_meanwhile_is_known),
        CASE(a_schema_that_does_not_rest_is_an_error),
        CASE(a_lake_that_does_not_rest_is_an_error),
        CASE(what_is_gone_when_it_is_read_is_told_as_such),
        CASE(a_blob_that_somebody_took_away_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
