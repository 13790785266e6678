/* What a search job may ask. */

#include "emulator/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_original_is_kept_before_anything_else(void **state)
{
    (void) state;
    static const char extend[] = " | extend _OriginalType = Type, _OriginalItemId = _ItemId, "
                                 "_OriginalTimeGenerated = TimeGenerated ";
    static const char *const texts[] = {
        "Syslog", " Syslog\n", "Syslog | where A has 'x' | project-away B",
        "Syslog | where A == \"| count contains\" | extend C = strcat(A, '\\'|')",
        "Syslog | parse A with * 'x' B | project-rename C = B | project-reorder C"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf out, source;
        struct error err = ERROR_INIT;
        assert_true(job_query(str_of(texts[i]), &out, &source, &err));
        assert_string_equal(buf_text(&source), "Syslog");
        assert_true(str_starts(buf_str(&out), STR("Syslog | extend _OriginalType")));
        const char *bar = strchr(texts[i], '|');
        assert_true(str_ends(buf_str(&out), bar ? str_of(bar) : str_of(extend)));
        buf_release(&source);
        buf_release(&out);
    }
}

static void what_search_jobs_do_not_know_is_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "",
        "| where A",
        "Syslog where A",
        "Syslog | count",
        "Syslog | where A | summarize count()",
        "Syslog | mv-expand A",
        "Syslog | where A contains 'x'",
        "Syslog | where A contains_cs 'x'",
        "Syslog | where",
        "Syslog |",
        "Syslog | where A == '",
        "union Syslog, Other",
        "let x = 1; Syslog",
        "['Syslog']",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf out, source;
        struct error err = ERROR_INIT;
        assert_false(job_query(str_of(texts[i]), &out, &source, &err));
        assert_int_equal(err.code, ERROR_KQL);
        buf_release(&source);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_original_is_kept_before_anything_else),
        cmocka_unit_test(what_search_jobs_do_not_know_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
