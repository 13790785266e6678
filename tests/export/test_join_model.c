/* Every state in which a partition may meet the service's own blobs, each killed at every call that touches the disk: a
 * run that calls it whole is right, no run takes the last trace of a row, and a killed one is finished by the next to
 * the same bytes.
 *
 * WEIR_MODEL=all kills at every call; otherwise at every so many, from a place that the seed decides. */
#include "theirs.h"

#include "../store/fault.h"
#include "base/memory.h"
#include "lake/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

/* A process under a sanitizer forks slowly. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STRIDE = 1500 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { STRIDE = 1500 };
#else
enum { STRIDE = 67 };
#endif
#else
enum { STRIDE = 67 };
#endif

enum { BASE_ROWS = 12, CALLS_MAX = 600 };

/* What an earlier run left, before which the service had its first rows. */
enum before { BEFORE_NOTHING, BEFORE_WHOLE, BEFORE_JOINED, BEFORE_UNVERIFIED, BEFORES };
/* What the service wrote since. */
enum since { SINCE_NOTHING, SINCE_SOME, SINCE_ALL, SINCE_TWICE, SINCE_GONE, SINCES };
enum rows { ROWS_SAME, ROWS_MORE, ROWS_FEWER, ROWSES };
enum mode { MODE_PLAIN, MODE_REFRESH, MODE_REPAIR, MODES };

struct state {
    enum before before;
    enum since since;
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

static int64_t partition_of(const struct played *played)
{
    return played->options.source.from;
}

static void put_theirs(const struct played *played, size_t first, size_t end)
{
    struct buf text = BUF_INIT(1 << 16);
    for (size_t i = first; i < end; i++)
        theirs_line(&text, &played->fake, &played->fake.rows[i], THEIRS_OTHER);
    theirs_append(played, partition_of(played), "PT05M.json", buf_str(&text), 86400);
    buf_release(&text);
}

static void blob_path(const struct played *played, const char *name, char out[FOLDER_PATH])
{
    struct buf folder = BUF_INIT(LAKE_NAME_MAX);
    lake_partition_prefix(&folder, &played_place, partition_of(played));
    (void) snprintf(out, FOLDER_PATH, "%s/%s/%s", played->folder.lake, buf_text(&folder), name);
    buf_release(&folder);
}

static void run_whole(struct played *played)
{
    struct error err = ERROR_INIT;
    if (!played_run(played, &err))
        fail_msg("%s", err.message);
}

static void put_unverified(struct played *played)
{
    struct error err = ERROR_INIT;
    struct lake_ledger *ledger = lake_ledger_open(played->store, &played_place, &err);
    assert_non_null(ledger);
    struct lake_run run = *lake_ledger_run(ledger, 0);
    struct lake_entry entry = *lake_ledger_find(ledger, partition_of(played));
    run.id = "22222222-2222-4333-8444-555555555555";
    entry.verdict = LAKE_VERDICT_UNVERIFIED;
    assert_true(lake_ledger_begin(ledger, &run, &err) && lake_ledger_add(ledger, &entry, &err) &&
                lake_ledger_flush(ledger, &err));
    lake_ledger_free(ledger);
}

static void put_before(struct played *played, enum before before)
{
    if (before == BEFORE_WHOLE)
        run_whole(played);
    put_theirs(played, 0, BASE_ROWS / 2);
    if (before == BEFORE_JOINED || before == BEFORE_UNVERIFIED)
        run_whole(played);
    if (before == BEFORE_UNVERIFIED)
        put_unverified(played);
}

static void put_since(struct played *played, enum since since)
{
    char path[FOLDER_PATH];
    blob_path(played, "PT05M.json", path);
    if (since == SINCE_SOME)
        put_theirs(played, BASE_ROWS / 2, BASE_ROWS - 2);
    if (since == SINCE_ALL)
        put_theirs(played, BASE_ROWS / 2, BASE_ROWS);
    if (since == SINCE_TWICE)
        put_theirs(played, 1, BASE_ROWS - 1);
    if (since == SINCE_GONE)
        assert_int_equal(unlink(path), 0);
}

static void build(struct played *played, const struct state *state)
{
    static const size_t counts[ROWSES] = {BASE_ROWS, BASE_ROWS + 3, BASE_ROWS - 5};
    played_begin(played, 1, BASE_ROWS + 3);
    played->options.source.to = partition_of(played) + TICK_PARTITION;
    played->options.beside = EXPORT_BESIDE_JOIN;
    played->fake.now = tick_of(state->young ? "2021-11-07T04:00:00Z" : "2021-11-20T04:00:00Z");
    for (size_t i = 0; i < BASE_ROWS + 3; i++)
        played->fake.rows[i] = (struct fake_row){
            .tick = partition_of(played) + (int64_t) i * TICK_SECOND, .id = 1000 + i};
    played->fake.count = BASE_ROWS;
    put_before(played, state->before);
    put_since(played, state->since);
    played->fake.count = counts[state->rows];
    played->fake.now += TICK_HOUR;
    played->options.run = "33333333-2222-4333-8444-555555555555";
    played->options.refresh = state->mode == MODE_REFRESH;
    played->options.only = state->mode == MODE_REPAIR ? &played->options.source.from : NULL;
    played->options.only_count = state->mode == MODE_REPAIR;
}

static void read_ours(const struct played *played, struct buf *out)
{
    char path[FOLDER_PATH], piece[4096];
    size_t n;
    blob_path(played, "PT05M_weir.json", path);
    buf_reset(out);
    FILE *file = fopen(path, "r");
    while (file && (n = fread(piece, 1, sizeof piece, file)) > 0)
        buf_put(out, piece, n);
    if (file)
        (void) fclose(file);
}

static bool same(const struct buf *a, const struct buf *b)
{
    return a->used == b->used && (a->used == 0 || memcmp(a->bytes, b->bytes, a->used) == 0);
}

/* A line that no row can have come to since is believed, and what was whole before stays. */
static bool is_believed(const struct state *state)
{
    bool stands = state->before == BEFORE_WHOLE ||
                  (state->before == BEFORE_JOINED && state->since != SINCE_GONE);
    return state->mode == MODE_PLAIN && !state->young && stands;
}

/* Of every row that the lake or the workspace had, the lake has one. */
static void assert_no_row_is_gone(const struct played *played, const struct state *state)
{
    char path[FOLDER_PATH], item[17];
    struct buf ours = BUF_INIT(1 << 20), theirs = BUF_INIT(1 << 20);
    struct error err = ERROR_INIT;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    read_ours(played, &ours);
    blob_path(played, "PT05M.json", path);
    lake_partition_prefix(&name, &played_place, partition_of(played));
    buf_puts(&name, "/PT05M.json");
    (void) store_get(played->store, buf_text(&name), &theirs, &err);
    bool held = state->before != BEFORE_NOTHING && state->since != SINCE_GONE;
    bool known = is_believed(state) || (held && played->fake.count < BASE_ROWS);
    size_t rows = known ? BASE_ROWS : played->fake.count;
    for (size_t i = 0; i < rows; i++) {
        fake_item(1000 + i, item);
        bool here = ours.used > 0 && memmem(ours.bytes, ours.used, item, 16);
        bool there = theirs.used > 0 && memmem(theirs.bytes, theirs.used, item, 16);
        assert_true(here || there);
    }
    buf_release(&ours);
    buf_release(&theirs);
    buf_release(&name);
}

static void assert_ledger_is_true(struct played *played)
{
    struct error err = ERROR_INIT;
    struct lake_ledger *ledger = lake_ledger_open(played->store, &played_place, &err);
    assert_non_null(ledger);
    const struct lake_entry *entry = lake_ledger_find(ledger, partition_of(played));
    assert_non_null(entry);
    struct buf ours = BUF_INIT(1 << 20);
    read_ours(played, &ours);
    if (lake_entry_held(entry))
        assert_int_equal(entry->bytes, ours.used);
    if (entry->verdict == LAKE_VERDICT_VERIFIED)
        assert_int_equal(entry->rows + entry->beside_rows, entry->rows_expected);
    buf_release(&ours);
    lake_ledger_free(ledger);
}

static void assert_right(struct played *played, const struct state *state)
{
    bool lost = state->before != BEFORE_NOTHING && state->rows == ROWS_FEWER;
    /* A whole blob that the ledger vouches for is repaired to a whole one. */
    bool whole = state->before == BEFORE_WHOLE && state->mode == MODE_REPAIR;
    assert_no_row_is_gone(played, state);
    assert_ledger_is_true(played);
    if (played->report.failed_count > 0)
        assert_true(lost);
    else if (!is_believed(state) && !lost && !whole)
        theirs_assert_one(played, false);
}

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

static void try_undisturbed(const struct state *state, struct buf *end)
{
    struct played played;
    build(&played, state);
    run_whole(&played);
    assert_right(&played, state);
    read_ours(&played, end);
    run_whole(&played); /* once more changes nothing */
    struct buf after = BUF_INIT(1 << 20);
    read_ours(&played, &after);
    assert_true(same(&after, end));
    buf_release(&after);
    played_end(&played);
}

static bool try_killed(const struct state *state, int n, const struct buf *end)
{
    struct played played;
    struct buf after = BUF_INIT(1 << 20);
    build(&played, state);
    bool killed = run_killed(&played, n);
    run_whole(&played);
    read_ours(&played, &after);
    assert_true(same(&after, end));
    assert_right(&played, state);
    buf_release(&after);
    played_end(&played);
    return killed;
}

/* What a failure is about. */
static void tell(const struct state *state, int n)
{
    if (getenv("WEIR_MODEL_TELL"))
        (void) printf("before %d since %d rows %d mode %d young %d kill %d\n", state->before,
                      state->since, state->rows, state->mode, state->young, n);
}

static void every_meeting_ends_right(void **unused)
{
    (void) unused;
    bool all = getenv("WEIR_MODEL") != NULL;
    uint64_t seed = clock_ns();
    unsigned states = 0, kills = 0;
    struct buf end = BUF_INIT(1 << 20);
    struct random random;
    (void) printf("seed %llu\n", (unsigned long long) seed);
    random_seed(&random, seed);
    for (unsigned i = 0; i < BEFORES * SINCES * ROWSES * MODES * 2; i++) {
        struct state state = {.before = i % BEFORES,
                              .since = i / BEFORES % SINCES,
                              .rows = i / BEFORES / SINCES % ROWSES,
                              .mode = i / BEFORES / SINCES / ROWSES % MODES,
                              .young = i / BEFORES / SINCES / ROWSES / MODES};
        states++;
        tell(&state, 0);
        try_undisturbed(&state, &end);
        int n = all ? 1 : 1 + (int) random_below(&random, STRIDE);
        for (; n < CALLS_MAX; n += all ? 1 : STRIDE) {
            tell(&state, n);
            if (!try_killed(&state, n, &end))
                break;
            kills++;
        }
    }
    (void) printf("%u states, %u kills\n", states, kills);
    buf_release(&end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_meeting_ends_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
