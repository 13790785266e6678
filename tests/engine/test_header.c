/* Headers of portal exports: name and time zone. */
#include "engine/header.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_header_is_name_and_zone(void **state)
{
    (void) state;
    static const struct {
        const char *header, *name, *zone;
    } facts[] = {
        {"TimeGenerated [UTC]", "TimeGenerated", "UTC"},
        {"A [Pacific Time (US and Canada) Tijuana]", "A", "Pacific Time (US and Canada) Tijuana"},
        {"TimeGenerated", "TimeGenerated", ""},
        {"a[0]", "a[0]", ""},
        {"a [x] [UTC]", "a [x]", "UTC"},
        {"[UTC]", "[UTC]", ""},
        {"", "", ""},
        {" []", " []", ""},
        {"a [b", "a [b", ""},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        struct str name, zone;
        engine_header_split(str_of(facts[i].header), &name, &zone);
        assert_true(str_eq(name, str_of(facts[i].name)));
        assert_true(str_eq(zone, str_of(facts[i].zone)));
    }
}

static void zones_have_iana_names(void **state)
{
    (void) state;
    assert_string_equal(engine_header_zone(STR("UTC")), "Etc/UTC");
    assert_string_equal(engine_header_zone(STR("pacific time (us and canada) tijuana")),
                        "America/Los_Angeles");
    assert_string_equal(engine_header_zone(STR("(UTC+01:00) Brussels, Copenhagen, Madrid, Paris")),
                        "Europe/Paris");
    assert_string_equal(engine_header_zone(STR("Asia/Tokyo")), "Asia/Tokyo");
    assert_null(engine_header_zone(STR("Mars")));
    assert_null(engine_header_zone(STR("")));
    assert_null(engine_header_zone(STR("(UTC")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_name_and_zone),
        cmocka_unit_test(zones_have_iana_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
