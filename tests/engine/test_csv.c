/* Headers of CSV files, from the first bytes to the names. */
#include "engine/duckdb/csv.h"

#include "base/memory.h"
#include "tests/engine/files.h"

#include <setjmp.h>

#include <cmocka.h>

/* The names with `|` between them, or the error. */
static void check(struct str text, bool gz, const char *expected)
{
    struct test_files files;
    struct csv_header header = {0};
    struct error err = ERROR_INIT;
    struct buf shown = BUF_INIT(1 << 16);
    struct input *input = input_new(&err);
    files_begin(&files);
    const char *path = gz ? files_name(&files, "a.csv") : files_add(&files, "a.csv", text);
    if (gz)
        files_pack(path, text);
    if (!csv_header_read(input, path, &header, &err))
        buf_puts(&shown, error_name(err.code));
    for (size_t i = 0; i < header.n; i++)
        buf_printf(&shown, "%s%s", i ? "|" : "", header.names[i]);
    assert_string_equal(buf_text(&shown), expected);
    assert_int_equal(header.gz, gz);
    csv_header_release(&header);
    input_free(input);
    files_end(&files);
    buf_release(&shown);
}

static void names_are_taken_from_the_first_record(void **state)
{
    (void) state;
    check(STR("a,b\n1,2\n"), false, "a|b");
    check(STR("a,b\r\n1,2\r\n"), false, "a|b");
    check(STR("a,b"), false, "a|b");
    check(STR("\xef\xbb\xbf\"a, \"\"x\"\"\",\"b\nc\",d [UTC]\n"), false, "a, \"x\"|b\nc|d [UTC]");
    check(STR("a,,b,\n"), false, "a||b|");
    check(STR("\"a\"b,c\n"), false, "ab|c");
    check(STR(""), false, "");
    check(STR("\n1\n"), false, "");
    check(STR("a,b\n1,2\n"), true, "a|b");
}

static void a_header_without_end_is_refused(void **state)
{
    (void) state;
    struct buf text = BUF_INIT(CSV_HEADER_MAX + 10);
    buf_putc(&text, '"');
    for (int i = 0; i < CSV_HEADER_MAX + 1; i++)
        buf_putc(&text, 'x');
    check(buf_str(&text), false, "FORMAT");
    buf_release(&text);
}

static void headers_are_the_same_by_their_names(void **state)
{
    (void) state;
    char a[] = "a", b[] = "b";
    char *ab[] = {a, b}, *ba[] = {b, a};
    struct csv_header one = {.names = ab, .n = 2}, two = {.names = ab, .n = 2};
    assert_true(csv_header_same(&one, &two));
    two.gz = true;
    assert_false(csv_header_same(&one, &two));
    two = (struct csv_header){.names = ba, .n = 2};
    assert_false(csv_header_same(&one, &two));
    two = (struct csv_header){.names = ab, .n = 1};
    assert_false(csv_header_same(&one, &two));
}

static void lack_of_memory_is_an_error(void **state)
{
    (void) state;
    struct test_files files;
    bool ended = false;
    files_begin(&files);
    const char *path = files_name(&files, "a.csv");
    files_pack(path, STR("one,two,\"three \"\"and more\"\"\"\n"));
    for (uint64_t n = 1; !ended; n++) {
        struct csv_header header = {0};
        struct error err = ERROR_INIT;
        mem_fail_at(n);
        struct input *input = input_new(&err);
        ended = input && csv_header_read(input, path, &header, &err);
        mem_fail_at(0);
        assert_int_equal(err.code, ended ? ERROR_NONE : ERROR_MEMORY);
        assert_int_equal(header.n, ended ? 3 : 0);
        csv_header_release(&header);
        input_free(input);
        assert_in_range(n, 1, 100);
    }
    files_end(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_from_the_first_record),
        cmocka_unit_test(a_header_without_end_is_refused),
        cmocka_unit_test(headers_are_the_same_by_their_names),
        cmocka_unit_test(lack_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
