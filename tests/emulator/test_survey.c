/* The survey: all keys of all files, and which hold a value, whatever thread sees them. */

#include "emulator/survey.h"

#include "base/file.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_SIZE = 64, FILES = 40 };

static char folder[PATH_SIZE] = "/tmp/weir-test-survey.XXXXXX";

static int make_folder(void **state)
{
    (void) state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void) state;
    struct buf command = BUF_INIT(256);
    buf_printf(&command, "rm -rf '%s'", folder);
    int status = system(buf_text(&command));
    buf_release(&command);
    return status;
}

/* Writes a file; the caller frees its path. */
static char *put(int number, struct str text)
{
    struct buf path = BUF_INIT(256);
    buf_printf(&path, "%s/%d.json", folder, number);
    assert_true(file_write(buf_text(&path), text, 0644, false, NULL));
    return buf_take(&path);
}

static void expect(const struct survey *survey, size_t i, const char *key, bool filled)
{
    assert_true(i < survey->keys.n);
    assert_string_equal(survey->keys.v[i].name, key);
    assert_int_equal(survey->filled[i], filled);
}

static void known_keys_come_first_and_the_others_by_their_bytes(void **state)
{
    (void) state;
    char *path =
        put(1, STR("{\"z\":1,\"b\":null,\"a\":\"\"}\n{\"A\":\"x\",\"\\u00fc\":[],\"b\":null}\n"
                   "{\"a\":\"\",\"z\":null,\"obj\":{\"inner\":1}}\n"));
    const char *paths[] = {path};
    struct columns known = {0};
    assert_true(columns_add(&known, STR("z"), COLUMN_STRING, NULL));
    assert_true(columns_add(&known, STR("gone"), COLUMN_STRING, NULL));
    struct survey survey;
    struct error err = ERROR_INIT;
    assert_true(survey_lines(paths, 1, &known, NULL, &survey, &err));
    assert_int_equal(survey.keys.n, 7);
    expect(&survey, 0, "z", true);
    expect(&survey, 1, "gone", false);
    expect(&survey, 2, "A", true);
    expect(&survey, 3, "a", false);
    expect(&survey, 4, "b", false);
    expect(&survey, 5, "obj", true);
    expect(&survey, 6, "\xc3\xbc", true);
    survey_release(&survey);
    columns_release(&known);
    mem_free(path);
}

static void many_files_give_one_list_in_one_order(void **state)
{
    (void) state;
    char *paths[FILES];
    for (int i = 0; i < FILES; i++) {
        struct buf text = BUF_INIT(1 << 20);
        for (int row = 0; row < 500; row++)
            buf_printf(&text, "{\"all\":1,\"k%02d\":%s}\n", i, row == 499 && i % 2 ? "1" : "null");
        paths[i] = put(i, buf_str(&text));
        buf_release(&text);
    }
    struct columns none = {0};
    struct survey survey;
    assert_true(survey_lines((const char *const *) paths, FILES, &none, NULL, &survey, NULL));
    assert_int_equal(survey.keys.n, FILES + 1);
    expect(&survey, 0, "all", true);
    for (int i = 0; i < FILES; i++) {
        char key[8] = {'k', (char) ('0' + i / 10), (char) ('0' + i % 10)};
        expect(&survey, (size_t) i + 1, key, i % 2);
        mem_free(paths[i]);
    }
    survey_release(&survey);
}

static void what_is_no_json_is_named(void **state)
{
    (void) state;
    char *path = put(1, STR("{\"a\":1}\n{\"a\":\n"));
    const char *paths[] = {path};
    struct columns none = {0};
    struct survey survey;
    struct error err = ERROR_INIT;
    assert_false(survey_lines(paths, 1, &none, NULL, &survey, &err));
    assert_int_equal(err.code, ERROR_FORMAT);
    assert_non_null(strstr(err.message, "1.json"));
    survey_release(&survey);
    mem_free(path);
}

static void it_stops_when_it_is_told(void **state)
{
    (void) state;
    struct buf text = BUF_INIT(1 << 20);
    for (int row = 0; row < 5000; row++)
        buf_puts(&text, "{\"a\":1}\n");
    char *path = put(1, buf_str(&text));
    const char *paths[] = {path};
    struct columns none = {0};
    struct survey survey;
    struct error err = ERROR_INIT;
    atomic_bool stop = true;
    assert_false(survey_lines(paths, 1, &none, &stop, &survey, &err));
    assert_int_equal(err.code, ERROR_INTERRUPTED);
    survey_release(&survey);
    buf_release(&text);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_keys_come_first_and_the_others_by_their_bytes),
        cmocka_unit_test(many_files_give_one_list_in_one_order),
        cmocka_unit_test(what_is_no_json_is_named),
        cmocka_unit_test(it_stops_when_it_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
