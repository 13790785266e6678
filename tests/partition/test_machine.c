/* Lines to partitions, whatever their order, the threads and the way they go: always the same bytes. */
#include "import.h"

#include "base/hash.h"

#define DAY 86400u

/* Numbers that are the same in each run. */
static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 8;
}

enum order { SORTED, NEWEST_FIRST, NEARLY, SHUFFLED };

/* Two days of some thousand rows, a few of them longer than a piece. */
static void make_input(struct import *im, enum order order, unsigned rows)
{
    unsigned seed = 7;
    for (unsigned i = 0; i < rows; i++) {
        unsigned even = (unsigned) ((uint64_t) i * 2 * DAY / rows), second = even;
        if (order == NEWEST_FIRST)
            second = 2 * DAY - 1 - even;
        if (order == NEARLY)
            second = (even + next(&seed) % 400) % (2 * DAY);
        if (order == SHUFFLED)
            second = next(&seed) % (2 * DAY);
        size_t padding = i % 1000 == 500 ? 300000 : next(&seed) % 900;
        import_line(im, second, padding, i % 7 == 3 ? " \r\n" : "\n");
        if (i % 97 == 5)
            import_junk(im, " \n");
    }
    import_file(im);
}

static void goes_into_the_partition_of_its_time_in_any_order(void **state)
{
    struct import *im = *state;
    for (enum order order = SORTED; order <= SHUFFLED; order++) {
        import_clear(im);
        make_input(im, order, 5000);
        import_again(im);
        import_all(im);
        assert_int_equal(im->result.rows, 5000);
        assert_int_equal(im->result.inputs[0].blank, 5000 / 97 + 1);
    }
}

struct way {
    const char *name;
    struct partition_small small;
    bool spills;
};
static const struct way ways[] = {
    {"direct", {.scatter = 1}, false},
    {"direct with two files open", {.scatter = 1, .slots = 2}, false},
    {"aside in memory", {.scatter = 1 << 20}, false},
    {"laid down meanwhile", {.scatter = 1 << 20, .held = 4000000, .lay = 1}, false},
    {"aside in files", {.scatter = 1 << 20, .held = 200000, .run = 1}, true},
    {"in windows", {.scatter = 1 << 20, .held = 200000, .load = 5000, .run = 1}, true},
    {"in two levels", {.scatter = 1 << 20, .held = 200000, .load = 20000, .run = 1 << 20}, true},
};

static void writes_the_same_by_every_way_and_with_any_threads(void **state)
{
    struct import *im = *state;
    char id[PARTITION_ID + 1] = "";
    make_input(im, SHUFFLED, 6000);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (unsigned threads = 1; threads <= 8; threads *= 2) {
            im->options.small = ways[i].small;
            im->options.threads = threads;
            import_again(im);
            import_all(im);
            /* With many threads all that is left may be on its way. */
            if (threads <= 2 && (im->result.spilled > 0) != ways[i].spills)
                fail_msg("%s, %u threads: %llu bytes spilled", ways[i].name, threads,
                         (unsigned long long) im->result.spilled);
            assert_true(id[0] == '\0' || strcmp(id, im->result.id) == 0);
            memcpy(id, im->result.id, sizeof id);
        }
    }
}

static void takes_small_inputs_one_after_the_other(void **state)
{
    struct import *im = *state;
    for (unsigned k = 0; k < 8; k++) {
        for (unsigned i = 0; i < 40; i++)
            import_line(im, (i * 37 + k) % 600, i, i < 39 ? "\n" : ""); /* no line end at the end */
        import_file(im);
    }
    import_all(im);
    assert_int_equal(im->result.read, 8);
    for (size_t k = 0; k < 8; k++)
        assert_int_equal(im->result.inputs[k].rows, 40);
}

static void a_line_may_be_longer_than_many_pieces(void **state)
{
    struct import *im = *state;
    import_line(im, 10, 3, "\n");
    import_line(im, 400, 3000000, "\n");
    import_line(im, 20, 1, "\n");
    import_line(im, 800, 262144 - 30, "\r\n");
    import_line(im, 30, 600000, "");
    import_file(im);
    for (unsigned threads = 1; threads < 4; threads++) {
        im->options.threads = threads;
        import_again(im);
        import_all(im);
    }
}

/* Each line's first byte once on each side of the border of two pieces. */
static void a_border_may_be_anywhere_in_a_line(void **state)
{
    struct import *im = *state;
    for (size_t shift = 0; shift < 120; shift += 7) {
        import_clear(im);
        import_line(im, 1, 262144 - 160 + shift, "\n");
        for (unsigned i = 0; i < 3; i++)
            import_line(im, 2 + i, 2, i == 1 ? " \r\n" : "\n");
        import_file(im);
        import_again(im);
        import_all(im);
    }
}

static void an_empty_input_is_an_import_without_rows(void **state)
{
    struct import *im = *state;
    import_file(im);
    import_all(im);
    assert_int_equal(im->result.partitions, 0);
    assert_int_equal(im->result.read, 1);
}

static void what_is_held_is_not_brought_in_again(void **state)
{
    struct import *im = *state;
    make_input(im, NEARLY, 500);
    import_all(im);
    char id[PARTITION_ID + 1];
    memcpy(id, im->result.id, sizeof id);
    assert_true(import_run(im));
    assert_string_equal(im->result.id, "");
    assert_int_equal(im->result.read, 0);
    assert_string_equal(im->result.inputs[0].held_by, id);
    /* Beside a new one, it alone is left out. */
    for (unsigned i = 0; i < IMPORT_PARTITIONS; i++)
        buf_reset(&im->want[i]);
    im->want_rows = 0;
    import_line(im, 77, 10, "\n");
    import_file(im);
    assert_true(import_run(im));
    assert_int_equal(im->result.read, 1);
    assert_int_equal(im->result.rows, 1);
    assert_null(im->result.inputs[1].held_by);
}

static void equal_inputs_count_once(void **state)
{
    struct import *im = *state;
    for (unsigned i = 0; i < 30; i++)
        import_line(im, i * 50, 20, "\n");
    import_file(im);
    im->inputs[1] = im->inputs[0];
    im->options.input_count = 2;
    import_all(im);
    assert_int_equal(im->result.read, 1);
    assert_true(im->result.inputs[1].twice);
}

static void rejects_are_told_with_their_lines(void **state)
{
    struct import *im = *state;
    char path[400];
    im->options.threads = 3;
    for (unsigned i = 0; i < 3000; i++) {
        import_line(im, i, 300, "\n");
        if (i % 1000 == 0)
            import_junk(im, "\n{\"TimeGenerated\":\"2021-11-07T00:00:00Z\"} x\n");
    }
    import_file(im);
    (void) snprintf(path, sizeof path, "%s/rejects.jsonl", im->folder.path);
    im->options.reject_file = path;
    import_all(im);
    assert_int_equal(im->result.rejected, 3);
    assert_string_equal(im->result.reject_file, path);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    char line[600], want[600];
    for (unsigned i = 0; i < 3; i++) {
        assert_non_null(fgets(line, sizeof line, in));
        (void) snprintf(want, sizeof want, "\"line\":%u,", i * 1002 + 3);
        assert_non_null(strstr(line, want));
        assert_non_null(strstr(line, "not one valid JSON object"));
    }
    assert_null(fgets(line, sizeof line, in));
    assert_int_equal(fclose(in), 0);
    struct stat is;
    assert_int_equal(stat(path, &is), 0);
    assert_int_equal(is.st_mode & 0777, 0600);
}

static void a_link_is_written_and_not_replaced_by_rejects(void **state)
{
    struct import *im = *state;
    char path[400], file[400];
    struct stat is;
    (void) snprintf(path, sizeof path, "%s/link", im->folder.path);
    (void) snprintf(file, sizeof file, "%s/behind", im->folder.path);
    assert_int_equal(close(open(file, O_WRONLY | O_CREAT, 0600)), 0);
    assert_int_equal(symlink(file, path), 0);
    import_line(im, 1, 1, "\n");
    import_junk(im, "x\n");
    import_file(im);
    im->options.reject_file = path;
    import_all(im);
    assert_int_equal(lstat(path, &is), 0);
    assert_true(S_ISLNK(is.st_mode));
    assert_int_equal(stat(file, &is), 0);
    assert_true(is.st_size > 0);
    import_again(im);
    im->options.reject_file = "-";
    assert_false(import_run(im));
    assert_int_equal(im->err.code, ERROR_USAGE);
}

static void doubles_are_left_out_whatever_the_threads(void **state)
{
    struct import *im = *state;
    for (unsigned i = 0; i < 4000; i++)
        import_line(im, i * 40 % (2 * DAY), 200, "\n");
    struct buf once = BUF_INIT(64 << 20);
    buf_put(&once, im->file.bytes, im->file.used);
    buf_put(&im->file, once.bytes, once.used); /* all of it once more */
    import_file(im);
    buf_release(&once);
    im->options.dedup = "n";
    for (unsigned threads = 1; threads <= 4; threads++) {
        im->options.threads = threads;
        im->options.small.scatter = threads % 2 ? 1 : 1 << 20;
        import_again(im);
        import_all(im);
        assert_int_equal(im->result.dropped, 4000);
    }
    import_again(im);
    im->options.dedup = "N";
    assert_false(import_run(im));
    assert_int_equal(im->err.code, ERROR_USAGE);
    assert_int_equal(import_check(im, false), 0);
}

static void a_stop_leaves_nothing_that_shows(void **state)
{
    struct import *im = *state;
    struct stop stop = {0};
    make_input(im, SHUFFLED, 1000);
    stop_set(&stop, 2);
    im->options.stop = &stop;
    assert_false(import_run(im));
    assert_int_equal(im->err.code, ERROR_INTERRUPTED);
    assert_int_equal(import_check(im, false), 0);
    im->options.stop = NULL;
    import_all(im);
}

static void set_stop(void *context, const struct partition_progress *progress)
{
    if (strcmp(progress->phase, "name") != 0)
        stop_set(context, 15);
}

static void a_stop_on_the_way_leaves_nothing_that_shows(void **state)
{
    struct import *im = *state;
    struct stop stop = {0};
    struct partition_watch watch = {.progress = set_stop, .context = &stop};
    make_input(im, SHUFFLED, 3000);
    im->options.stop = &stop;
    im->options.watch = &watch;
    assert_false(
        import_run(im)); /* progress is told once at the least before the names are taken */
    assert_int_equal(im->err.code, ERROR_INTERRUPTED);
    assert_int_equal(import_check(im, false), 0);
    im->options.stop = NULL;
    import_all(im);
    store_free(im->store);
    im->store = NULL;
    assert_int_equal(folder_left(&im->folder), 0);
}

/* With --dedup a pipe is copied to a file first, from a writer that may give nothing for hours. */
static void a_stop_is_seen_while_a_pipe_that_is_copied_gives_nothing(void **state)
{
    struct import *im = *state;
    struct stop stop = {0};
    make_input(im, SORTED, 300);
    assert_int_equal(remove(im->paths[0]), 0);
    assert_int_equal(mkfifo(im->paths[0], 0600), 0);
    int fd = open(im->paths[0], O_RDWR); /* a writer that is there */
    assert_true(fd >= 0);
    stop_set(&stop, 2);
    im->options.stop = &stop;
    im->options.dedup = "n";
    assert_false(import_run(im));
    assert_int_equal(im->err.code, ERROR_INTERRUPTED);
    assert_int_equal(import_check(im, false), 0);
    assert_int_equal(close(fd), 0);
}

static void sync_brings_it_to_the_disk(void **state)
{
    struct import *im = *state;
    make_input(im, SORTED, 300);
    im->options.sync = true;
    import_all(im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, import_set_up, import_tear_down)
        T(goes_into_the_partition_of_its_time_in_any_order),
        T(writes_the_same_by_every_way_and_with_any_threads),
        T(takes_small_inputs_one_after_the_other),
        T(a_line_may_be_longer_than_many_pieces),
        T(a_border_may_be_anywhere_in_a_line),
        T(an_empty_input_is_an_import_without_rows),
        T(what_is_held_is_not_brought_in_again),
        T(equal_inputs_count_once),
        T(rejects_are_told_with_their_lines),
        T(a_link_is_written_and_not_replaced_by_rejects),
        T(doubles_are_left_out_whatever_the_threads),
        T(a_stop_leaves_nothing_that_shows),
        T(a_stop_on_the_way_leaves_nothing_that_shows),
        T(a_stop_is_seen_while_a_pipe_that_is_copied_gives_nothing),
        T(sync_brings_it_to_the_disk),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
