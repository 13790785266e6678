/* Export rules: which tables are written since when. */

#include "emulator/exports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static enum error_code put(struct exports *exports, const char *name, const char *account,
                           const char *table, bool enabled, int64_t now)
{
    struct str tables[] = {STR("Other"), str_of(table)};
    struct export_ask ask = {.name = str_of(name),
                             .destination = str_of(account),
                             .tables = tables,
                             .n = 2,
                             .enabled = enabled};
    struct error err = ERROR_INIT;
    bool made;
    return exports_put(exports, &ask, now, &made, &err) ? ERROR_NONE : err.code;
}

static void a_table_is_exported_since_its_rule(void **state)
{
    (void) state;
    int64_t created = 0;
    struct exports *exports = exports_new(NULL);
    assert_false(exports_of(exports, "Syslog", &created));
    assert_int_equal(put(exports, "rule", "account", "Syslog", true, 100), ERROR_NONE);
    assert_int_equal(put(exports, "later", "second", "Syslog", true, 200), ERROR_NONE);
    assert_true(exports_of(exports, "syslog", &created));
    assert_int_equal(created, 100);
    /* A rule that is replaced keeps its creation. */
    assert_int_equal(put(exports, "RULE", "account", "Syslog", true, 300), ERROR_NONE);
    assert_true(exports_of(exports, "Syslog", &created));
    assert_int_equal(created, 100);
    assert_int_equal(put(exports, "rule", "account", "Syslog", false, 300), ERROR_NONE);
    assert_true(exports_of(exports, "Syslog", &created));
    assert_int_equal(created, 200);
    assert_true(exports_delete(exports, STR("later")));
    assert_false(exports_delete(exports, STR("later")));
    assert_false(exports_of(exports, "Syslog", &created));
    exports_free(exports);
}

static void names_and_numbers_have_their_limits(void **state)
{
    (void) state;
    static const char *const wrong[] = {"", "abc", "1abc", "-abc", "abc-", "a bc", "ab_c"};
    struct exports *exports = exports_new(NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(put(exports, wrong[i], "account", "T", true, 1), ERROR_USAGE);
    char name[EXPORT_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    name[EXPORT_NAME_MAX + 1] = '\0';
    assert_int_equal(put(exports, name, "account", "T", true, 1), ERROR_USAGE);
    name[EXPORT_NAME_MAX] = '\0';
    assert_int_equal(put(exports, name, "account", "T", true, 1), ERROR_NONE);
    assert_int_equal(put(exports, "other", "ACCOUNT", "T", true, 1), ERROR_EXISTS);
    for (int i = 1; i < EXPORTS_MAX; i++) {
        (void) snprintf(name, sizeof name, "rule%d", i);
        assert_int_equal(put(exports, name, name, "T", i < EXPORTS_ACTIVE_MAX, 1), ERROR_NONE);
    }
    assert_int_equal(put(exports, "more", "more", "T", false, 1), ERROR_LIMIT);
    assert_int_equal(put(exports, "rule20", "rule20", "T", true, 1), ERROR_LIMIT);
    assert_int_equal(put(exports, "rule20", "rule20", "T", false, 1), ERROR_NONE);
    exports_free(exports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_exported_since_its_rule),
        cmocka_unit_test(names_and_numbers_have_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
