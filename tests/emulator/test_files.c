/* Files: which file belongs to which table. */

#include "emulator/files.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void expect(const char *file, enum files_kind kind, const char *table, enum engine_form form)
{
    struct str name;
    enum engine_form got = ENGINE_LINES;
    assert_int_equal(files_kind(str_of(file), &name, &got), kind);
    if (kind != FILES_OTHER) {
        assert_true(str_eq(name, str_of(table)));
        assert_int_equal(got, form);
    }
}

static void the_name_up_to_the_first_dot_is_the_table(void **state)
{
    (void) state;
    expect("Syslog.jsonl", FILES_ROWS, "Syslog", ENGINE_LINES);
    expect("Syslog.juniper.json", FILES_ROWS, "Syslog", ENGINE_LINES);
    expect("Syslog.a.b.CSV", FILES_ROWS, "Syslog", ENGINE_CSV);
    expect("Syslog.json.gz", FILES_ROWS, "Syslog", ENGINE_LINES);
    expect("Syslog.2.csv.gz", FILES_ROWS, "Syslog", ENGINE_CSV);
    expect("Okta_CL.parquet", FILES_ROWS, "Okta_CL", ENGINE_PARQUET);
    expect("Okta_CL.columns", FILES_SCHEMA, "Okta_CL", ENGINE_LINES);
}

static void other_files_are_passed_over(void **state)
{
    (void) state;
    static const char *const other[] = {"truth.json", "README.md", "_delta.json", ".hidden.json",
                                        "Syslog",     "Syslog.gz", ".json",       ""};
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        expect(other[i], FILES_OTHER, NULL, ENGINE_LINES);
}

struct folder {
    char path[64];
};

static int make_folder(void **state)
{
    static struct folder folder;
    (void) memcpy(folder.path, "/tmp/weir-test-files.XXXXXX", sizeof "/tmp/weir-test-files.XXXXXX");
    *state = &folder;
    return mkdtemp(folder.path) ? 0 : -1;
}

static int remove_folder(void **state)
{
    struct buf command = BUF_INIT(256);
    buf_printf(&command, "rm -rf '%s'", ((struct folder *) *state)->path);
    int status = system(buf_text(&command));
    buf_release(&command);
    return status;
}

static void put(const struct folder *folder, const char *name)
{
    struct buf path = BUF_INIT(512);
    path_join(&path, folder->path, name);
    char *slash = strrchr(path.bytes, '/');
    *slash = '\0';
    assert_true(file_make_folders(path.bytes, NULL));
    *slash = '/';
    assert_true(file_write(buf_text(&path), STR("{}\n"), 0644, false, NULL));
    buf_release(&path);
}

static void a_folder_gives_tables_in_order(void **state)
{
    const struct folder *folder = *state;
    put(folder, "Syslog.b.json");
    put(folder, "Syslog.a.json");
    put(folder, "Syslog/2026/11/c.json.gz");
    put(folder, "Okta_CL.csv");
    put(folder, "Okta_CL.columns");
    put(folder, "truth.json");
    put(folder, "notes.txt");
    put(folder, "Bad-Name.json");
    put(folder, "_private/Syslog.json");
    struct found found;
    struct buf notes = BUF_INIT(4096);
    struct error err = ERROR_INIT;
    assert_true(files_find(folder->path, &found, &notes, &err));
    assert_int_equal(found.n, 2);
    assert_string_equal(found.tables[0].name, "Okta_CL");
    assert_non_null(found.tables[0].schema);
    assert_int_equal(found.tables[0].n, 1);
    assert_string_equal(found.tables[1].name, "Syslog");
    assert_null(found.tables[1].schema);
    assert_int_equal(found.tables[1].n, 3);
    assert_non_null(strstr(buf_text(&notes), "notes.txt"));
    assert_non_null(strstr(buf_text(&notes), "Bad-Name.json"));
    assert_null(strstr(buf_text(&notes), "truth.json"));
    files_release(&found);
    buf_release(&notes);
}

static void names_that_differ_in_case_alone_are_refused(void **state)
{
    const struct folder *folder = *state;
    put(folder, "SYSLOG.json");
    put(folder, "Syslog.json");
    struct found found;
    struct buf notes = BUF_INIT(4096);
    struct error err = ERROR_INIT;
    assert_false(files_find(folder->path, &found, &notes, &err));
    assert_int_equal(err.code, ERROR_FORMAT);
    buf_release(&notes);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    (void) state;
    struct found found;
    struct buf notes = BUF_INIT(4096);
    struct error err = ERROR_INIT;
    assert_false(files_find("/nowhere/at/all", &found, &notes, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    buf_release(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_up_to_the_first_dot_is_the_table),
        cmocka_unit_test(other_files_are_passed_over),
        cmocka_unit_test_setup_teardown(a_folder_gives_tables_in_order, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(names_that_differ_in_case_alone_are_refused, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_folder_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
