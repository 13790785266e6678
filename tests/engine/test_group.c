/* Groups of files and files of an opener, by one hand or several: each record once, whatever the pieces. */
#include "engine/duckdb/scan.h"
#include "engine/duckdb/seen.h"
#include "tests/engine/files.h"
#include "tests/engine/opener.h"

#include <pthread.h>

enum { SHOWN_MAX = 1 << 20, HANDS = 4, MANY = 400, OF_MANY = 50, ID_KEY = 1 };

static const struct str keys[] = {{"n", 1}, {"_ItemId", 7}};

static struct scan_options over(const struct test_opener *from)
{
    return (struct scan_options){.paths = from->names,
                                 .count = from->n,
                                 .keys = keys,
                                 .key_count = 2,
                                 .hands = HANDS,
                                 .opener = &from->opener,
                                 .sizes = from->sizes,
                                 .id_key = ID_KEY};
}

/* The values of n that are given, each with a blank behind; false with the error. */
static bool try_hand(struct scan *scan, struct buf *out, size_t *doubled, struct error *err)
{
    struct scan_hand *hand = scan_hand_new(scan, err);
    struct scan_object object;
    int found;
    bool ok = hand != NULL;
    while (ok && (found = scan_hand_next(hand, &object, err)) != 0) {
        bool again = false;
        ok = found > 0 && scan_hand_doubled(hand, &object, &again, err);
        const struct json_cell *cell = ok ? &object.json.cells[0] : NULL;
        *doubled += again;
        if (ok && !again)
            buf_printf(out, "%.*s ", (int) cell->length, object.json.bytes.p + cell->start);
    }
    scan_hand_free(hand);
    return ok;
}

static void check_given(const struct scan_options *options, const char *expected, size_t doubles)
{
    struct error err = ERROR_INIT;
    struct buf out = BUF_INIT(SHOWN_MAX);
    size_t doubled = 0;
    struct scan *scan = scan_new(options, &err);
    if (!scan || !try_hand(scan, &out, &doubled, &err))
        fail_msg("%s", err.message);
    assert_string_equal(buf_text(&out), expected);
    assert_int_equal(doubled, doubles);
    scan_free(scan);
    buf_release(&out);
}

/* The same files from memory in pieces of every size, and from the disk. */
static void check_everywhere(struct test_opener *from, const uint32_t *groups,
                             const unsigned char *roles, const char *expected, size_t doubles)
{
    struct scan_options options = over(from);
    options.groups = groups;
    options.roles = roles;
    for (size_t step = 1; step < 100; step = step * 3 + 1) {
        from->step = step;
        check_given(&options, expected, doubles);
    }
    struct test_files files;
    files_begin(&files);
    for (size_t i = 0; i < from->n; i++)
        files_add(&files, from->names[i], from->text[i]);
    options.opener = NULL;
    options.paths = files.list;
    check_given(&options, expected, doubles);
    files_end(&files);
}

static void what_comes_again_within_a_file_or_beside_it_is_left_out(void **state)
{
    (void) state;
    static const uint32_t groups[] = {1, 1, 1};
    struct test_opener from;
    opener_begin(&from, 1);
    opener_add(&from, "ours", STR("{\"n\":1,\"_ItemId\":\"a\"}\n{\"n\":2,\"_ItemId\":\"b\"}\n"));
    opener_add(&from, "one",
               STR("{\"n\":3,\"_ItemId\":\"b\"}\n{\"_ItemId\":\"c\",\"n\":4}\n"
                   "{\"n\":5,\"_ItemId\":\"c\"}\n{\"n\":6,\"_ItemId\":\"C\"}"));
    opener_add(&from, "two",
               STR("[{\"n\":7,\"_ItemId\":\"\\u0061\"},\n{\"n\":8,\"_ItemId\":\"d\"}]"));
    check_everywhere(&from, groups, NULL, "1 2 4 6 8 ", 3);
}

static void groups_know_nothing_of_each_other(void **state)
{
    (void) state;
    static const uint32_t groups[] = {1, 2, 0, 0, 3};
    static const char *const line = "{\"n\":1,\"_ItemId\":\"a\"}\n{\"n\":2,\"_ItemId\":\"a\"}\n";
    struct test_opener from;
    opener_begin(&from, 1);
    for (size_t i = 0; i < 5; i++)
        opener_add(&from, (const char *[]){"a", "b", "c", "d", "e"}[i], str_of(line));
    check_everywhere(&from, groups, NULL, "1 1 1 2 1 2 1 ", 3);
}

static void lines_without_an_id_stay_unless_a_file_holds_all(void **state)
{
    (void) state;
    static const uint32_t groups[] = {1, 1, 2, 2, 3, 3};
    static const unsigned char roles[] = {ENGINE_WHOLE, ENGINE_PART, ENGINE_PART,
                                          ENGINE_PART,  ENGINE_PART, ENGINE_WHOLE};
    struct test_opener from;
    opener_begin(&from, 1);
    for (size_t i = 0; i < 3; i++) {
        opener_add(&from, (const char *[]){"a", "b", "c"}[i], STR("{\"n\":1}\n{\"n\":2}\n"));
        opener_add(&from, (const char *[]){"d", "e", "f"}[i],
                   STR("{\"n\":3}\n{\"n\":4,\"_ItemId\":\"\"}\n{\"n\":5,\"_ItemId\":null}\n"
                       "{\"n\":6,\"_ItemId\":\"x\"}\n"));
    }
    check_everywhere(&from, groups, roles, "1 2 6 1 2 3 4 5 6 3 4 5 6 ", 5);
}

static void files_of_an_opener_have_every_form(void **state)
{
    (void) state;
    struct test_files files;
    struct buf packed = BUF_INIT(1 << 16);
    struct test_opener from;
    files_begin(&files);
    const char *path = files_name(&files, "lines.gz");
    files_pack(path, STR("{\"n\":1}\n"));
    files_pack(path, STR("{\"n\":2}\n"));
    assert_true(file_read(path, 1 << 16, &packed, NULL));
    opener_begin(&from, 1);
    opener_add(&from, "gz", buf_str(&packed));
    opener_add(&from, "empty", STR(""));
    opener_add(&from, "mark", STR("\xef\xbb\xbf{\"n\":3}\r\n{\"n\":4}"));
    opener_add(&from, "only a mark", STR("\xef\xbb\xbf"));
    opener_add(&from, "one byte", STR("\n"));
    opener_add(&from, "again", buf_str(&packed));
    check_everywhere(&from, NULL, NULL, "1 2 3 4 1 2 ", 0);
    buf_release(&packed);
    files_end(&files);
}

static void check_error(struct test_opener *from, enum error_code code, const char *message)
{
    struct scan_options options = over(from);
    struct error err = ERROR_INIT;
    struct buf out = BUF_INIT(SHOWN_MAX);
    size_t doubled = 0;
    struct scan *scan = scan_new(&options, &err);
    assert_non_null(scan);
    assert_false(try_hand(scan, &out, &doubled, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, message));
    assert_int_equal(from->open, 0);
    scan_free(scan);
    buf_release(&out);
}

static void errors_of_an_opener_name_the_file(void **state)
{
    (void) state;
    struct test_opener from;
    opener_begin(&from, 4);
    opener_add(&from, "good", STR("{\"n\":1}\n{\"n\":2}\n"));
    opener_add(&from, "broken", STR("{\"n\":3}\n{\"n\":4}\n"));
    from.broken_file = 1;
    from.broken_at = 9;
    check_error(&from, ERROR_NETWORK, "broken: broken off");
    from.closed_file = true;
    check_error(&from, ERROR_NOT_FOUND, "broken: gone");
    opener_begin(&from, 4);
    opener_add(&from, "good", STR("{\"n\":1}\n{\"n\":2}\n"));
    opener_add(&from, "wrong", STR("{\"n\":3}\n{\"n\":4]\n"));
    check_error(&from, ERROR_FORMAT, "wrong: line 2");
}

static void an_end_before_the_last_file_closes_what_is_open(void **state)
{
    (void) state;
    struct test_opener from;
    struct scan_object object;
    opener_begin(&from, 4);
    opener_add(&from, "a", STR("{\"n\":1}\n{\"n\":2}\n"));
    opener_add(&from, "b", STR("{\"n\":3}\n"));
    struct scan_options options = over(&from);
    struct scan *scan = scan_new(&options, NULL);
    struct scan_hand *hand = scan_hand_new(scan, NULL);
    assert_int_equal(scan_hand_next(hand, &object, NULL), 1);
    assert_int_equal(from.open, 1);
    scan_hand_free(hand);
    assert_int_equal(from.open, 0);
    scan_free(scan);
}

/* --- many hands ------------------------------------------------------------------------------------------ */

struct count {
    struct scan *scan;
    pthread_t thread;
    unsigned times[MANY * OF_MANY];
    size_t doubled, pieces;
};

static void *count_hand(void *context)
{
    struct count *count = context;
    struct scan_hand *hand = scan_hand_new(count->scan, NULL);
    struct scan_object object;
    bool again;
    while (hand && scan_hand_next(hand, &object, NULL) > 0) {
        const struct json_cell *cell = &object.json.cells[0];
        int64_t n = 0;
        if (!scan_hand_doubled(hand, &object, &again, NULL) ||
            !str_int64((struct str){object.json.bytes.p + cell->start, cell->length}, &n))
            abort();
        count->doubled += again;
        if (!again)
            count->times[n]++;
    }
    scan_hand_free(hand);
    return NULL;
}

/* Each file has its lines twice, the second of a pair of files those of the first once more. */
static void make_many(struct test_opener *from, struct buf *texts, char (*names)[16],
                      uint32_t *groups)
{
    opener_begin(from, 1000);
    for (size_t i = 0; i < MANY; i++) {
        buf_init(&texts[i], 1 << 20);
        size_t first = i % 2 ? (i - 1) * OF_MANY : i * OF_MANY;
        for (size_t j = first; j < (i + 1) * OF_MANY; j++)
            for (int twice = 0; twice < 2; twice++)
                buf_printf(&texts[i], "{\"_ItemId\":\"id %zu\",\"n\":%zu}\n", j, j);
        (void) snprintf(names[i], sizeof names[i], "%zu", i);
        opener_add(from, names[i], buf_str(&texts[i]));
        groups[i] = (uint32_t) (i / 2 + 1);
    }
}

static void hands_share_groups_without_loss(void **state)
{
    (void) state;
    static struct buf texts[MANY];
    static char names[MANY][16];
    static uint32_t groups[MANY];
    struct test_opener from;
    struct count *counts = mem_alloc(HANDS, sizeof *counts, NULL);
    make_many(&from, texts, names, groups);
    struct scan_options options = over(&from);
    options.groups = groups;
    options.sizes = NULL;
    struct scan *scan = scan_new(&options, NULL);
    assert_in_range(scan_pieces(scan), HANDS, MANY / 2);
    for (size_t i = 0; i < HANDS; i++) {
        counts[i].scan = scan;
        assert_int_equal(pthread_create(&counts[i].thread, NULL, count_hand, &counts[i]), 0);
    }
    size_t doubled = 0;
    for (size_t i = 0; i < HANDS; i++) {
        (void) pthread_join(counts[i].thread, NULL);
        doubled += counts[i].doubled;
    }
    for (size_t n = 0; n < MANY * OF_MANY; n++) {
        unsigned times = 0;
        for (size_t i = 0; i < HANDS; i++)
            times += counts[i].times[n];
        assert_int_equal(times, 1);
    }
    /* 50 lines twice, then 100 twice: 300 lines, 100 records. */
    assert_int_equal(doubled, MANY / 2 * 4 * OF_MANY);
    assert_int_equal(from.open, 0);
    scan_free(scan);
    for (size_t i = 0; i < MANY; i++)
        buf_release(&texts[i]);
    mem_free(counts);
}

static void runs_follow_the_sizes(void **state)
{
    (void) state;
    struct test_opener from;
    opener_begin(&from, 1);
    for (size_t i = 0; i < OPENER_FILES_MAX; i++)
        opener_add(&from, "x", STR(""));
    for (size_t i = 0; i < from.n; i++)
        from.sizes[i] = SCAN_RUN_LEAST / 4;
    struct scan_options options = over(&from);
    struct scan *scan = scan_new(&options, NULL);
    assert_int_equal(scan_pieces(scan), HANDS * SCAN_RUNS_A_HAND);
    scan_free(scan);
    for (size_t i = 0; i < from.n; i++)
        from.sizes[i] = 1;
    scan = scan_new(&options, NULL);
    assert_int_equal(scan_pieces(scan), 1);
    scan_free(scan);
}

/* --- the set -------------------------------------------------------------------------------------------- */

static void a_set_tells_what_is_new_however_it_grew(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct seen *seen = seen_new(100000, &err);
    char text[32];
    bool first;
    assert_non_null(seen);
    for (size_t round = 0; round < 3; round++) {
        size_t n = round == 1 ? 3 : 100000;
        for (size_t i = 0; i < 2 * n; i++) {
            int length = snprintf(text, sizeof text, "%zu", i % n);
            assert_true(seen_add(seen, (struct str){text, (size_t) length}, &first, &err));
            assert_int_equal(first, i < n);
        }
        if (n == 100000) {
            assert_false(seen_add(seen, STR("more"), &first, &err));
            assert_int_equal(err.code, ERROR_LIMIT);
            error_clear(&err);
        }
        seen_reset(seen);
    }
    seen_free(seen);
}

static void a_set_without_memory_says_so_and_keeps_what_it_has(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct seen *seen = seen_new(1000, NULL);
    char text[32];
    bool first = true, ok = true;
    size_t n = 0;
    for (; ok; n++) {
        int length = snprintf(text, sizeof text, "%zu", n);
        mem_fail_at(1);
        ok = seen_add(seen, (struct str){text, (size_t) length}, &first, &err);
        mem_fail_at(0);
    }
    assert_int_equal(err.code, ERROR_MEMORY);
    assert_true(seen_add(seen, STR("0"), &first, NULL));
    assert_false(first);
    seen_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_again_within_a_file_or_beside_it_is_left_out),
        cmocka_unit_test(groups_know_nothing_of_each_other),
        cmocka_unit_test(lines_without_an_id_stay_unless_a_file_holds_all),
        cmocka_unit_test(files_of_an_opener_have_every_form),
        cmocka_unit_test(errors_of_an_opener_name_the_file),
        cmocka_unit_test(an_end_before_the_last_file_closes_what_is_open),
        cmocka_unit_test(hands_share_groups_without_loss),
        cmocka_unit_test(runs_follow_the_sizes),
        cmocka_unit_test(a_set_tells_what_is_new_however_it_grew),
        cmocka_unit_test(a_set_without_memory_says_so_and_keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
