/* A lake is compared with the records of its imports: every byte, every row, and nothing that is not known. */
#include "lake/check.h"

#include "small_import.h"

#include <stdio.h>

#define DAY PLACE_FOLDER "/y=2021/m=11/d=07/"
#define ONE "0123456789ab"
#define TWO "fedcba987654"

static const struct small_part parts_of_one[] = {
    {"2021-11-07T03:05:00Z", "{\"a\":1}\n{\"a\":2}\n"},
    {"2021-11-07T03:15:00Z", "{\"a\":3}\n"},
};
static const struct small_part parts_of_two[] = {
    {"2021-11-07T03:05:00Z", "{\"b\":1}\n"},
    {"2021-11-07T03:10:00Z", "{\"b\":2}\n"},
};
static const struct small_import one = {.id = ONE, .parts = parts_of_one, .n = 2};
static const struct small_import two = {
    .id = TWO, .started = "2021-11-19", .input = "b", .parts = parts_of_two, .n = 2};

static bool note(void *context, const struct lake_checked *checked, struct error *err)
{
    (void) err;
    struct buf *out = context;
    char tick[TICK_TEXT_MAX];
    (void) tick_format_short(checked->partition, tick);
    buf_printf(out, "%s %.4s %s\n", tick + strlen("2021-11-07 "),
               checked->import[0] ? checked->import : "weir", lake_finding_text(checked->finding));
    assert_int_equal(checked->import[0] != '\0' && !checked->part,
                     checked->finding == LAKE_FINDING_UNRECORDED);
    return true;
}

static const char *check_with(struct fixture *f, struct lake_check_options options,
                              struct lake_check_totals *totals)
{
    struct lake_check_totals own;
    struct lake_imports imports;
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_non_null(ledger);
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    options.imports = &imports;
    options.fn = note;
    options.context = &f->text;
    buf_reset(&f->text);
    if (!lake_check(f->store, &place_of_tests, ledger, &options, totals ? totals : &own, &f->err))
        fail_msg("%s", f->err.message);
    lake_imports_release(&imports);
    lake_ledger_free(ledger);
    return buf_text(&f->text);
}

static const char *check(struct fixture *f)
{
    return check_with(f, (struct lake_check_options){0}, NULL);
}

static void put(struct fixture *f, const char *name, const char *bytes)
{
    if (!store_put(f->store, name, str_of(bytes), &f->err))
        fail_msg("%s", f->err.message);
}

static void sound_imports_are_ok_in_order_of_time(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    small_import_put(f, &one);
    small_import_put(f, &two);
    put(f, DAY "h=03/m=05/PT05M.json", "the service's own");
    assert_string_equal(check_with(f, (struct lake_check_options){0}, &totals),
                        "03:05 0123 ok\n03:05 fedc ok\n03:10 fedc ok\n03:15 0123 ok\n");
    assert_int_equal(totals.partitions, 0);
    assert_int_equal(totals.imports.partitions, 4);
    assert_int_equal(totals.imports.rows, 5);
    assert_int_equal(totals.imports.bytes, 5 * 8);
    assert_int_equal(totals.imports.findings[LAKE_FINDING_OK], 4);
    assert_int_equal(totals.findings[LAKE_FINDING_OK], 0);
}

static void a_range_asks_for_its_partitions_alone(void **state)
{
    struct fixture *f = *state;
    small_import_put(f, &one);
    small_import_put(f, &two);
    assert_true(store_delete(f->store, DAY "h=03/m=15/PT05M_" ONE ".json", &f->err));
    const struct lake_check_options options = {.from = tick_of("2021-11-07T03:10:00Z"),
                                               .to = tick_of("2021-11-07T03:15:00Z")};
    assert_string_equal(check_with(f, options, NULL), "03:10 fedc ok\n");
}

static void what_is_missing_another_size_or_changed_is_found(void **state)
{
    struct fixture *f = *state;
    small_import_put(f, &one);
    small_import_put(f, &two);
    assert_true(store_delete(f->store, DAY "h=03/m=15/PT05M_" ONE ".json", &f->err));
    put(f, DAY "h=03/m=05/PT05M_" ONE ".json", "{\"a\":2}\n{\"a\":1}\n"); /* another order */
    put(f, DAY "h=03/m=10/PT05M_" TWO ".json", "{}\n");
    assert_string_equal(check(f), "03:05 0123 its blob was changed\n03:05 fedc ok\n"
                                  "03:10 fedc its blob has another size\n"
                                  "03:15 0123 its blob is missing\n");
}

static void every_byte_of_a_blob_counts(void **state)
{
    struct fixture *f = *state;
    const char *name = DAY "h=03/m=05/PT05M_" ONE ".json";
    small_import_put(f, &one);
    char *lines = strdup(parts_of_one[0].lines);
    for (size_t i = 0; lines[i]; i++) {
        lines[i] ^= 1;
        put(f, name, lines);
        assert_string_equal(check(f), "03:05 0123 its blob was changed\n03:15 0123 ok\n");
        lines[i] ^= 1;
    }
    free(lines);
}

static void the_listing_tells_sizes_alone(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    small_import_put(f, &one);
    put(f, DAY "h=03/m=05/PT05M_" ONE ".json", "{\"a\":2}\n{\"a\":1}\n");
    put(f, DAY "h=03/m=15/PT05M_" ONE ".json", "{}\n");
    assert_string_equal(check_with(f, (struct lake_check_options){.by_listing = true}, &totals),
                        "03:05 0123 ok\n03:15 0123 its blob has another size\n");
    assert_int_equal(totals.imports.unread, 1);
    assert_int_equal(totals.imports.bytes, 0);
}

/* Killed while its blobs got their names: the same command finishes it. */
static void a_blob_without_a_record_is_told(void **state)
{
    struct fixture *f = *state;
    small_import_put(f, &one);
    assert_true(small_import_blobs(f->store, &two, &f->err));
    put(f, DAY "h=04/m=00/PT05M_" ONE ".json", "{}\n");
    assert_string_equal(check(f), "03:05 0123 ok\n03:05 fedc no import's record knows its blob\n"
                                  "03:10 fedc no import's record knows its blob\n03:15 0123 ok\n"
                                  "04:00 0123 no import's record knows its blob\n");
}

/* Killed between the new record and the end of the old one: nothing is asked of the old one. */
static void one_that_is_replaced_may_be_there_in_part(void **state)
{
    struct fixture *f = *state;
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-18")};
    struct small_import new = two;
    new.replaces = &old;
    small_import_put(f, &one);
    small_import_put(f, &new);
    assert_string_equal(check(f), "03:05 fedc ok\n03:10 fedc ok\n");
    assert_true(store_delete(f->store, DAY "h=03/m=05/PT05M_" ONE ".json", &f->err));
    assert_string_equal(check(f), "03:05 fedc ok\n03:10 fedc ok\n");
}

/* Not under the name that weir writes: it does not stand for the one that is missing. */
static void a_blob_in_a_folder_that_is_not_padded_is_another(void **state)
{
    struct fixture *f = *state;
    small_import_put(f, &one);
    put(f, PLACE_FOLDER "/y=2021/m=11/d=7/h=3/m=5/PT05M_" ONE ".json", parts_of_one[0].lines);
    assert_string_equal(check(f), "03:05 0123 ok\n03:05 0123 no import's record knows its blob\n"
                                  "03:15 0123 ok\n");
}

static void a_check_of_exports_alone_does_not_look_at_imports(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    struct lake_check_options options = {.fn = note, .context = &f->text};
    small_import_put(f, &one);
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_true(lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err));
    assert_string_equal(buf_text(&f->text), "");
    assert_int_equal(totals.imports.partitions, 0);
    lake_ledger_free(ledger);
}

/* Larger than any piece of a read, with lines across their ends. */
static void a_large_blob_is_hashed_across_pieces(void **state)
{
    enum { LINES = 40000 };
    struct fixture *f = *state;
    struct buf lines = BUF_INIT(64 << 20);
    for (int i = 0; i < LINES; i++)
        buf_printf(&lines, "{\"n\":%d,\"pad\":\"%*d\"}\n", i, i % 97, i);
    const struct small_part part = {"2021-11-07T03:05:00Z", buf_text(&lines)};
    const struct small_import large = {.id = ONE, .parts = &part, .n = 1};
    struct lake_check_totals totals;
    small_import_put(f, &large);
    assert_string_equal(check_with(f, (struct lake_check_options){0}, &totals), "03:05 0123 ok\n");
    assert_int_equal(totals.imports.rows, LINES);
    buf_release(&lines);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

/* The first partition is told when the other import has just begun. */
static bool import_meanwhile(void *context, const struct lake_checked *checked, struct error *err)
{
    (void) checked;
    struct fixture *f = context;
    return small_import_record(f->store, &two, err);
}

static void what_is_found_while_others_import_may_not_be_so(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    struct lake_imports imports;
    struct lake_instant begun;
    small_import_put(f, &one);
    assert_true(lake_instant_take(f->store, &place_of_tests, &begun, &f->err));
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    const struct lake_check_options options = {
        .imports = &imports, .begun = &begun, .fn = import_meanwhile, .context = f};
    assert_true(lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err));
    assert_true(store_delete(f->store, DAY "h=03/m=15/PT05M_" ONE ".json", &f->err));
    assert_true(lake_import_remove(f->store, &place_of_tests, TWO, &f->err));
    assert_false(lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    assert_string_equal(f->err.hint, "verify it again");
    lake_imports_release(&imports);
    lake_ledger_free(ledger);
}

/* Its record was not there yet when the records were read, its blobs are there when they are listed. */
static void an_import_between_the_records_and_the_check_is_no_finding(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    struct lake_imports imports;
    struct lake_instant begun;
    assert_true(lake_instant_take(f->store, &place_of_tests, &begun, &f->err));
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    small_import_put(f, &one);
    const struct lake_check_options options = {.imports = &imports, .begun = &begun};
    assert_false(lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    assert_string_equal(f->err.hint, "verify it again");
    lake_imports_release(&imports);
    lake_ledger_free(ledger);
}

/* A record that is put anew while it is read may look torn. */
static void an_error_says_that_others_wrote_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct lake_instant begun;
    struct error why = ERROR_INIT;
    assert_true(lake_instant_take(f->store, &place_of_tests, &begun, &f->err));
    (void) error_set(&why, ERROR_FORMAT, "it is torn");
    (void) error_hint(&why, "move it away");
    assert_false(lake_instant_pass(f->store, &place_of_tests, &begun, &why, &f->err));
    assert_string_equal(f->err.message, "it is torn");
    error_clear(&f->err);
    small_import_put(f, &one);
    assert_false(lake_instant_pass(f->store, &place_of_tests, &begun, &why, &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    assert_string_equal(f->err.message,
                        "Okta_CL was compacted or imported into while it was looked at");
    assert_string_equal(f->err.hint, "run the command again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sound_imports_are_ok_in_order_of_time),
        CASE(a_range_asks_for_its_partitions_alone),
        CASE(what_is_missing_another_size_or_changed_is_found),
        CASE(every_byte_of_a_blob_counts),
        CASE(the_listing_tells_sizes_alone),
        CASE(a_blob_without_a_record_is_told),
        CASE(one_that_is_replaced_may_be_there_in_part),
        CASE(a_blob_in_a_folder_that_is_not_padded_is_another),
        CASE(a_check_of_exports_alone_does_not_look_at_imports),
        CASE(a_large_blob_is_hashed_across_pieces),
        CASE(what_is_found_while_others_import_may_not_be_so),
        CASE(an_import_between_the_records_and_the_check_is_no_finding),
        CASE(an_error_says_that_others_wrote_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
