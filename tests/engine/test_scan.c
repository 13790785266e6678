/* Objects of many files, by one hand or several: each exactly once, whatever its file's form. */
#include "engine/duckdb/scan.h"

#include "base/memory.h"
#include "tests/engine/files.h"

#include <pthread.h>
#include <setjmp.h>

#include <cmocka.h>

enum { OBJECTS_MAX = 20000, HANDS = 4 };

static const struct str keys[] = {{"n", 1}};

/* How often each number was seen. */
struct seen {
    unsigned char times[OBJECTS_MAX];
    size_t total;
};

static void note(struct seen *seen, const struct scan_object *object)
{
    const struct json_cell *cell = &object->json.cells[0];
    int64_t n = -1;
    assert_true(object->json.present[0]);
    assert_true(str_int64((struct str){object->json.bytes.p + cell->start, cell->length}, &n));
    assert_in_range(n, 0, OBJECTS_MAX - 1);
    seen->times[n]++;
    seen->total++;
}

static void read_all(struct scan *scan, struct seen *seen)
{
    struct error err = ERROR_INIT;
    struct scan_hand *hand = scan_hand_new(scan, &err);
    struct scan_object object;
    int found;
    assert_non_null(hand);
    while ((found = scan_hand_next(hand, &object, &err)) > 0)
        note(seen, &object);
    if (found < 0)
        fail_msg("%s", err.message);
    scan_hand_free(hand);
}

/* Reads by one hand and asserts that 0 .. count-1 were seen, each once. */
static void check_once(const struct test_files *files, size_t count, size_t piece)
{
    struct seen *seen = mem_alloc(1, sizeof *seen, NULL);
    struct scan *scan = scan_new(
        &(const struct scan_options){
            .paths = files->list, .count = files->n, .keys = keys, .key_count = 1, .piece = piece},
        NULL);
    assert_non_null(scan);
    read_all(scan, seen);
    assert_int_equal(seen->total, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(seen->times[i], 1);
    scan_free(scan);
    mem_free(seen);
}

static void put_lines(struct buf *out, size_t from, size_t to, const char *end)
{
    for (size_t i = from; i < to; i++)
        buf_printf(out, "{\"s\":\"a } line\\\\\",\"n\":%zu}%s", i, end);
}

static void every_form_of_file_is_read(void **state)
{
    (void) state;
    struct test_files files;
    struct buf text = BUF_INIT(1 << 20);
    files_begin(&files);
    put_lines(&text, 0, 10, "\n");
    files_add(&files, "lines.json", buf_str(&text));
    buf_reset(&text);
    put_lines(&text, 10, 20, "\r\n");
    text.used -= 2; /* no end of the last line */
    files_add(&files, "crlf.json", buf_str(&text));
    buf_reset(&text);
    buf_puts(&text, "\xef\xbb\xbf[\n");
    put_lines(&text, 20, 29, ",\n");
    put_lines(&text, 29, 30, "\n]\n");
    files_add(&files, "array.json", buf_str(&text));
    files_add(&files, "pretty.json",
              STR("[\n  {\n    \"n\": 30\n  },\n  {\n    \"n\": 31\n  }\n]"));
    files_add(&files, "empty.json", STR(""));
    files_add(&files, "mark.json", STR("\xef\xbb\xbf"));
    files_add(&files, "blank.json", STR("\n \n"));
    files_add(&files, "none.json", STR("[]"));
    buf_reset(&text);
    put_lines(&text, 32, 1000, "\n");
    const char *packed = files_name(&files, "packed.log");
    files_pack(packed, buf_str(&text));
    buf_reset(&text);
    put_lines(&text, 1000, 1010, "\n");
    files_pack(packed, buf_str(&text)); /* a second member */
    check_once(&files, 1010, 0);
    buf_release(&text);
    files_end(&files);
}

/* Ranges of a few bytes put a cut at every place of a line. */
static void cuts_lose_and_double_nothing(void **state)
{
    (void) state;
    struct test_files files;
    struct buf text = BUF_INIT(1 << 20);
    files_begin(&files);
    put_lines(&text, 0, 50, "\n");
    buf_puts(&text, "\n\n");
    put_lines(&text, 50, 60, "\n");
    files_add(&files, "lines.json", buf_str(&text));
    for (size_t piece = 1; piece < 120; piece++)
        check_once(&files, 60, piece);
    buf_release(&text);
    files_end(&files);
}

static void pretty_files_are_not_cut(void **state)
{
    (void) state;
    struct test_files files;
    struct buf text = BUF_INIT(1 << 20);
    files_begin(&files);
    for (int i = 0; i < 20; i++)
        buf_printf(&text, "{\n  \"n\": %d\n}\n", i);
    files_add(&files, "pretty.json", buf_str(&text));
    check_once(&files, 20, 16);
    buf_release(&text);
    files_end(&files);
}

static void an_object_longer_than_the_buffer_is_read(void **state)
{
    (void) state;
    struct test_files files;
    struct buf text = BUF_INIT(8 << 20);
    files_begin(&files);
    put_lines(&text, 0, 1, "\n");
    buf_puts(&text, "{\"n\":1,\"long\":\"");
    for (int i = 0; i < 3 << 20; i++)
        buf_putc(&text, 'x');
    buf_puts(&text, "\"}\n");
    put_lines(&text, 2, 3, "\n");
    files_add(&files, "long.json", buf_str(&text));
    check_once(&files, 3, 0);
    buf_release(&text);
    files_end(&files);
}

struct worker {
    struct scan *scan;
    struct seen seen;
};

static void *work(void *context)
{
    struct worker *worker = context;
    read_all(worker->scan, &worker->seen);
    return NULL;
}

static void hands_share_the_files(void **state)
{
    (void) state;
    struct test_files files;
    struct buf text = BUF_INIT(4 << 20);
    files_begin(&files);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.json", i);
        buf_reset(&text);
        put_lines(&text, (size_t) i * 100, (size_t) (i + 1) * 100, "\n");
        files_add(&files, name, buf_str(&text));
    }
    buf_reset(&text);
    put_lines(&text, 10000, OBJECTS_MAX, "\n");
    files_add(&files, "big.json", buf_str(&text));
    struct scan *scan = scan_new(
        &(const struct scan_options){
            .paths = files.list, .count = files.n, .keys = keys, .key_count = 1, .piece = 10000},
        NULL);
    struct worker *workers = mem_alloc(HANDS, sizeof *workers, NULL);
    pthread_t threads[HANDS];
    for (int i = 0; i < HANDS; i++) {
        workers[i].scan = scan;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < HANDS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t n = 0; n < OBJECTS_MAX; n++) {
        int times = 0;
        for (int i = 0; i < HANDS; i++)
            times += workers[i].seen.times[n];
        assert_int_equal(times, 1);
    }
    mem_free(workers);
    scan_free(scan);
    buf_release(&text);
    files_end(&files);
}

/* Reads until an error; its code, with the message in err. */
static enum error_code read_until_error(const struct test_files *files, size_t piece,
                                        struct error *err)
{
    struct scan *scan = scan_new(
        &(const struct scan_options){
            .paths = files->list, .count = files->n, .keys = keys, .key_count = 1, .piece = piece},
        err);
    struct scan_hand *hand = scan_hand_new(scan, err);
    struct scan_object object;
    int found;
    *err = (struct error) ERROR_INIT;
    while ((found = scan_hand_next(hand, &object, err)) > 0)
        continue;
    scan_hand_free(hand);
    scan_free(scan);
    assert_int_equal(found, err->code == ERROR_NONE ? 0 : -1);
    return err->code;
}

static void errors_name_file_and_line(void **state)
{
    (void) state;
    struct test_files files;
    struct error err;
    struct buf text = BUF_INIT(1 << 20);
    files_begin(&files);
    files_add(&files, "good.json", STR("{\"n\":1}\n"));
    put_lines(&text, 0, 6, "\n");
    buf_puts(&text, "{\"n\":7,}\n");
    put_lines(&text, 8, 20, "\n");
    files_add(&files, "bad.json", buf_str(&text));
    for (size_t piece = 0; piece < 300; piece += 25) {
        assert_int_equal(read_until_error(&files, piece, &err), ERROR_FORMAT);
        assert_non_null(strstr(err.message, "/bad.json: line 7: "));
    }
    buf_release(&text);
    files_end(&files);
}

static void what_is_cut_short_is_an_error(void **state)
{
    (void) state;
    struct error err;
    static const struct str texts[] = {
        {"{\"n\":1}\n{\"n\":", 14}, {"[{\"n\":1},", 9},         {"[{\"n\":1}", 8},
        {"{\"n\":1}\nword\n", 13},  {"{\"n\":1} trailing", 16},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct test_files files;
        files_begin(&files);
        files_add(&files, "short.json", texts[i]);
        if (read_until_error(&files, 0, &err) != ERROR_FORMAT)
            fail_msg("%s was taken", texts[i].p);
        files_end(&files);
    }
}

static void gz_that_is_broken_or_cut_short_is_an_error(void **state)
{
    (void) state;
    struct test_files files;
    struct buf text = BUF_INIT(1 << 20), packed = BUF_INIT(1 << 20);
    struct error err;
    files_begin(&files);
    put_lines(&text, 0, 1000, "\n");
    const char *path = files_name(&files, "a.gz");
    files_pack(path, buf_str(&text));
    assert_true(file_read(path, 1 << 20, &packed, &err));
    assert_true(file_write(path, (struct str){packed.bytes, packed.used - 9}, 0600, false, &err));
    assert_int_equal(read_until_error(&files, 0, &err), ERROR_FORMAT);
    assert_non_null(strstr(err.message, "a.gz: gz is broken"));
    packed.bytes[packed.used / 2] ^= 0x55;
    assert_true(file_write(path, buf_str(&packed), 0600, false, NULL));
    assert_int_equal(read_until_error(&files, 0, &err), ERROR_FORMAT);
    buf_release(&packed);
    buf_release(&text);
    files_end(&files);
}

static void a_missing_file_is_named(void **state)
{
    (void) state;
    struct test_files files;
    struct error err;
    files_begin(&files);
    files_add(&files, "there.json", STR("{\"n\":1}\n"));
    files_name(&files, "gone.json");
    assert_int_equal(read_until_error(&files, 0, &err), ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "gone.json"));
    files_end(&files);
}

/* Makes the n-th allocation fail, for all n. */
static void lack_of_memory_is_an_error(void **state)
{
    (void) state;
    struct test_files files;
    struct buf text = BUF_INIT(1 << 20);
    bool ended = false;
    files_begin(&files);
    put_lines(&text, 0, 10, "\n");
    files_pack(files_name(&files, "a.gz"), buf_str(&text));
    for (uint64_t n = 1; !ended; n++) {
        struct error err = ERROR_INIT;
        struct scan_object object;
        int found = -1;
        mem_fail_at(n);
        struct scan *scan = scan_new(
            &(const struct scan_options){
                .paths = files.list, .count = files.n, .keys = keys, .key_count = 1},
            &err);
        struct scan_hand *hand = scan ? scan_hand_new(scan, &err) : NULL;
        while (hand && (found = scan_hand_next(hand, &object, &err)) > 0)
            continue;
        mem_fail_at(0);
        scan_hand_free(hand);
        scan_free(scan);
        ended = found == 0;
        assert_int_equal(err.code, ended ? ERROR_NONE : ERROR_MEMORY);
        assert_in_range(n, 1, 100);
    }
    buf_release(&text);
    files_end(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_file_is_read),
        cmocka_unit_test(cuts_lose_and_double_nothing),
        cmocka_unit_test(pretty_files_are_not_cut),
        cmocka_unit_test(an_object_longer_than_the_buffer_is_read),
        cmocka_unit_test(hands_share_the_files),
        cmocka_unit_test(errors_name_file_and_line),
        cmocka_unit_test(what_is_cut_short_is_an_error),
        cmocka_unit_test(gz_that_is_broken_or_cut_short_is_an_error),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(lack_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
