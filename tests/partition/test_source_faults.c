/* The n-th allocation fails, for all n, in each form that needs no engine: an error or the whole of it, nothing between. */
#include "tests/partition/taken.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define T "\"TimeGenerated\":\"2021-11-07T03:05:12Z\""

static void check(const char *name, const char *text, size_t rows, size_t rejects)
{
    char *path = taken_text(name, text);
    for (uint64_t n = 1;; n++) {
        struct error err = ERROR_INIT;
        struct taken taken;
        mem_fail_at(n);
        bool ok = taken_read(path, NULL, &taken, &err);
        mem_fail_at(0);
        if (!ok) {
            assert_int_equal(err.code, ERROR_MEMORY);
            continue;
        }
        assert_int_equal(taken.row_count, rows);
        assert_int_equal(taken.reject_count, rejects);
        taken_release(&taken);
        break;
    }
    free(path);
}

static void json_lines_are_whole_or_none(void **state)
{
    (void) state;
    check("a.json", "{" T "}\n{" T ",\"a\":[1]}\nx\n", 2, 1);
}

static void an_array_is_whole_or_none(void **state)
{
    (void) state;
    check("b.json", "[{" T "}, 5, {" T ",\"a\": {\"b\" : 1}}, {\"n\":1}]", 2, 2);
}

static void csv_is_whole_or_none(void **state)
{
    (void) state;
    check("c.csv", "TimeGenerated [UTC],a,b\n\"1/2/2021, 3:04 PM\",\"x\"\"y\",\n,1,2\n1\n", 1, 2);
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
        cmocka_unit_test(json_lines_are_whole_or_none),
        cmocka_unit_test(an_array_is_whole_or_none),
        cmocka_unit_test(csv_is_whole_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
