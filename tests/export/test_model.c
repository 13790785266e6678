/* Every state that a partition can be in, each with every state of its workspace, in every mode, killed at every call
 * that touches the disk: whatever happens, a run that calls the partition whole is right, no run takes the last trace
 * of a row, and a killed one is finished by the next to the same bytes.
 *
 * WEIR_MODEL=all kills at every call; otherwise at every so many, from a place that the seed decides. */
#include "played.h"

#include "../store/fault.h"
#include "base/memory.h"
#include "lake/check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

/* A process under a sanitizer forks slowly: there every state is run, and few are killed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STRIDE = 6100 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { STRIDE = 6100 };
#else
enum { STRIDE = 61 };
#endif
#else
enum { STRIDE = 61 };
#endif

enum { BASE_ROWS = 12, CALLS_MAX = 400 };

enum line {
    LINE_NONE,
    LINE_UNVERIFIED,
    LINE_VERIFIED,
    LINE_MISSING,
    LINE_AGED,
    LINE_PURGED,
    LINES
};
enum blob { BLOB_ABSENT, BLOB_RIGHT, BLOB_ALTERED, BLOB_LONGER, BLOBS };
enum rows { ROWS_SAME, ROWS_MORE, ROWS_FEWER, ROWS_NONE, ROWS_OTHER, ROWSES };
enum mode { MODE_PLAIN, MODE_REFRESH, MODE_REPAIR, MODES };

struct state {
    enum line line;
    enum blob blob;
    enum rows rows;
    enum mode mode;
    bool young;
};

static int64_t tick_of(const char *text)
{
    int64_t tick = 0;
    if (!tick_parse(str_of(text), &tick))
        abort();
    return tick;
}

/* -- building a state -- */

static void put_rows(struct played *played, size_t n, bool other)
{
    for (size_t i = 0; i < n; i++)
        played->fake.rows[i] =
            (struct fake_row){.tick = played->options.source.from + (int64_t) i * TICK_SECOND,
                              .id = 1000 + i + (other && i + 1 == n ? 500 : 0)};
    played->fake.count = n;
}

static void put_workspace(struct played *played, enum rows rows)
{
    static const size_t counts[ROWSES] = {BASE_ROWS, BASE_ROWS + 3, BASE_ROWS - 5, 0, BASE_ROWS};
    put_rows(played, counts[rows], rows == ROWS_OTHER);
}

static void blob_path(const struct played *played, char out[FOLDER_PATH])
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    lake_export_name(&name, &played_place, played->options.source.from, 0);
    (void) snprintf(out, FOLDER_PATH, "%s/%s", played->folder.lake, buf_text(&name));
    buf_release(&name);
}

static void put_line(struct played *played, enum line line)
{
    static const enum lake_verdict verdicts[LINES] = {
        LAKE_VERDICT_VERIFIED, LAKE_VERDICT_UNVERIFIED, LAKE_VERDICT_VERIFIED,
        LAKE_VERDICT_MISSING,  LAKE_VERDICT_AGED_OUT,   LAKE_VERDICT_PURGED};
    struct error err = ERROR_INIT;
    if (line == LINE_VERIFIED)
        return;
    if (line == LINE_NONE) {
        char ledger[FOLDER_PATH];
        (void) snprintf(ledger, sizeof ledger, "%s/weir/%s/t/ledger", played->folder.lake,
                        played_place.workspace_id);
        folder_remove_tree(ledger);
        return;
    }
    struct lake_ledger *ledger = lake_ledger_open(played->store, &played_place, &err);
    assert_non_null(ledger);
    struct lake_run run = *lake_ledger_run(ledger, 0);
    struct lake_entry entry = *lake_ledger_find(ledger, played->options.source.from);
    run.id = "22222222-2222-4333-8444-555555555555";
    entry.verdict = (uint8_t) verdicts[line];
    if (line == LINE_MISSING)
        entry.rows = entry.sum = entry.bytes = 0;
    assert_true(lake_ledger_begin(ledger, &run, &err) && lake_ledger_add(ledger, &entry, &err) &&
                lake_ledger_flush(ledger, &err));
    lake_ledger_free(ledger);
}

static void put_blob(const struct played *played, enum blob blob)
{
    char path[FOLDER_PATH];
    blob_path(played, path);
    if (blob == BLOB_ABSENT)
        assert_int_equal(unlink(path), 0);
    FILE *file = blob == BLOB_ALTERED || blob == BLOB_LONGER ? fopen(path, "r+") : NULL;
    if (blob == BLOB_ALTERED)
        assert_true(file && fseek(file, -6, SEEK_END) == 0 && fputc('X', file) == 'X');
    if (blob == BLOB_LONGER)
        assert_true(file && fseek(file, 0, SEEK_END) == 0 && fputs("{}\n", file) >= 0);
    if (file)
        assert_int_equal(fclose(file), 0);
}

static void build(struct played *played, const struct state *state)
{
    struct error err = ERROR_INIT;
    played_begin(played, 1, BASE_ROWS + 3);
    played->options.source.to = played->options.source.from + TICK_PARTITION;
    played->fake.now = tick_of(state->young ? "2021-11-07T04:00:00Z" : "2021-11-20T04:00:00Z");
    put_workspace(played, ROWS_SAME);
    if (!played_run(played, &err))
        fail_msg("%s", err.message);
    put_line(played, state->line);
    put_blob(played, state->blob);
    put_workspace(played, state->rows);
    played->fake.now += TICK_HOUR;
    played->options.run = "33333333-2222-4333-8444-555555555555";
    played->options.refresh = state->mode == MODE_REFRESH;
    played->options.only = state->mode == MODE_REPAIR ? &played->options.source.from : NULL;
    played->options.only_count = state->mode == MODE_REPAIR;
}

/* -- what holds at the end -- */

static void read_blob(const struct played *played, struct buf *out)
{
    char path[FOLDER_PATH], piece[4096];
    size_t n;
    blob_path(played, path);
    buf_reset(out);
    FILE *file = fopen(path, "r");
    while (file && (n = fread(piece, 1, sizeof piece, file)) > 0)
        buf_put(out, piece, n);
    if (file)
        (void) fclose(file);
}

static size_t lines_of(const struct buf *text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text->used; i++)
        lines += text->bytes[i] == '\n';
    return lines;
}

static bool same(const struct buf *a, const struct buf *b)
{
    return a->used == b->used && (a->used == 0 || memcmp(a->bytes, b->bytes, a->used) == 0);
}

/* A plain run believes a final line whose blob has its size; what is in it is verify's to read. */
static bool is_believed(const struct state *state)
{
    bool held =
        state->line == LINE_VERIFIED || state->line == LINE_AGED || state->line == LINE_PURGED;
    return state->mode == MODE_PLAIN && held && !state->young &&
           (state->blob == BLOB_RIGHT || state->blob == BLOB_ALTERED);
}

/* The ledger says of the lake what is there. */
static void assert_ledger_is_true(struct played *played, bool believed)
{
    struct error err = ERROR_INIT;
    struct lake_check_totals totals;
    struct lake_check_options options = {0};
    struct lake_ledger *ledger = lake_ledger_open(played->store, &played_place, &err);
    assert_non_null(ledger);
    const struct lake_entry *entry = lake_ledger_find(ledger, played->options.source.from);
    assert_non_null(entry);
    if (lake_entry_held(entry) && !believed) {
        assert_true(lake_check(played->store, &played_place, ledger, &options, &totals, &err));
        assert_int_equal(totals.findings[LAKE_FINDING_OK], totals.partitions);
    }
    lake_ledger_free(ledger);
}

static void assert_right(struct played *played, const struct state *state, const struct buf *before)
{
    struct buf after = BUF_INIT(1 << 20), workspace = BUF_INIT(1 << 20);
    read_blob(played, &after);
    played_bytes(&played->fake, played->options.source.from, &workspace);
    bool believed = is_believed(state), kept = same(&after, before);
    /* Of a blob that is spoilt the workspace has all that its line tells of. */
    bool told = state->line != LINE_NONE && state->line != LINE_MISSING;
    bool spoilt = told && state->rows == ROWS_SAME && state->blob != BLOB_RIGHT;
    bool more = lines_of(before) > played->fake.count && !spoilt;
    if (more || believed)
        assert_true(kept);
    else if (played->report.failed_count == 0)
        /* Altered bytes of the same size are the workspace's rows for a young line too, as far as a run looks. */
        assert_true(same(&after, &workspace) ||
                    (kept && state->blob == BLOB_ALTERED && state->rows == ROWS_SAME &&
                     state->mode == MODE_PLAIN));
    /* Listed is what nothing vouches for, and what the ledger knew of and nobody has any more. */
    bool unproven = more && (state->blob != BLOB_RIGHT || state->line == LINE_NONE ||
                             state->line == LINE_MISSING);
    bool lost = state->line != LINE_NONE && state->blob == BLOB_ABSENT && played->fake.count == 0;
    if (played->report.failed_count > 0)
        assert_true(unproven || lost);
    if (state->blob != BLOB_ALTERED)
        assert_ledger_is_true(played, believed);
    buf_release(&after);
    buf_release(&workspace);
}

/* -- runs -- */

/* In a process that dies at the n-th call. False: it came to its end before. */
static bool run_killed(struct played *played, int n)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct error err = ERROR_INIT;
        played->options.store = store_open(played->folder.lake, &err);
        fault = (struct fault){.at = n};
        bool ok = played_run(played, &err);
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

static void run_whole(struct played *played)
{
    struct error err = ERROR_INIT;
    if (!played_run(played, &err))
        fail_msg("%s", err.message);
}

static void try_undisturbed(const struct state *state, struct buf *end)
{
    struct played played;
    struct buf before = BUF_INIT(1 << 20);
    build(&played, state);
    read_blob(&played, &before);
    run_whole(&played);
    assert_right(&played, state, &before);
    read_blob(&played, end);
    buf_release(&before);
    played_end(&played);
}

static bool try_killed(const struct state *state, int n, const struct buf *end)
{
    struct played played;
    struct buf before = BUF_INIT(1 << 20), after = BUF_INIT(1 << 20);
    build(&played, state);
    read_blob(&played, &before);
    bool killed = run_killed(&played, n);
    run_whole(&played);
    read_blob(&played, &after);
    /* Where the blob was altered in its size's bytes alone, the line that doubted it may be what finds it. */
    if (state->blob != BLOB_ALTERED)
        assert_true(same(&after, end));
    else
        assert_true(lines_of(&before) <= played.fake.count || same(&after, &before));
    if (state->blob != BLOB_ALTERED)
        assert_right(&played, state, &before);
    buf_release(&before);
    buf_release(&after);
    played_end(&played);
    return killed;
}

/* A line that says there is no blob stands beside one only in the state of a lost ledger. */
static bool is_possible(const struct state *state)
{
    return !(state->line == LINE_NONE && state->young) && /* no line: no age */
           !(state->line == LINE_NONE && state->mode == MODE_REPAIR && state->blob == BLOB_ABSENT);
}

/* What a failure is about: kept in memory that the report of a failed assertion shows. */
static void tell(const struct state *state)
{
    if (getenv("WEIR_MODEL_TELL"))
        (void) printf("line %d blob %d rows %d mode %d young %d\n", state->line, state->blob,
                      state->rows, state->mode, state->young);
}

static void every_state_ends_right(void **unused)
{
    (void) unused;
    bool all = getenv("WEIR_MODEL") != NULL;
    uint64_t seed = clock_ns();
    unsigned states = 0, kills = 0;
    struct buf end = BUF_INIT(1 << 20);
    struct random random;
    (void) printf("seed %llu\n", (unsigned long long) seed);
    random_seed(&random, seed);
    for (unsigned i = 0; i < LINES * BLOBS * ROWSES * MODES * 2; i++) {
        struct state state = {.line = i % LINES,
                              .blob = i / LINES % BLOBS,
                              .rows = i / LINES / BLOBS % ROWSES,
                              .mode = i / LINES / BLOBS / ROWSES % MODES,
                              .young = i / LINES / BLOBS / ROWSES / MODES};
        if (!is_possible(&state))
            continue;
        states++;
        tell(&state);
        try_undisturbed(&state, &end);
        int n = all ? 1 : 1 + (int) random_below(&random, STRIDE);
        while (n < CALLS_MAX && try_killed(&state, n, &end)) {
            n += all ? 1 : STRIDE;
            kills++;
        }
    }
    (void) printf("%u states, %u kills\n", states, kills);
    buf_release(&end);
}

/* A request each, on an account: of a table with few rows that would be most of them. */
static void an_empty_partition_asks_the_store_for_nothing(void **unused)
{
    (void) unused;
    struct played played;
    struct error err = ERROR_INIT;
    played_begin(&played, 1, 1);
    played.fake.rows[0].tick = played.options.source.from;
    played.options.source.to = played.options.source.from + TICK_HOUR;
    run_whole(&played);
    played.options.source.from += TICK_PARTITION;
    played.options.refresh = true;
    played.options.run = "33333333-2222-4333-8444-555555555555";
    fault = (struct fault){.at = 1, .name = "m=55", .number = EIO, .always = true};
    bool ok = played_run(&played, &err);
    bool struck = fault.struck;
    fault = (struct fault){0};
    if (!ok)
        fail_msg("%s", err.message);
    assert_false(struck);
    assert_int_equal(played.report.fetched, 11);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_ends_right),
        cmocka_unit_test(an_empty_partition_asks_the_store_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
