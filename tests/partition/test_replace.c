/* One import takes the place of another: never a gap, a double for an instant at worst, and whoever is killed goes on. */
#include "partition/replace.h"

#include "lake/catalog.h"
#include "lake/day.h"

#include "../lake/remote.h"
#include "../lake/small_import.h"
#include "../store/fault.h"

#include <errno.h>
#include <sys/wait.h>

#define ONE "0123456789ab"
#define TWO "fedcba987654"
#define THREE "aaaaaaaaaaaa"

static const struct small_part parts_of_one[] = {
    {"2021-11-07T03:05:00Z", "{\"a\":1}\n{\"a\":2}\n"},
    {"2021-11-07T03:15:00Z", "{\"a\":3}\n"},
};
static const struct small_part parts_of_two[] = {
    {"2021-11-07T03:05:00Z", "{\"b\":1}\n{\"b\":2}\n"},
    {"2021-11-07T03:15:00Z", "{\"b\":3}\n"},
};
static const struct small_import one = {.id = ONE, .parts = parts_of_one, .n = 2};

static int set_up(void **state)
{
    memset(&fault, 0, sizeof fault);
    return fixture_set_up(state);
}

static int tear_down(void **state)
{
    memset(&fault, 0, sizeof fault);
    return fixture_tear_down(state);
}

/* --- what a reader sees --- */

struct seen {
    const struct lake_imports *imports;
    uint64_t rows;      /* of blobs that count, by their lines */
    size_t ones, blobs; /* of import ONE; all */
};

static bool see(void *context, const struct lake_blob *blob, struct error *err)
{
    struct seen *seen = context;
    struct str id = lake_import_id_of(blob->name);
    (void) err;
    seen->blobs++;
    seen->ones += str_eq(id, STR(ONE));
    if (lake_imports_counts(seen->imports, id))
        seen->rows += blob->size / strlen("{\"a\":1}\n");
    return true;
}

static struct seen look(struct fixture *f)
{
    struct lake_imports imports;
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    struct seen seen = {.imports = &imports};
    assert_true(lake_blobs(f->store, &place_of_tests, 0, TICK_MAX, see, &seen, &f->err));
    lake_imports_release(&imports);
    return seen;
}

/* --- the command, as partition.c does it --- */

static bool replace(struct store *store, const char *id, struct part_replaced *out,
                    struct error *err)
{
    struct lake_imports imports;
    struct part_replace what;
    struct lake_import tell = {0};
    bool done = false;
    bool ok = lake_imports_read(store, &place_of_tests, LAKE_IMPORTS_HEADS, &imports, err) &&
              part_replace_find(&imports, id, &what, err) &&
              part_replace_check(&what, lake_imports_find(&imports, STR(TWO)), &done, err);
    if (ok && !done) {
        part_replace_tell(&what, &tell);
        const struct lake_import old = {.id = ONE, .started = tell.replaced};
        const struct small_import two = {.id = TWO,
                                         .input = "b",
                                         .started = "2021-11-19",
                                         .parts = parts_of_two,
                                         .n = 2,
                                         .replaces = &old};
        assert_string_equal(tell.replaces, ONE);
        ok = small_import_blobs(store, &two, err) && small_import_record(store, &two, err);
    }
    ok = ok && part_replace_finish(store, &place_of_tests, NULL, out, err);
    lake_imports_release(&imports);
    return ok;
}

static void the_old_ones_blobs_and_record_go(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    small_import_put(f, &one);
    assert_int_equal(look(f).rows, 3);
    assert_true(replace(f->store, ONE, &out, &f->err));
    assert_int_equal(out.imports, 1);
    assert_int_equal(out.blobs, 2);
    assert_int_equal(out.kept, 0);
    struct seen seen = look(f);
    assert_int_equal(seen.rows, 3);
    assert_int_equal(seen.ones, 0);
    assert_int_equal(seen.blobs, 2);
    /* Once more: all is done. */
    assert_true(replace(f->store, "0123", &out, &f->err));
    assert_int_equal(out.imports, 0);
    assert_int_equal(look(f).blobs, 2);
}

/* The same files in place of themselves: blobs that were lost are written anew. */
static void one_that_replaces_itself_is_written_anew(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    struct part_replace what;
    struct lake_import anew = {.id = ONE};
    struct part_replaced out;
    bool done = true;
    small_import_put(f, &one);
    small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
    assert_true(part_replace_find(&imports, ONE, &what, &f->err));
    assert_true(part_replace_check(&what, lake_imports_find(&imports, STR(ONE)), &done, &f->err));
    assert_false(done);
    part_replace_tell(&what, &anew);
    assert_string_equal(anew.replaces, "");
    lake_imports_release(&imports);
    struct small_import again = one;
    again.started = "2021-11-20";
    small_import_put(f, &again);
    assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
    assert_int_equal(out.imports, 0);
    assert_int_equal(look(f).rows, 3);
}

/* What it had replaced may be there yet, and must not come alive again. */
static void one_that_replaces_itself_replaces_what_it_had(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    struct part_replace what;
    struct lake_import anew = {.id = TWO};
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-18")};
    const struct small_import two = {
        .id = TWO, .input = "b", .started = "2021-11-19", .replaces = &old};
    small_import_put(f, &one);
    small_import_put(f, &two);
    small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
    assert_true(part_replace_find(&imports, TWO, &what, &f->err));
    part_replace_tell(&what, &anew);
    assert_string_equal(anew.replaces, ONE);
    assert_true(anew.replaced == old.started);
    lake_imports_release(&imports);
}

/* --- rules of times --- */

#define RULES 3
static const struct lake_from rules[RULES] = {
    {"other", "iso", ""}, {"ts", "epoch-s", "UTC"}, {"more", "us", "UTC"}};

static void put_schema(struct fixture *f)
{
    struct columns columns = {0};
    const struct lake_from_change change = {.add = rules, .n_add = RULES};
    assert_true(columns_add(&columns, STR("TimeGenerated"), COLUMN_DATETIME, &f->err));
    assert_true(
        lake_schema_update_from(f->store, &place_of_tests, NULL, &columns, &change, NULL, &f->err));
    columns_release(&columns);
}

static size_t count_rules(struct fixture *f)
{
    struct lake_schema schema;
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    size_t n = schema.n_from;
    lake_schema_release(&schema);
    return n;
}

/* Its rule for the time is gone for who finds times anew, unless another import is read by it. */
static void the_rules_of_the_old_one_are_those_that_no_other_needs(void **state)
{
    struct fixture *f = *state;
    struct lake_schema schema;
    struct lake_imports imports;
    struct lake_from own[LAKE_FROM_MAX];
    struct small_import other = one;
    other.id = THREE;
    other.input = "c";
    put_schema(f);
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    for (int i = 0; i < 2; i++) {
        small_import_put(f, i == 0 ? &one : &other);
        small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
        const struct lake_import *old = lake_imports_find(&imports, STR(ONE));
        assert_int_equal(part_replace_rules(&schema, &imports, old, own), i == 0);
        assert_int_equal(part_replace_rules(&schema, &imports, NULL, own), 0);
        if (i == 0)
            assert_string_equal(own[0].key, "ts");
        lake_imports_release(&imports);
    }
    lake_schema_release(&schema);
}

/* They leave the schema when it is dead, and the others stay. */
static void the_rules_of_a_dead_one_go(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-18")};
    struct small_import two = {.id = TWO, .input = "b", .started = "2021-11-19", .replaces = &old};
    put_schema(f);
    small_import_put(f, &one);
    assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
    assert_int_equal(count_rules(f), RULES);
    small_import_put(f, &two); /* is read by the same one */
    assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
    assert_int_equal(out.imports, 1);
    assert_int_equal(count_rules(f), RULES);
    small_import_put(f, &one);
    two.key = "elsewhere";
    small_import_put(f, &two);
    assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
    assert_int_equal(out.imports, 1);
    assert_int_equal(count_rules(f), RULES - 1);
}

/* Its sources in the records of compacted days: once its record is gone nothing else says what they are. */
static void compacted_days_are_told(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    struct lake_days days;
    struct lake_day_source sources[] = {
        {.name = "y=2021/m=11/d=07/h=03/m=05/PT05M_" ONE ".json", .gone = LAKE_DAY_GONE},
        {.name = "y=2021/m=11/d=07/h=03/m=05/PT05M_" THREE ".json", .gone = LAKE_DAY_GONE},
        {.name = "y=2021/m=11/d=07/h=03/m=05/PT05M_weir.json"},
        {.name = "y=2021/m=11/d=07/h=03/m=10/PT05M_" ONE ".json"}};
    const struct lake_day record = {.day = tick_of("2021-11-07"),
                                    .by = "weir",
                                    .sources = sources,
                                    .source_count = sizeof sources / sizeof sources[0]};
    small_import_put(f, &one);
    for (size_t i = 0; i < record.source_count; i++)
        assert_true(lake_parse_name(str_of(sources[i].name), &sources[i].tick, &sources[i].span,
                                    &sources[i].kind, &sources[i].number));
    assert_true(lake_day_write(f->store, &place_of_tests, &record, &f->err));
    assert_true(replace(f->store, ONE, &out, &f->err));
    if (!lake_days_read(&days, f->store, &place_of_tests, 0, 0, &f->err))
        fail_msg("%s", f->err.message);
    const struct lake_day_source *told = days.v[0].sources;
    assert_int_equal(told[0].gone, LAKE_DAY_REPLACED);
    assert_int_equal(told[1].gone, LAKE_DAY_GONE);
    assert_int_equal(told[2].gone, LAKE_DAY_KEPT);
    assert_int_equal(told[3].gone, LAKE_DAY_REPLACED);
    lake_days_release(&days);
}

static void an_id_that_is_not_there_names_those_that_are(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    small_import_put(f, &one);
    assert_false(replace(f->store, "9", &out, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(f->err.hint, ONE));
    error_clear(&f->err);
    assert_false(replace(f->store, "", &out, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_int_equal(look(f).blobs, 2);
}

static void what_another_replaced_already_is_refused(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-18")};
    const struct small_import three = {
        .id = THREE, .input = "c", .started = "2021-11-19", .replaces = &old};
    small_import_put(f, &one);
    small_import_put(f, &three);
    for (int i = 0; i < 2; i++) { /* the old one is still there; then it is gone */
        error_clear(&f->err);
        assert_false(replace(f->store, ONE, &out, &f->err));
        assert_int_equal(f->err.code, ERROR_SETTINGS);
        assert_non_null(strstr(f->err.message, THREE));
        error_clear(&f->err);
        assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
        assert_int_equal(out.imports, 1 - i);
    }
}

/* Brought in again after it was replaced, it is an import like any other. */
static void one_that_came_again_can_be_replaced_again(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    struct lake_imports imports;
    struct part_replace what;
    struct small_import again = one;
    again.started = "2021-11-20";
    small_import_put(f, &one);
    assert_true(replace(f->store, ONE, &out, &f->err));
    small_import_put(f, &again);
    assert_int_equal(look(f).rows, 6);
    assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
    assert_int_equal(look(f).rows, 6);
    small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
    assert_true(part_replace_find(&imports, ONE, &what, &f->err));
    assert_non_null(what.old);
    assert_null(what.by);
    lake_imports_release(&imports);
}

/* A chain: each was replaced before the one before it was gone. The first goes before the second, whose record alone says
 * that it is dead, whatever the clock said. */
static void a_chain_of_dead_ones_goes_from_its_beginning(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    struct small_import first = one;
    first.started = "2021-11-25"; /* a clock that was put back */
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-25")},
                             middle = {.id = TWO, .started = tick_of("2021-11-19")};
    const struct small_import two = {.id = TWO,
                                     .started = "2021-11-19",
                                     .input = "b",
                                     .parts = parts_of_two,
                                     .n = 2,
                                     .replaces = &old},
                              three = {.id = THREE,
                                       .started = "2021-11-20",
                                       .input = "c",
                                       .parts = parts_of_two,
                                       .n = 2,
                                       .replaces = &middle};
    int n = 1;
    for (bool struck = true; struck && n < 500; n++) {
        small_import_put(f, &first);
        small_import_put(f, &two);
        small_import_put(f, &three);
        assert_int_equal(look(f).rows, 3);
        error_clear(&f->err);
        fault = (struct fault){.at = n, .number = EIO};
        bool ok = part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err);
        struck = fault.struck;
        fault = (struct fault){0};
        assert_true(ok || struck);
        assert_int_equal(look(f).rows, 3);
        error_clear(&f->err);
        assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
        assert_int_equal(look(f).blobs, 2);
    }
    assert_true(n > 20 && n < 500);
}

/* A container with a legal hold: the old one stays, and is read by nobody. */
static void where_nothing_can_be_deleted_the_old_one_stays_dead(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-18")};
    const struct small_import two = {.id = TWO,
                                     .input = "b",
                                     .started = "2021-11-19",
                                     .parts = parts_of_two,
                                     .n = 2,
                                     .replaces = &old};
    small_import_put(f, &one);
    small_import_put(f, &two);
    f->store = remote_new(f->store);
    struct remote *remote = remote_of(f->store);
    remote->immutable = "am-okta-cl";
    assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
    assert_int_equal(out.imports, 0);
    assert_int_equal(out.kept, 1);
    assert_int_equal(remote->deletes, 0);
    assert_false(remote->refused);
    struct seen seen = look(f);
    assert_int_equal(seen.rows, 3);
    assert_int_equal(seen.blobs, 4);
    /* The hold ends. */
    remote->immutable = NULL;
    assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
    assert_int_equal(out.imports, 1);
    assert_int_equal(look(f).blobs, 2);
}

/* The same where the records are held, and the blobs are not. */
static void where_no_record_can_be_deleted_the_old_blobs_stay_too(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-18")};
    const struct small_import three = {
        .id = THREE, .input = "c", .started = "2021-11-19", .replaces = &old};
    small_import_put(f, &one);
    small_import_put(f, &three);
    f->store = remote_new(f->store);
    remote_of(f->store)->immutable = "weir";
    assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
    assert_int_equal(out.kept, 1);
    assert_int_equal(out.blobs, 0);
    assert_int_equal(remote_of(f->store)->deletes, 0);
}

static void it_can_be_stopped_and_goes_on(void **state)
{
    struct fixture *f = *state;
    struct part_replaced out;
    struct stop stop = {0};
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-18")};
    const struct small_import three = {
        .id = THREE, .input = "c", .started = "2021-11-19", .replaces = &old};
    small_import_put(f, &one);
    small_import_put(f, &three);
    stop_set(&stop, 2);
    assert_false(part_replace_finish(f->store, &place_of_tests, &stop, &out, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERRUPTED);
    assert_int_equal(look(f).rows, 0);
    error_clear(&f->err);
    assert_true(part_replace_finish(f->store, &place_of_tests, NULL, &out, &f->err));
    assert_int_equal(look(f).blobs, 0);
}

/* Each call that touches the disk fails in turn, at every one a reader sees 3 rows, or more until the record is there. */
static void whatever_fails_there_is_no_gap_and_the_same_command_finishes(void **state)
{
    enum { CALLS_MAX = 1000 };
    struct fixture *f = *state;
    int n = 1;
    for (bool struck = true; struck && n < CALLS_MAX; n++) {
        struct part_replaced out;
        folder_remove_tree(f->folder.lake);
        store_free(f->store);
        f->store = store_open(f->folder.lake, &f->err);
        small_import_put(f, &one);
        struct error err = ERROR_INIT;
        fault = (struct fault){.at = n, .number = EIO};
        bool ok = replace(f->store, ONE, &out, &err);
        struck = fault.struck;
        fault = (struct fault){0};
        assert_true(ok || (struck && err.code != ERROR_NONE));
        struct seen seen = look(f);
        assert_true(seen.rows >= 3);
        if (seen.rows > 3) { /* the new record is not there yet */
            struct lake_imports imports;
            small_imports_read(f, LAKE_IMPORTS_HEADS, &imports);
            assert_null(lake_imports_find(&imports, STR(TWO)));
            lake_imports_release(&imports);
        }
        store_free(f->store);
        f->store = store_open(f->folder.lake, &f->err);
        if (!replace(f->store, ONE, &out, &f->err))
            fail_msg("call %d: %s", n, f->err.message);
        seen = look(f);
        assert_int_equal(seen.rows, 3);
        assert_int_equal(seen.blobs, 2);
        assert_int_equal(seen.ones, 0);
    }
    assert_true(n > 50 && n < CALLS_MAX);
}

/* The child is killed at its n-th call; true: it lived to its end. */
static bool replace_and_die(struct fixture *f, int n)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct part_replaced out;
        struct error err = ERROR_INIT;
        struct store *store = store_open(f->folder.lake, &err);
        fault = (struct fault){.at = n};
        _exit(store && replace(store, ONE, &out, &err) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return !WIFSIGNALED(status);
}

static void whoever_is_killed_goes_on_with_the_same_command(void **state)
{
    enum { CALLS_MAX = 1000 };
    struct fixture *f = *state;
    int n = 1;
    for (bool lived = false; !lived && n < CALLS_MAX; n++) {
        struct part_replaced out;
        folder_remove_tree(f->folder.lake);
        store_free(f->store);
        f->store = store_open(f->folder.lake, &f->err);
        small_import_put(f, &one);
        lived = replace_and_die(f, n);
        assert_true(look(f).rows >= 3);
        if (!replace(f->store, ONE, &out, &f->err))
            fail_msg("killed at call %d: %s", n, f->err.message);
        struct seen seen = look(f);
        assert_true(seen.rows == 3 && seen.blobs == 2 && seen.ones == 0);
    }
    assert_true(n > 50 && n < CALLS_MAX);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_old_ones_blobs_and_record_go),
        CASE(one_that_replaces_itself_is_written_anew),
        CASE(one_that_replaces_itself_replaces_what_it_had),
        CASE(the_rules_of_the_old_one_are_those_that_no_other_needs),
        CASE(the_rules_of_a_dead_one_go),
        CASE(compacted_days_are_told),
        CASE(an_id_that_is_not_there_names_those_that_are),
        CASE(what_another_replaced_already_is_refused),
        CASE(one_that_came_again_can_be_replaced_again),
        CASE(a_chain_of_dead_ones_goes_from_its_beginning),
        CASE(where_nothing_can_be_deleted_the_old_one_stays_dead),
        CASE(where_no_record_can_be_deleted_the_old_blobs_stay_too),
        CASE(it_can_be_stopped_and_goes_on),
        CASE(whatever_fails_there_is_no_gap_and_the_same_command_finishes),
        CASE(whoever_is_killed_goes_on_with_the_same_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
