/* What was joined, in later runs: compared anew, repaired, verified; and until when there is anything to join. */
#include "joined.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>

enum { SAMPLES = 3 };

/* -- later runs -- */

static void what_the_service_wrote_since_is_compared_again(void **state)
{
    (void) state;
    struct played played;
    joined_begin_ten(&played);
    played.fake.now = joined_tick("2021-11-07T04:00:00Z");
    played.fake.count = 8; /* two come late */
    joined_append(&played, "PT05M.json", 0, 5, 86400);
    joined_run(&played);
    assert_int_equal(played.report.beside_rows, 5);
    assert_int_equal(played.report.filled, 3);
    uint64_t answered = played.fake.answered;
    joined_run(&played); /* nothing new */
    assert_int_equal(played.report.skipped, 1);
    assert_true(played.fake.answered - answered <= SAMPLES);
    /* One that was filled is delivered after all, and a late one. */
    played.fake.count = 10;
    joined_append(&played, "PT05M.json", 6, 9, 86400);
    joined_run(&played);
    assert_int_equal(played.report.late_rows, 2);
    assert_int_equal(played.report.beside_rows, 8);
    assert_int_equal(played.report.filled, 2);
    theirs_assert_one(&played, false);
    /* All of them, some twice: our blob goes. */
    joined_append(&played, "PT05M.json", 0, 10, 86400);
    answered = played.fake.answered;
    joined_run(&played);
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
    joined_begin_ten(&played);
    played.fake.now = joined_tick("2021-11-07T04:00:00Z");
    joined_run(&played);
    joined_append(&played, "PT05M.json", 0, 6, 86400);
    joined_run(&played);
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
    joined_begin_ten(&played);
    joined_append(&played, "PT05M.json", 0, 5, 86400);
    joined_run(&played);
    played.fake.count = 5; /* the rest is purged */
    played.options.refresh = true;
    joined_run(&played);
    assert_int_equal(played.report.outlived, 1);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_PURGED], 1);
    assert_int_equal(played.report.rows_verified, 10);
    joined_must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_PURGED], 1);
    assert_int_equal(played.report.failed_count, 0);
    played_end(&played);
}

static void a_joined_partition_is_repaired_as_one(void **state)
{
    (void) state;
    struct played played;
    joined_begin_ten(&played);
    joined_append(&played, "PT05M.json", 0, 5, 86400);
    joined_run(&played);
    theirs_append(&played, joined_from(&played), "PT05M_weir.json", STR("{}\n"), 86400);
    int64_t only = joined_from(&played);
    played.options.only = &only;
    played.options.only_count = 1;
    played.options.beside = EXPORT_BESIDE_REFUSE;
    joined_run(&played);
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
    joined_begin_ten(&played);
    joined_append(&played, "PT05M.json", 0, 5, 86400);
    joined_run(&played);
    lake_partition_prefix(&folder, &played_place, joined_from(&played));
    (void) snprintf(path, sizeof path, "%s/%s/PT05M.json", played.folder.lake, buf_text(&folder));
    assert_int_equal(unlink(path), 0);
    joined_run(&played);
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
        joined_begin_ten(&played);
        joined_append(&played, "PT05M.json", 0, 5, 86400);
        joined_run(&played);
        played.fake.facts =
            (struct workspace_facts){.known = true, .retention_days = aged ? 2 : 90};
        joined_append(&played, "PT05M.json", 0, 7, 86400); /* more is no harm */
        joined_must(played_verify(&played, &err), &err);
        assert_int_equal(played.report.failed_count, 0);
        assert_int_equal(played.report.joined, 1);
        lake_partition_prefix(&folder, &played_place, joined_from(&played));
        (void) snprintf(path, sizeof path, "%s/%s/PT05M.json", played.folder.lake,
                        buf_text(&folder));
        assert_int_equal(truncate(path, 150), 0);
        joined_must(played_verify(&played, &err), &err);
        assert_int_equal(played.report.failed_count, 1);
        assert_non_null(strstr(played.report.failed[0].reasons, "lack rows"));
        assert_int_equal(unlink(path), 0);
        joined_must(played_verify(&played, &err), &err);
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
    joined_begin_ten(&played);
    joined_append(&played, "PT05M.json", 0, 4, 86400);
    joined_append(&played, "PT05M_1.json", 4, 6, 86400);
    joined_run(&played);
    assert_int_equal(played.report.filled, 4);
    joined_run(&played);
    assert_int_equal(played.report.skipped, 1);
    lake_partition_prefix(&folder, &played_place, joined_from(&played));
    (void) snprintf(path, sizeof path, "%s/%s/PT05M.json", played.folder.lake, buf_text(&folder));
    assert_int_equal(unlink(path), 0);
    joined_must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 1);
    joined_run(&played);
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
    struct joined_writer writer = {.played = &played, .rest = BUF_INIT(1 << 12)};
    struct export_watch watch = {.progress = joined_write_on, .context = &writer};
    joined_begin_ten(&played);
    played.options.watch = &watch;
    joined_append(&played, "PT05M.json", 0, 4, 0);
    theirs_line(&writer.rest, &played.fake, &played.fake.rows[9], THEIRS_PLAIN);
    uint64_t bytes = 4 * writer.rest.used; /* lines of one length */
    int64_t before = tick_now();
    struct export *export = export_new(&played.options, &err);
    joined_must(export && export_prepare(export, &err), &err);
    int64_t listed = tick_now();
    joined_must(export_fetch(export, &err), &err);
    export_free(export);
    struct lake_ledger *ledger = lake_ledger_open(played.store, &played_place, &err);
    const struct lake_entry *entry = lake_ledger_find(ledger, joined_from(&played));
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
    joined_begin(&played, 15);
    int64_t second = joined_from(&played) + TICK_PARTITION;
    played.options.source.to = second + TICK_PARTITION;
    for (size_t i = 0; i < 20; i++)
        played.fake.rows[i] = (struct fake_row){
            .tick = joined_from(&played) + (int64_t) i * 30 * TICK_SECOND, .id = 100 + i};
    played.fake.count = 20;
    (void) theirs_write(&played, joined_from(&played), played.options.source.to, 1, 0,
                        THEIRS_PLAIN);
    joined_run(&played);
    assert_int_equal(played.report.joined, 2);
    lake_partition_prefix(&folder, &played_place, second);
    (void) snprintf(path, sizeof path, "%s/%s/PT05M.json", played.folder.lake, buf_text(&folder));
    played.options.watch = &watch;
    joined_must(played_verify(&played, &err), &err);
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
    joined_begin(&played, 11);
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
        joined_begin_ten(&played);
        joined_append(&played, "PT05M.json", 0, 5, 86400);
        mem_fail_at(n);
        bool ok = played_run(&played, &err);
        mem_fail_at(0);
        /* One inside a call of the system shows as that call's failure. */
        assert_true(ok || err.code == ERROR_MEMORY || strstr(err.message, strerror(ENOMEM)));
        failed += !ok;
        joined_run(&played);
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
    joined_begin(&played, 12);
    played.fake.rule = (struct workspace_rule){.found = true,
                                               .enabled = true,
                                               .name = "rule",
                                               .account = "acct",
                                               .created = joined_tick("2021-11-06T23:01:00Z")};
    joined_must(export_until(&played.options, &until, &err), &err);
    assert_true(until.end == joined_tick("2021-11-07T12:05:00Z"));
    assert_int_equal(until.first, 0);
    assert_string_equal(until.account, "acct");
    /* Data began later than the rule. */
    (void) theirs_write(&played, joined_hour(&played), played.options.source.to, 1, 0,
                        THEIRS_PLAIN);
    joined_must(export_until(&played.options, &until, &err), &err);
    assert_true(until.first == joined_hour(&played));
    assert_true(until.end == joined_tick("2021-11-07T15:00:00Z"));
    /* It is not that late yet. */
    played.fake.now = joined_tick("2021-11-07T05:03:00Z");
    joined_must(export_until(&played.options, &until, &err), &err);
    assert_true(until.end == joined_tick("2021-11-07T04:45:00Z"));
    played_end(&played);
}

static void without_a_rule_an_end_must_be_given(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    struct export_until until;
    joined_begin(&played, 13);
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
