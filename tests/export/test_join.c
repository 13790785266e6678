/* History and continuous export, joined by record: no gap, no double, whatever the service wrote and however. */
#include "joined.h"

#include <stdio.h>

enum { SAMPLES = 3, SEEDS = 40 };

static uint64_t rows_from(const struct played *played, int64_t from)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < played->fake.count; i++)
        rows += played->fake.rows[i].tick >= from;
    return rows;
}

static void assert_verified(struct played *played)
{
    assert_int_equal(played->report.failed_count, 0);
    assert_int_equal(played->report.rows_verified, played->fake.count);
    assert_true(played->report.beside_rows + played->report.filled <=
                rows_from(played, joined_hour(played)));
}

/* -- refusal -- */

static void a_range_with_the_services_blobs_is_refused(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    joined_begin(&played, 1);
    played.options.beside = EXPORT_BESIDE_REFUSE;
    (void) theirs_write(&played, joined_hour(&played), played.options.source.to, 1, 0,
                        THEIRS_PLAIN);
    size_t files = folder_files(played.folder.lake);
    assert_false(played_run(&played, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_int_equal(error_exit_status(err.code), 2);
    assert_non_null(strstr(err.message, "continuous export"));
    assert_non_null(strstr(err.hint, "--until-continuous"));
    assert_non_null(strstr(err.hint, "--beside"));
    assert_int_equal(played.fake.answered, 0);
    assert_int_equal(folder_files(played.folder.lake), files); /* no trace is left */
    played_end(&played);
}

static void what_is_verified_already_does_not_refuse(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    joined_begin(&played, 2);
    played.options.beside = EXPORT_BESIDE_REFUSE;
    joined_run(&played);
    (void) theirs_write(&played, joined_hour(&played), played.options.source.to, 1, 0,
                        THEIRS_PLAIN);
    joined_run(&played);
    assert_int_equal(played.report.skipped, played.report.partitions);
    played.options.refresh = true;
    assert_false(played_run(&played, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    played_end(&played);
}

static void beside_writes_all_rows_and_goes_on_so(void **state)
{
    (void) state;
    struct played played;
    joined_begin(&played, 3);
    played.options.beside = EXPORT_BESIDE_KEEP;
    (void) theirs_write(&played, joined_hour(&played), played.options.source.to, 0.5, 0,
                        THEIRS_PLAIN);
    played.fake.now = joined_tick("2021-11-07T04:00:00Z"); /* all are young */
    joined_run(&played);
    assert_int_equal(played.report.rows, played.fake.count);
    assert_int_equal(played.report.joined, 0);
    played_assert_whole(&played);
    joined_run(&played);
    assert_int_equal(played.report.skipped, played.report.partitions);
    played_end(&played);
}

/* -- join -- */

static void what_the_service_has_whole_is_not_fetched(void **state)
{
    (void) state;
    struct played played;
    joined_begin(&played, 4);
    (void) theirs_write(&played, joined_from(&played), played.options.source.to, 1, 0.1,
                        THEIRS_OTHER);
    joined_run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.rows_verified, played.fake.count);
    assert_int_equal(played.report.beside_rows, played.fake.count);
    assert_true(played.report.doubled > 0);
    assert_int_equal(played.report.filled, 0);
    assert_int_equal(played.report.blobs, 0);
    assert_true(played.fake.answered <= SAMPLES);
    theirs_assert_one(&played, false);
    struct error err = ERROR_INIT;
    joined_must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.rows_verified, played.fake.count);
    played_end(&played);
}

static void what_it_lacks_is_written_and_no_more(void **state)
{
    (void) state;
    struct played played;
    joined_begin(&played, 5);
    uint64_t theirs = theirs_write(&played, joined_hour(&played), played.options.source.to, 0.7,
                                   0.2, THEIRS_CRLF);
    joined_run(&played);
    assert_verified(&played);
    assert_int_equal(played.report.beside_rows, theirs);
    assert_int_equal(played.report.filled, rows_from(&played, joined_hour(&played)) - theirs);
    assert_true(played.report.gaps > 0 && played.report.doubled > 0);
    assert_int_equal(played.report.damaged + played.report.strangers, 0);
    theirs_assert_one(&played, false);
    struct error err = ERROR_INIT;
    joined_must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_OK], played.report.partitions);
    played_end(&played);
}

static void a_partition_that_it_lacks_whole_is_a_gap_once_it_began(void **state)
{
    (void) state;
    for (int told = 0; told < 2; told++) {
        struct played played;
        struct error err = ERROR_INIT;
        joined_begin(&played, 14);
        int64_t first = joined_hour(&played), end = played.options.source.to;
        (void) theirs_write(&played, first, first + TICK_PARTITION, 1, 0, THEIRS_PLAIN);
        (void) theirs_write(&played, end - TICK_PARTITION, end, 1, 0, THEIRS_PLAIN);
        int64_t since = told ? first + 2 * TICK_PARTITION : first;
        played.options.continuous = told ? since : 0;
        joined_run(&played);
        assert_int_equal(played.report.joined, 2);
        assert_int_equal(played.report.filled,
                         rows_from(&played, told ? since : first + TICK_PARTITION) -
                             rows_from(&played, end - TICK_PARTITION));
        assert_int_equal(played.report.gaps, told ? 9 : 10);
        joined_must(played_verify(&played, &err), &err);
        assert_int_equal(played.report.gaps, told ? 9 : 10);
        played_end(&played);
    }
}

static void a_lake_without_their_blobs_is_exported_as_ever(void **state)
{
    (void) state;
    struct played played;
    joined_begin(&played, 6);
    joined_run(&played);
    assert_int_equal(played.report.joined, 0);
    assert_verified(&played);
    played_assert_whole(&played);
    played_end(&played);
}

/* Any share, any form, any trouble of the workspace: the two halves are one. */
static void any_halves_are_one(void **state)
{
    (void) state;
    uint64_t seed = clock_ns();
    (void) printf("seeds from %llu\n", (unsigned long long) seed);
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct played played;
        struct error err = ERROR_INIT;
        joined_begin(&played, seed + i);
        struct random *random = &played.fake.random;
        bool by_value = random_below(random, 4) == 0;
        played.fake.no_items = by_value && random_below(random, 2) == 0;
        unsigned form = (unsigned) random_below(random, 8) & ~(unsigned) THEIRS_NO_ID;
        form |= by_value ? THEIRS_NO_ID : 0;
        played.fake.max_rows = 5 + random_below(random, 100);
        played.fake.broken = random_unit(random) / 4;
        (void) theirs_write(&played, joined_hour(&played), played.options.source.to,
                            random_unit(random), by_value ? 0 : random_unit(random) / 2, form);
        joined_must(played_run(&played, &err), &err);
        if (played.report.failed_count > 0)
            fail_msg("seed %llu: %s", (unsigned long long) (seed + i),
                     played.report.failed[0].reasons);
        assert_verified(&played);
        theirs_assert_one(&played, by_value);
        played.fake.broken = 0;
        joined_must(played_verify(&played, &err), &err);
        assert_int_equal(played.report.failed_count, 0);
        played_end(&played);
    }
}

/* -- rows without ids -- */

static void equal_rows_without_ids_are_told_by_their_number(void **state)
{
    (void) state;
    struct played played;
    struct buf text = BUF_INIT(1 << 16);
    joined_begin(&played, 7);
    played.fake.no_items = true;
    for (size_t i = 0; i < 5; i++)
        played.fake.rows[i] = (struct fake_row){.tick = joined_from(&played), .id = 7};
    played.fake.count = 5;
    for (size_t i = 0; i < 3; i++)
        theirs_line(&text, &played.fake, &played.fake.rows[0], THEIRS_OTHER);
    theirs_append(&played, joined_from(&played), "PT05M.json", buf_str(&text), 86400);
    joined_run(&played);
    assert_int_equal(played.report.beside_rows, 3);
    assert_int_equal(played.report.filled, 2);
    theirs_assert_one(&played, true);
    buf_release(&text);
    played_end(&played);
}

/* -- what stands there -- */

static void siblings_and_hours_are_one_partition(void **state)
{
    (void) state;
    struct played played;
    struct buf text = BUF_INIT(1 << 20);
    joined_begin(&played, 9);
    int64_t hour = joined_from(&played);
    uint64_t theirs = 0;
    for (size_t i = 0; i < played.fake.count; i++)
        if (played.fake.rows[i].tick < hour + TICK_HOUR && i % 3 == 0) {
            theirs_line(&text, &played.fake, &played.fake.rows[i], THEIRS_PLAIN);
            theirs++;
        }
    theirs_append(&played, hour, "PT1H.json", buf_str(&text), 86400);
    buf_reset(&text);
    for (size_t i = 0; i < played.fake.count; i++)
        if (played.fake.rows[i].tick < hour + TICK_PARTITION && i % 3 != 0) {
            theirs_line(&text, &played.fake, &played.fake.rows[i], THEIRS_OTHER);
            theirs++;
        }
    theirs_append(&played, hour, "PT05M_1.json", buf_str(&text), 86400);
    theirs_append(&played, hour, "PT5M.json", buf_str(&text), 86400); /* all of it again */
    joined_run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.joined, 12);
    assert_int_equal(played.report.beside_rows, theirs);
    assert_int_equal(played.report.rows_verified, played.fake.count);
    theirs_assert_one(&played, false);
    buf_release(&text);
    played_end(&played);
}

static void many_rows_are_taken_in_passes(void **state)
{
    (void) state;
    for (int by_value = 0; by_value < 2; by_value++) {
        struct played played;
        struct error err = ERROR_INIT;
        joined_begin(&played, 10);
        played.fake.no_items = by_value;
        uint64_t theirs = theirs_write(&played, joined_from(&played), played.options.source.to, 0.6,
                                       0, THEIRS_PLAIN);
        struct export *export = export_new(&played.options, &err);
        assert_non_null(export);
        export->join.keys.max = 4;
        joined_must(export_prepare(export, &err) && export_fetch(export, &err), &err);
        const struct export_report *report = export_told(export);
        assert_int_equal(report->failed_count, 0);
        if (!by_value)
            assert_int_equal(report->beside_rows, theirs);
        assert_int_equal(report->rows_verified, played.fake.count);
        assert_true(export->join.keys.used <= 4);
        export_free(export);
        theirs_assert_one(&played, by_value);
        played_end(&played);
    }
}

struct notes {
    unsigned count;
    char last[512];
};

static void keep_note(void *context, const char *line)
{
    struct notes *notes = context;
    notes->count++;
    (void) snprintf(notes->last, sizeof notes->last, "%s", line);
}

static void a_line_that_is_no_row_is_told_and_counts_as_missing(void **state)
{
    (void) state;
    static const char *const lines[] = {
        "{\"TimeGenerated\":\"2021-11-07T00:00:0",     "null", "[]", "{\"Payload\":1}", "\x01\xff",
        "{\"TimeGenerated\":\"2021-11-07T00:05:00Z\"}"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct played played;
        struct notes notes = {0};
        struct export_watch watch = {.note = keep_note, .context = &notes};
        joined_begin_ten(&played);
        played.options.watch = &watch;
        joined_append(&played, "PT05M.json", 0, 4, 86400);
        theirs_append(&played, joined_from(&played), "PT05M.json", str_of(lines[i]), 86400);
        theirs_append(&played, joined_from(&played), "PT05M.json", STR("\n\r\n"), 86400);
        joined_append(&played, "PT05M.json", 4, 8, 86400);
        joined_run(&played);
        assert_int_equal(played.report.failed_count, 0);
        assert_int_equal(played.report.damaged, 1);
        assert_int_equal(played.report.beside_rows, 8);
        assert_int_equal(played.report.filled, 2);
        assert_int_equal(notes.count, 1);
        assert_non_null(strstr(notes.last, "PT05M.json, line 5"));
        played_end(&played);
    }
}

static void a_torn_end_is_written_still_or_was_left_so(void **state)
{
    (void) state;
    struct played played;
    joined_begin_ten(&played);
    joined_append(&played, "PT05M.json", 0, 4, 0);
    theirs_append(&played, joined_from(&played), "PT05M.json", STR("{\"TimeGenerated\":\"2021"), 0);
    joined_run(&played);
    assert_int_equal(played.report.failed_count, 1);
    assert_non_null(strstr(played.report.failed[0].reasons, "being written"));
    assert_int_equal(played.report.rows_verified, 0);
    /* It goes on. */
    theirs_append(&played, joined_from(&played), "PT05M.json", STR("\n"), 86400);
    joined_run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.damaged, 1);
    assert_int_equal(played.report.filled, 6);
    theirs_assert_one(&played, false);
    played_end(&played);
}

static void a_line_that_is_ended_meanwhile_is_read_by_the_same_run(void **state)
{
    (void) state;
    struct played played;
    struct buf line = BUF_INIT(1 << 12);
    struct joined_writer writer = {.played = &played, .rest = BUF_INIT(1 << 12)};
    struct export_watch watch = {.progress = joined_write_on, .context = &writer};
    joined_begin_ten(&played);
    played.options.watch = &watch;
    joined_append(&played, "PT05M.json", 0, 4, 0);
    theirs_line(&line, &played.fake, &played.fake.rows[4], THEIRS_CRLF);
    theirs_append(&played, joined_from(&played), "PT05M.json", (struct str){line.bytes, 20}, 0);
    buf_put(&writer.rest, line.bytes + 20, line.used - 20);
    joined_run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.damaged, 0);
    assert_int_equal(played.report.beside_rows, 5);
    assert_int_equal(played.report.filled, 5);
    theirs_assert_one(&played, false);
    buf_release(&line);
    buf_release(&writer.rest);
    played_end(&played);
}

static void a_torn_end_of_long_ago_is_no_row(void **state)
{
    (void) state;
    struct played played;
    joined_begin_ten(&played);
    joined_append(&played, "PT05M.json", 0, 10, 86400);
    theirs_append(&played, joined_from(&played), "PT05M.json", STR("{\"TimeGenerated\":\"2021"),
                  86400);
    joined_run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.damaged, 1);
    assert_int_equal(played.report.filled, 0);
    played_end(&played);
}

static void a_last_row_may_lack_its_line_feed(void **state)
{
    (void) state;
    struct played played;
    struct buf text = BUF_INIT(1 << 16);
    joined_begin_ten(&played);
    theirs_line(&text, &played.fake, &played.fake.rows[0], THEIRS_PLAIN);
    theirs_append(&played, joined_from(&played), "PT05M.json",
                  (struct str){text.bytes, text.used - 1}, 0);
    joined_run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.beside_rows, 1);
    buf_release(&text);
    played_end(&played);
}

static void rows_that_the_workspace_lacks_are_strangers(void **state)
{
    (void) state;
    struct played played;
    joined_begin_ten(&played);
    joined_append(&played, "PT05M.json", 0, 10, 86400);
    played.fake.count = 7;
    joined_run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.strangers, 3);
    assert_int_equal(played.report.beside_rows, 7);
    assert_int_equal(played.report.filled, 0);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_with_the_services_blobs_is_refused),
        cmocka_unit_test(what_is_verified_already_does_not_refuse),
        cmocka_unit_test(beside_writes_all_rows_and_goes_on_so),
        cmocka_unit_test(what_the_service_has_whole_is_not_fetched),
        cmocka_unit_test(what_it_lacks_is_written_and_no_more),
        cmocka_unit_test(a_partition_that_it_lacks_whole_is_a_gap_once_it_began),
        cmocka_unit_test(a_lake_without_their_blobs_is_exported_as_ever),
        cmocka_unit_test(any_halves_are_one),
        cmocka_unit_test(equal_rows_without_ids_are_told_by_their_number),
        cmocka_unit_test(siblings_and_hours_are_one_partition),
        cmocka_unit_test(many_rows_are_taken_in_passes),
        cmocka_unit_test(a_line_that_is_no_row_is_told_and_counts_as_missing),
        cmocka_unit_test(a_torn_end_is_written_still_or_was_left_so),
        cmocka_unit_test(a_line_that_is_ended_meanwhile_is_read_by_the_same_run),
        cmocka_unit_test(a_torn_end_of_long_ago_is_no_row),
        cmocka_unit_test(a_last_row_may_lack_its_line_feed),
        cmocka_unit_test(rows_that_the_workspace_lacks_are_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
