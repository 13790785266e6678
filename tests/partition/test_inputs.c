/* What stands on the command line, as the list of what is read. */
#include "partition/inputs.h"

#include "base/file.h"
#include "tests/partition/taken.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void make_folder(const char *name)
{
    struct error err = ERROR_INIT;
    struct buf path = BUF_INIT(4096);
    path_join(&path, taken_folder(), name);
    if (!file_make_folders(buf_text(&path), &err))
        fail_msg("%s", err.message);
    buf_release(&path);
}

static void make(const char *name)
{
    free(taken_text(name, "{}\n"));
}

/* The names below the test's folder, between bars; "code: message" of a failure. */
static void assert_expands(const char *const *arguments, size_t n, const char *expected)
{
    struct error err = ERROR_INIT;
    struct part_inputs inputs;
    struct buf out = BUF_INIT(1 << 16);
    if (!part_inputs_expand(arguments, n, NULL, NULL, &inputs, &err)) {
        buf_printf(&out, "%s", error_name(err.code));
    } else {
        for (size_t i = 0; i < inputs.n; i++) {
            struct str name = str_of(inputs.v[i].name), folder = str_of(taken_folder());
            if (str_starts(name, folder))
                name = (struct str){name.p + folder.n + 1, name.n - folder.n - 1};
            buf_putc(&out, '|');
            buf_put_str(&out, name);
        }
        part_inputs_release(&inputs);
    }
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

static void expand_one(const char *name, const char *expected)
{
    struct buf path = BUF_INIT(4096);
    path_join(&path, taken_folder(), name);
    const char *argument = buf_text(&path);
    assert_expands(&argument, 1, expected);
    buf_release(&path);
}

static int set_up(void **state)
{
    static const char *const files[] = {"logs/b.json",     "logs/a.json.gz", "logs/.hidden.json",
                                        "logs/_SUCCESS",   "logs/c/d.CSV",   "logs/c/plain",
                                        "logs/readme.md",  "logs/C.jsonl",   "logs/c-d.ndjson.zst",
                                        "logs/x.json.bak", "what[1].json",   "other.bin"};
    (void) state;
    make_folder("logs/c");
    make_folder("empty");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        make(files[i]);
    struct buf link = BUF_INIT(4096);
    path_join(&link, taken_folder(), "logs/link.json");
    int made = symlink("b.json", buf_text(&link));
    path_join(&link, taken_folder(), "logs/loop");
    made |= symlink("..", buf_text(&link));
    buf_release(&link);
    return made;
}

static void a_folder_is_its_logs_by_name(void **state)
{
    (void) state;
    expand_one("logs", "|logs/C.jsonl|logs/a.json.gz|logs/b.json|logs/c/d.CSV|logs/c/plain|"
                       "logs/c-d.ndjson.zst");
    expand_one("empty", "");
}

static void what_is_passed_over_is_told(void **state)
{
    struct error err = ERROR_INIT;
    struct part_inputs inputs;
    struct buf path = BUF_INIT(4096), line = BUF_INIT(4096);
    (void) state;
    path_join(&path, taken_folder(), "logs");
    const char *argument = buf_text(&path);
    assert_true(part_inputs_expand(&argument, 1, NULL, NULL, &inputs, &err));
    assert_int_equal(inputs.passed, 3); /* _SUCCESS, readme.md, x.json.bak */
    assert_int_equal(inputs.links, 2);
    assert_true(part_inputs_say_passed(&inputs, &line));
    assert_non_null(strstr(buf_text(&line), "_SUCCESS and 2 others are passed over"));
    assert_non_null(strstr(buf_text(&line), "link.json and 1 other are passed over"));
    part_inputs_release(&inputs);
    buf_release(&path);
    buf_release(&line);
}

static void a_file_is_taken_whatever_its_name(void **state)
{
    (void) state;
    expand_one("other.bin", "|other.bin");
    expand_one("logs/link.json", "|logs/link.json");
    expand_one("what[1].json", "|what[1].json");
}

static void a_glob_is_what_it_matches(void **state)
{
    (void) state;
    expand_one("logs/[a-b]*", "|logs/a.json.gz|logs/b.json");
    expand_one("log?/c", "|logs/c/d.CSV|logs/c/plain");
    expand_one("logs/*.parquet", "NOT_FOUND");
}

static void what_is_not_there_is_told(void **state)
{
    (void) state;
    expand_one("nothing.json", "NOT_FOUND");
    assert_expands((const char *[]){"-", "-"}, 2, "USAGE");
    assert_expands((const char *[]){"https://x.blob.core.windows.net/c"}, 1, "USAGE");
}

static void arguments_keep_their_order_and_may_repeat(void **state)
{
    struct buf b = BUF_INIT(4096), other = BUF_INIT(4096);
    (void) state;
    path_join(&b, taken_folder(), "logs/b.json");
    path_join(&other, taken_folder(), "other.bin");
    assert_expands((const char *[]){buf_text(&other), "-", buf_text(&b), buf_text(&other)}, 4,
                   "|other.bin|-|logs/b.json|other.bin");
    buf_release(&b);
    buf_release(&other);
}

/* What is said of a folder's files that are not read; NULL: nothing. */
static void check_said(const char *folder, const char *ending)
{
    struct error err = ERROR_INIT;
    struct part_inputs inputs;
    struct buf path = BUF_INIT(4096), line = BUF_INIT(8192);
    path_join(&path, taken_folder(), folder);
    const char *argument = buf_text(&path);
    assert_true(part_inputs_expand(&argument, 1, NULL, NULL, &inputs, &err));
    assert_int_equal(part_inputs_say_passed(&inputs, &line), ending != NULL);
    if (ending)
        assert_true(str_ends(buf_str(&line), str_of(ending)));
    part_inputs_release(&inputs);
    buf_release(&path);
    buf_release(&line);
}

static void the_records_of_a_lake_are_no_rows(void **state)
{
    (void) state;
    make_folder("lake/am-t/weir");
    make_folder("lake/weir/guid/t");
    make("lake/am-t/weir/PT05M.json");
    make("lake/weir/guid/t/schema.json");
    expand_one("lake", "|lake/am-t/weir/PT05M.json");
    check_said("lake", NULL);
    make_folder("lake/weir/guid/t/parquet/y=2021");
    check_said("lake", "lake/weir has days in Parquet, which are not read: rows whose JSON was "
                       "deleted are left out");
    /* A folder of that name elsewhere is one like any other. */
    make_folder("no-lake/weir");
    make("no-lake/weir/x.json");
    expand_one("no-lake", "|no-lake/weir/x.json");
}

static void the_lake_itself_is_left_out_of_a_folder(void **state)
{
    struct error err = ERROR_INIT;
    struct part_inputs inputs;
    struct buf path = BUF_INIT(4096), lake = BUF_INIT(4096), line = BUF_INIT(8192);
    (void) state;
    make_folder("home/x/lake/am-t");
    make("home/x/lake/am-t/PT05M.json");
    make("home/x/new.json");
    path_join(&path, taken_folder(), "home");
    path_join(&lake, taken_folder(), "home/x/../x/lake/");
    const char *argument = buf_text(&path);
    const struct part_outputs outputs = {.lake = buf_text(&lake)};
    assert_true(part_inputs_expand(&argument, 1, &outputs, NULL, &inputs, &err));
    assert_int_equal(inputs.n, 1);
    assert_true(str_ends(str_of(inputs.v[0].name), STR("home/x/new.json")));
    assert_true(part_inputs_say_passed(&inputs, &line));
    assert_non_null(strstr(buf_text(&line), "home/x/lake is passed over: it is the lake itself"));
    part_inputs_release(&inputs);
    /* Who names it means it. */
    argument = buf_text(&lake);
    assert_true(part_inputs_expand(&argument, 1, &outputs, NULL, &inputs, &err));
    assert_int_equal(inputs.n, 1);
    part_inputs_release(&inputs);
    buf_release(&path);
    buf_release(&lake);
    buf_release(&line);
}

static void what_the_run_writes_is_left_out_of_a_folder_and_a_glob(void **state)
{
    struct error err = ERROR_INIT;
    struct part_inputs inputs;
    struct buf folder = BUF_INIT(4096), glob = BUF_INIT(4096), report = BUF_INIT(4096),
               line = BUF_INIT(8192);
    (void) state;
    make_folder("out");
    make("out/a.json");
    make("out/report.json");
    path_join(&folder, taken_folder(), "out");
    path_join(&glob, taken_folder(), "out/*.json");
    path_join(&report, taken_folder(), "out/../out/report.json");
    const char *const files[] = {NULL, "/no/such/file", buf_text(&report)};
    const struct part_outputs outputs = {.files = files, .file_count = 3};
    const char *const arguments[] = {buf_text(&folder), buf_text(&glob)};
    for (size_t i = 0; i < 2; i++) {
        assert_true(part_inputs_expand(&arguments[i], 1, &outputs, NULL, &inputs, &err));
        assert_int_equal(inputs.n, 1);
        assert_true(str_ends(str_of(inputs.v[0].name), STR("out/a.json")));
        assert_true(part_inputs_say_passed(&inputs, &line));
        assert_true(
            str_ends(buf_str(&line), STR("out/report.json is passed over: this run writes it")));
        part_inputs_release(&inputs);
    }
    buf_release(&folder);
    buf_release(&glob);
    buf_release(&report);
    buf_release(&line);
}

static void a_pipe_is_one(void **state)
{
    struct error err = ERROR_INIT;
    struct part_inputs inputs;
    const char *argument = "/dev/null";
    (void) state;
    assert_true(part_inputs_expand(&argument, 1, NULL, NULL, &inputs, &err));
    assert_int_equal(inputs.n, 1);
    assert_int_equal(inputs.v[0].kind, PART_INPUT_PIPE);
    part_inputs_release(&inputs);
}

static void folders_below_the_limit_are_walked(void **state)
{
    struct buf deep = BUF_INIT(4096);
    (void) state;
    buf_puts(&deep, "deep");
    for (int i = 1; i < PART_INPUT_DEPTH_MAX; i++)
        buf_puts(&deep, "/d");
    make_folder(buf_text(&deep));
    buf_puts(&deep, "/x.json");
    make(buf_text(&deep));
    char expected[512] = "|";
    strcat(expected, buf_text(&deep));
    expand_one("deep", expected);
    deep.used -= strlen("/x.json");
    buf_puts(&deep, "/e");
    make_folder(buf_text(&deep));
    expand_one("deep", "LIMIT");
    buf_release(&deep);
}

static int clean(void **state)
{
    (void) state;
    taken_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_its_logs_by_name),
        cmocka_unit_test(what_is_passed_over_is_told),
        cmocka_unit_test(a_file_is_taken_whatever_its_name),
        cmocka_unit_test(a_glob_is_what_it_matches),
        cmocka_unit_test(what_is_not_there_is_told),
        cmocka_unit_test(arguments_keep_their_order_and_may_repeat),
        cmocka_unit_test(the_records_of_a_lake_are_no_rows),
        cmocka_unit_test(the_lake_itself_is_left_out_of_a_folder),
        cmocka_unit_test(what_the_run_writes_is_left_out_of_a_folder_and_a_glob),
        cmocka_unit_test(a_pipe_is_one),
        cmocka_unit_test(folders_below_the_limit_are_walked),
    };
    return cmocka_run_group_tests(tests, set_up, clean);
}
