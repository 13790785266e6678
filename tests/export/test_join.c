/* History and continuous export, joined by record: no gap, no double, whatever the service wrote and however. */
#include "theirs.h"

#include "base/memory.h"
#include "export/run.h"
#include "lake/check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 600, SAMPLES = 3, SEEDS = 40 };

static int64_t tick_of(const char *text)
{
    int64_t tick = 0;
    assert_true(tick_parse(str_of(text), &tick));
    return tick;
}

static void must(bool ok, const struct error *err)
{
    if (!ok)
        fail_msg("%s", err->message);
}

static int64_t from_of(const struct played *played)
{
    return played->options.source.from;
}

/* The last hour of the range is the service's too. */
static int64_t joint_of(const struct played *played)
{
    return played->options.source.to - TICK_HOUR;
}

static void begin(struct played *played, uint64_t seed)
{
    played_begin(played, seed, ROWS);
    played->options.beside = EXPORT_BESIDE_JOIN;
    played->fake.now = tick_of("2021-11-20T00:00:00Z");
}

static void run(struct played *played)
{
    struct error err = ERROR_INIT;
    must(played_run(played, &err), &err);
}

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
                rows_from(played, joint_of(played)));
}

/* -- refusal -- */

static void a_range_with_the_services_blobs_is_refused(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin(&played, 1);
    played.options.beside = EXPORT_BESIDE_REFUSE;
    (void) theirs_write(&played, joint_of(&played), played.options.source.to, 1, 0, THEIRS_PLAIN);
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
    begin(&played, 2);
    played.options.beside = EXPORT_BESIDE_REFUSE;
    run(&played);
    (void) theirs_write(&played, joint_of(&played), played.options.source.to, 1, 0, THEIRS_PLAIN);
    run(&played);
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
    begin(&played, 3);
    played.options.beside = EXPORT_BESIDE_KEEP;
    (void) theirs_write(&played, joint_of(&played), played.options.source.to, 0.5, 0, THEIRS_PLAIN);
    played.fake.now = tick_of("2021-11-07T04:00:00Z"); /* all are young */
    run(&played);
    assert_int_equal(played.report.rows, played.fake.count);
    assert_int_equal(played.report.joined, 0);
    played_assert_whole(&played);
    run(&played);
    assert_int_equal(played.report.skipped, played.report.partitions);
    played_end(&played);
}

/* -- join -- */

static void what_the_service_has_whole_is_not_fetched(void **state)
{
    (void) state;
    struct played played;
    begin(&played, 4);
    (void) theirs_write(&played, from_of(&played), played.options.source.to, 1, 0.1, THEIRS_OTHER);
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.rows_verified, played.fake.count);
    assert_int_equal(played.report.beside_rows, played.fake.count);
    assert_true(played.report.doubled > 0);
    assert_int_equal(played.report.filled, 0);
    assert_int_equal(played.report.blobs, 0);
    assert_true(played.fake.answered <= SAMPLES);
    theirs_assert_one(&played, false);
    struct error err = ERROR_INIT;
    must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.rows_verified, played.fake.count);
    played_end(&played);
}

static void what_it_lacks_is_written_and_no_more(void **state)
{
    (void) state;
    struct played played;
    begin(&played, 5);
    uint64_t theirs =
        theirs_write(&played, joint_of(&played), played.options.source.to, 0.7, 0.2, THEIRS_CRLF);
    run(&played);
    assert_verified(&played);
    assert_int_equal(played.report.beside_rows, theirs);
    assert_int_equal(played.report.filled, rows_from(&played, joint_of(&played)) - theirs);
    assert_true(played.report.gaps > 0 && played.report.doubled > 0);
    assert_int_equal(played.report.damaged + played.report.strangers, 0);
    theirs_assert_one(&played, false);
    struct error err = ERROR_INIT;
    must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_OK], played.report.partitions);
    played_end(&played);
}

static void a_partition_that_it_lacks_whole_is_a_gap_once_it_began(void **state)
{
    (void) state;
    for (int told = 0; told < 2; told++) {
        struct played played;
        struct error err = ERROR_INIT;
        begin(&played, 14);
        int64_t first = joint_of(&played), end = played.options.source.to;
        (void) theirs_write(&played, first, first + TICK_PARTITION, 1, 0, THEIRS_PLAIN);
        (void) theirs_write(&played, end - TICK_PARTITION, end, 1, 0, THEIRS_PLAIN);
        int64_t since = told ? first + 2 * TICK_PARTITION : first;
        played.options.continuous = told ? since : 0;
        run(&played);
        assert_int_equal(played.report.joined, 2);
        assert_int_equal(played.report.filled,
                         rows_from(&played, told ? since : first + TICK_PARTITION) -
                             rows_from(&played, end - TICK_PARTITION));
        assert_int_equal(played.report.gaps, told ? 9 : 10);
        must(played_verify(&played, &err), &err);
        assert_int_equal(played.report.gaps, told ? 9 : 10);
        played_end(&played);
    }
}

static void a_lake_without_their_blobs_is_exported_as_ever(void **state)
{
    (void) state;
    struct played played;
    begin(&played, 6);
    run(&played);
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
        begin(&played, seed + i);
        struct random *random = &played.fake.random;
        bool by_value = random_below(random, 4) == 0;
        played.fake.no_items = by_value && random_below(random, 2) == 0;
        unsigned form = (unsigned) random_below(random, 8) & ~(unsigned) THEIRS_NO_ID;
        form |= by_value ? THEIRS_NO_ID : 0;
        played.fake.max_rows = 5 + random_below(random, 100);
        played.fake.broken = random_unit(random) / 4;
        (void) theirs_write(&played, joint_of(&played), played.options.source.to,
                            random_unit(random), by_value ? 0 : random_unit(random) / 2, form);
        must(played_run(&played, &err), &err);
        if (played.report.failed_count > 0)
            fail_msg("seed %llu: %s", (unsigned long long) (seed + i),
                     played.report.failed[0].reasons);
        assert_verified(&played);
        theirs_assert_one(&played, by_value);
        played.fake.broken = 0;
        must(played_verify(&played, &err), &err);
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
    begin(&played, 7);
    played.fake.no_items = true;
    for (size_t i = 0; i < 5; i++)
        played.fake.rows[i] = (struct fake_row){.tick = from_of(&played), .id = 7};
    played.fake.count = 5;
    for (size_t i = 0; i < 3; i++)
        theirs_line(&text, &played.fake, &played.fake.rows[0], THEIRS_OTHER);
    theirs_append(&played, from_of(&played), "PT05M.json", buf_str(&text), 86400);
    run(&played);
    assert_int_equal(played.report.beside_rows, 3);
    assert_int_equal(played.report.filled, 2);
    theirs_assert_one(&played, true);
    buf_release(&text);
    played_end(&played);
}

/* -- what stands there -- */

/* One partition with ten rows. */
static void begin_ten(struct played *played)
{
    begin(played, 8);
    played->options.source.to = from_of(played) + TICK_PARTITION;
    for (size_t i = 0; i < 10; i++)
        played->fake.rows[i] =
            (struct fake_row){.tick = from_of(played) + (int64_t) i * TICK_SECOND, .id = 100 + i};
    played->fake.count = 10;
}

/* Rows [first, end) of the workspace. */
static void append_rows(struct played *played, const char *name, size_t first, size_t end,
                        int64_t age)
{
    struct buf text = BUF_INIT(1 << 16);
    for (size_t i = first; i < end; i++)
        theirs_line(&text, &played->fake, &played->fake.rows[i], THEIRS_PLAIN);
    theirs_append(played, from_of(played), name, buf_str(&text), age);
    buf_release(&text);
}

static void siblings_and_hours_are_one_partition(void **state)
{
    (void) state;
    struct played played;
    struct buf text = BUF_INIT(1 << 20);
    begin(&played, 9);
    int64_t hour = from_of(&played);
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
    run(&played);
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
        begin(&played, 10);
        played.fake.no_items = by_value;
        uint64_t theirs =
            theirs_write(&played, from_of(&played), played.options.source.to, 0.6, 0, THEIRS_PLAIN);
        struct export *export = export_new(&played.options, &err);
        assert_non_null(export);
        export->join.keys.max = 4;
        must(export_prepare(export, &err) && export_fetch(export, &err), &err);
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
        begin_ten(&played);
        played.options.watch = &watch;
        append_rows(&played, "PT05M.json", 0, 4, 86400);
        theirs_append(&played, from_of(&played), "PT05M.json", str_of(lines[i]), 86400);
        theirs_append(&played, from_of(&played), "PT05M.json", STR("\n\r\n"), 86400);
        append_rows(&played, "PT05M.json", 4, 8, 86400);
        run(&played);
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
    begin_ten(&played);
    append_rows(&played, "PT05M.json", 0, 4, 0);
    theirs_append(&played, from_of(&played), "PT05M.json", STR("{\"TimeGenerated\":\"2021"), 0);
    run(&played);
    assert_int_equal(played.report.failed_count, 1);
    assert_non_null(strstr(played.report.failed[0].reasons, "being written"));
    assert_int_equal(played.report.rows_verified, 0);
    /* It goes on. */
    theirs_append(&played, from_of(&played), "PT05M.json", STR("\n"), 86400);
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.damaged, 1);
    assert_int_equal(played.report.filled, 6);
    theirs_assert_one(&played, false);
    played_end(&played);
}

struct writer {
    struct played *played;
    struct buf rest;
};

/* The service writes on while the export runs. */
static void write_on(void *context, const struct export_progress *progress)
{
    struct writer *writer = context;
    if (strcmp(progress->phase, "fetch") != 0 || writer->rest.used == 0)
        return;
    theirs_append(writer->played, from_of(writer->played), "PT05M.json", buf_str(&writer->rest), 0);
    buf_reset(&writer->rest);
}

static void a_line_that_is_ended_meanwhile_is_read_by_the_same_run(void **state)
{
    (void) state;
    struct played played;
    struct buf line = BUF_INIT(1 << 12);
    struct writer writer = {.played = &played, .rest = BUF_INIT(1 << 12)};
    struct export_watch watch = {.progress = write_on, .context = &writer};
    begin_ten(&played);
    played.options.watch = &watch;
    append_rows(&played, "PT05M.json", 0, 4, 0);
    theirs_line(&line, &played.fake, &played.fake.rows[4], THEIRS_CRLF);
    theirs_append(&played, from_of(&played), "PT05M.json", (struct str){line.bytes, 20}, 0);
    buf_put(&writer.rest, line.bytes + 20, line.used - 20);
    run(&played);
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
    begin_ten(&played);
    append_rows(&played, "PT05M.json", 0, 10, 86400);
    theirs_append(&played, from_of(&played), "PT05M.json", STR("{\"TimeGenerated\":\"2021"), 86400);
    run(&played);
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
    begin_ten(&played);
    theirs_line(&text, &played.fake, &played.fake.rows[0], THEIRS_PLAIN);
    theirs_append(&played, from_of(&played), "PT05M.json", (struct str){text.bytes, text.used - 1},
                  0);
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.beside_rows, 1);
    buf_release(&text);
    played_end(&played);
}

static void rows_that_the_workspace_lacks_are_strangers(void **state)
{
    (void) state;
    struct played played;
    begin_ten(&played);
    append_rows(&played, "PT05M.json", 0, 10, 86400);
    played.fake.count = 7;
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.strangers, 3);
    assert_int_equal(played.report.beside_rows, 7);
    assert_int_equal(played.report.filled, 0);
    played_end(&played);
}

/* -- later runs -- */

static void what_the_service_wrote_since_is_compared_again(void **state)
{
    (void) state;
    struct played played;
    begin_ten(&played);
    played.fake.now = tick_of("2021-11-07T04:00:00Z");
    played.fake.count = 8; /* two come late */
    append_rows(&played, "PT05M.json", 0, 5, 86400);
    run(&played);
    assert_int_equal(played.report.beside_rows, 5);
    assert_int_equal(played.report.filled, 3);
    uint64_t answered = played.fake.answered;
    run(&played); /* nothing new */
    assert_int_equal(played.report.skipped, 1);
    assert_true(played.fake.answered - answered <= SAMPLES);
    /* One that was filled is delivered after all, and a late one. */
    played.fake.count = 10;
    append_rows(&played, "PT05M.json", 6, 9, 86400);
    run(&played);
    assert_int_equal(played.report.late_rows, 2);
    assert_int_equal(played.report.beside_rows, 8);
    assert_int_equal(played.report.filled, 2);
    theirs_assert_one(&played, false);
    /* All of them, some twice: our blob goes. */
    append_rows(&played, "PT05M.json", 0, 10, 86400);
    answered = played.fake.answered;
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.beside_rows, 10);
    assert_int_equal(played.report.doubled, 8);
    assert_int_equal(played.report.filled, 0);
    assert_true(played.fake.answered - answered <= SAMPLES);
    theirs_assert_one(&played, false);
    played_end(&played);
}

static void a_whole_blob_of_ours_gives_way_while_it_is_young(void **state)
{
    (void) state;
    struct played played;
    begin_ten(&played);
    played.fake.now = tick_of("2021-11-07T04:00:00Z");
    run(&played);
    append_rows(&played, "PT05M.json", 0, 6, 86400);
    run(&played);
    assert_int_equal(played.report.beside_rows, 6);
    assert_int_equal(played.report.filled, 4);
    theirs_assert_one(&played, false);
    played_end(&played);
}

static void what_was_joined_is_never_taken_away(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin_ten(&played);
    append_rows(&played, "PT05M.json", 0, 5, 86400);
    run(&played);
    played.fake.count = 5; /* the rest is purged */
    played.options.refresh = true;
    run(&played);
    assert_int_equal(played.report.outlived, 1);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_PURGED], 1);
    assert_int_equal(played.report.rows_verified, 10);
    must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_PURGED], 1);
    assert_int_equal(played.report.failed_count, 0);
    played_end(&played);
}

static void a_joined_partition_is_repaired_as_one(void **state)
{
    (void) state;
    struct played played;
    begin_ten(&played);
    append_rows(&played, "PT05M.json", 0, 5, 86400);
    run(&played);
    theirs_append(&played, from_of(&played), "PT05M_weir.json", STR("{}\n"), 86400);
    int64_t only = from_of(&played);
    played.options.only = &only;
    played.options.only_count = 1;
    played.options.beside = EXPORT_BESIDE_REFUSE;
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.filled, 5);
    theirs_assert_one(&played, false);
    played_end(&played);
}

static void when_their_blobs_are_gone_all_rows_are_ours(void **state)
{
    (void) state;
    struct played played;
    char path[FOLDER_PATH];
    struct buf folder = BUF_INIT(LAKE_NAME_MAX);
    begin_ten(&played);
    append_rows(&played, "PT05M.json", 0, 5, 86400);
    run(&played);
    lake_partition_prefix(&folder, &played_place, from_of(&played));
    (void) snprintf(path, sizeof path, "%s/%s/PT05M.json", played.folder.lake, buf_text(&folder));
    assert_int_equal(unlink(path), 0);
    run(&played);
    assert_int_equal(played.report.joined, 0);
    assert_int_equal(played.report.rows_verified, 10);
    played_assert_whole(&played);
    buf_release(&folder);
    played_end(&played);
}

static void verify_misses_what_the_service_had(void **state)
{
    (void) state;
    for (int aged = 0; aged < 2; aged++) {
        struct played played;
        struct error err = ERROR_INIT;
        char path[FOLDER_PATH];
        struct buf folder = BUF_INIT(LAKE_NAME_MAX);
        begin_ten(&played);
        append_rows(&played, "PT05M.json", 0, 5, 86400);
        run(&played);
        played.fake.facts =
            (struct workspace_facts){.known = true, .retention_days = aged ? 2 : 90};
        append_rows(&played, "PT05M.json", 0, 7, 86400); /* more is no harm */
        must(played_verify(&played, &err), &err);
        assert_int_equal(played.report.failed_count, 0);
        assert_int_equal(played.report.joined, 1);
        lake_partition_prefix(&folder, &played_place, from_of(&played));
        (void) snprintf(path, sizeof path, "%s/%s/PT05M.json", played.folder.lake,
                        buf_text(&folder));
        assert_int_equal(truncate(path, 150), 0);
        must(played_verify(&played, &err), &err);
        assert_int_equal(played.report.failed_count, 1);
        assert_non_null(strstr(played.report.failed[0].reasons, "lack rows"));
        assert_int_equal(unlink(path), 0);
        must(played_verify(&played, &err), &err);
        assert_int_equal(played.report.failed_count, 1);
        buf_release(&folder);
        played_end(&played);
    }
}

static void a_final_line_is_not_believed_when_one_of_their_blobs_is_gone(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    char path[FOLDER_PATH];
    struct buf folder = BUF_INIT(LAKE_NAME_MAX);
    begin_ten(&played);
    append_rows(&played, "PT05M.json", 0, 4, 86400);
    append_rows(&played, "PT05M_1.json", 4, 6, 86400);
    run(&played);
    assert_int_equal(played.report.filled, 4);
    run(&played);
    assert_int_equal(played.report.skipped, 1);
    lake_partition_prefix(&folder, &played_place, from_of(&played));
    (void) snprintf(path, sizeof path, "%s/%s/PT05M.json", played.folder.lake, buf_text(&folder));
    assert_int_equal(unlink(path), 0);
    must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 1);
    run(&played);
    assert_int_equal(played.report.skipped, 0);
    assert_int_equal(played.report.beside_rows, 2);
    assert_int_equal(played.report.filled, 8);
    theirs_assert_one(&played, false);
    buf_release(&folder);
    played_end(&played);
}

/* A reader looks again at what was written after that moment. */
static void a_joined_line_is_of_the_moment_of_the_listing(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    struct writer writer = {.played = &played, .rest = BUF_INIT(1 << 12)};
    struct export_watch watch = {.progress = write_on, .context = &writer};
    begin_ten(&played);
    played.options.watch = &watch;
    append_rows(&played, "PT05M.json", 0, 4, 0);
    theirs_line(&writer.rest, &played.fake, &played.fake.rows[9], THEIRS_PLAIN);
    uint64_t bytes = 4 * writer.rest.used; /* lines of one length */
    int64_t before = tick_now();
    struct export *export = export_new(&played.options, &err);
    must(export && export_prepare(export, &err), &err);
    int64_t listed = tick_now();
    must(export_fetch(export, &err), &err);
    export_free(export);
    struct lake_ledger *ledger = lake_ledger_open(played.store, &played_place, &err);
    const struct lake_entry *entry = lake_ledger_find(ledger, from_of(&played));
    assert_true(entry && entry->joined);
    assert_true(entry->at >= before - TICK_SECOND && entry->at <= listed);
    assert_int_equal(entry->beside_bytes, bytes);
    lake_ledger_free(ledger);
    buf_release(&writer.rest);
    played_end(&played);
}

/* Takes the service's blob of the second partition away when the first was read. */
static void take_away(void *context, const struct export_progress *progress)
{
    const char *path = context;
    if (strcmp(progress->phase, "compare") == 0 && progress->partitions_done == 1)
        assert_int_equal(unlink(path), 0);
}

static void what_cannot_be_read_does_not_verify(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    char path[FOLDER_PATH];
    struct buf folder = BUF_INIT(LAKE_NAME_MAX);
    struct export_watch watch = {.progress = take_away, .context = path};
    begin(&played, 15);
    int64_t second = from_of(&played) + TICK_PARTITION;
    played.options.source.to = second + TICK_PARTITION;
    for (size_t i = 0; i < 20; i++)
        played.fake.rows[i] = (struct fake_row){
            .tick = from_of(&played) + (int64_t) i * 30 * TICK_SECOND, .id = 100 + i};
    played.fake.count = 20;
    (void) theirs_write(&played, from_of(&played), played.options.source.to, 1, 0, THEIRS_PLAIN);
    run(&played);
    assert_int_equal(played.report.joined, 2);
    lake_partition_prefix(&folder, &played_place, second);
    (void) snprintf(path, sizeof path, "%s/%s/PT05M.json", played.folder.lake, buf_text(&folder));
    played.options.watch = &watch;
    must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 1);
    assert_true(played.report.failed[0].partition == second);
    assert_non_null(strstr(played.report.failed[0].reasons, "could not be read"));
    buf_release(&folder);
    played_end(&played);
}

static void a_query_is_not_joined(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin(&played, 11);
    played.options.source.query = "T | where true";
    assert_false(played_run(&played, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    played_end(&played);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void) state;
    struct random random;
    uint64_t seed = clock_ns();
    unsigned failed = 0;
    (void) printf("seed %llu\n", (unsigned long long) seed);
    random_seed(&random, seed);
    for (uint64_t n = 1 + random_below(&random, 30); n < 3000; n += 1 + random_below(&random, 15)) {
        struct played played;
        struct error err = ERROR_INIT;
        begin_ten(&played);
        append_rows(&played, "PT05M.json", 0, 5, 86400);
        mem_fail_at(n);
        bool ok = played_run(&played, &err);
        mem_fail_at(0);
        /* One inside a call of the system shows as that call's failure. */
        assert_true(ok || err.code == ERROR_MEMORY || strstr(err.message, strerror(ENOMEM)));
        failed += !ok;
        run(&played);
        assert_int_equal(played.report.failed_count, 0);
        theirs_assert_one(&played, false);
        played_end(&played);
    }
    assert_true(failed > 5);
}

/* -- until when -- */

static void the_end_follows_from_the_rule(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    struct export_until until;
    begin(&played, 12);
    played.fake.rule = (struct workspace_rule){.found = true,
                                               .enabled = true,
                                               .name = "rule",
                                               .account = "acct",
                                               .created = tick_of("2021-11-06T23:01:00Z")};
    must(export_until(&played.options, &until, &err), &err);
    assert_true(until.end == tick_of("2021-11-07T12:05:00Z"));
    assert_int_equal(until.first, 0);
    assert_string_equal(until.account, "acct");
    /* Data began later than the rule. */
    (void) theirs_write(&played, joint_of(&played), played.options.source.to, 1, 0, THEIRS_PLAIN);
    must(export_until(&played.options, &until, &err), &err);
    assert_true(until.first == joint_of(&played));
    assert_true(until.end == tick_of("2021-11-07T15:00:00Z"));
    /* It is not that late yet. */
    played.fake.now = tick_of("2021-11-07T05:03:00Z");
    must(export_until(&played.options, &until, &err), &err);
    assert_true(until.end == tick_of("2021-11-07T04:45:00Z"));
    played_end(&played);
}

static void without_a_rule_an_end_must_be_given(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    struct export_until until;
    begin(&played, 13);
    (void) snprintf(played.fake.rule.why, sizeof played.fake.rule.why, "AuthorizationFailed");
    assert_false(export_until(&played.options, &until, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.message, "AuthorizationFailed"));
    assert_non_null(strstr(err.hint, "--end"));
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
        cmocka_unit_test(what_the_service_wrote_since_is_compared_again),
        cmocka_unit_test(a_whole_blob_of_ours_gives_way_while_it_is_young),
        cmocka_unit_test(what_was_joined_is_never_taken_away),
        cmocka_unit_test(a_joined_partition_is_repaired_as_one),
        cmocka_unit_test(when_their_blobs_are_gone_all_rows_are_ours),
        cmocka_unit_test(verify_misses_what_the_service_had),
        cmocka_unit_test(a_final_line_is_not_believed_when_one_of_their_blobs_is_gone),
        cmocka_unit_test(a_joined_line_is_of_the_moment_of_the_listing),
        cmocka_unit_test(what_cannot_be_read_does_not_verify),
        cmocka_unit_test(a_query_is_not_joined),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(the_end_follows_from_the_rule),
        cmocka_unit_test(without_a_rule_an_end_must_be_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
