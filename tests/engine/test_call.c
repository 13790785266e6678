/* The functions that KQL's SQL calls, one line a fact. */
#include "engine/duckdb/call.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fact {
    const char *name;
    const char *arguments[CALL_ARGUMENTS_MAX];
    const char *result; /* NULL: null */
};

static const struct call_function *find(const char *name)
{
    for (size_t i = 0; i < call_function_count; i++) {
        if (strcmp(call_functions[i].name, name) == 0)
            return &call_functions[i];
    }
    fail_msg("no function %s", name);
    return NULL;
}

static union call_value read_argument(char letter, const char *text)
{
    union call_value value = {.l = 0};
    if (letter == 's')
        value.s = str_of(text);
    else if (letter == 'r')
        value.r = strtod(text, NULL);
    else if (letter == 'h')
        value.h.low = (uint64_t) strtoll(text, NULL, 10);
    else
        value.l = strtoll(text, NULL, 10);
    return value;
}

static void print(char letter, const union call_value *value, char *out, size_t room)
{
    if (letter == 's')
        snprintf(out, room, "%.*s", (int) value->s.n, value->s.p);
    else if (letter == 'r')
        snprintf(out, room, "%.17g", value->r);
    else if (letter == 'b')
        snprintf(out, room, "%s", value->b ? "true" : "false");
    else if (letter == 'i')
        snprintf(out, room, "%d", value->i);
    else
        snprintf(out, room, "%lld", (long long) value->l);
}

static void check(const struct fact *facts, size_t count)
{
    struct call call;
    call_init(&call);
    for (size_t i = 0; i < count; i++) {
        const struct fact *fact = &facts[i];
        const struct call_function *function = find(fact->name);
        union call_value arguments[CALL_ARGUMENTS_MAX], out;
        char text[512] = "null", shown[1024] = "";
        for (size_t k = 0; function->arguments[k]; k++) {
            assert_non_null(fact->arguments[k]);
            arguments[k] = read_argument(function->arguments[k], fact->arguments[k]);
            snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "%s%s", k ? ", " : "",
                     fact->arguments[k]);
        }
        if (function->run(&call, arguments, &out))
            print(function->result, &out, text, sizeof text);
        assert_true(call_ok(&call));
        if (strcmp(text, fact->result ? fact->result : "null") != 0)
            fail_msg("%s(%s) is %s, not %s", fact->name, shown, text,
                     fact->result ? fact->result : "null");
    }
    call_release(&call);
}

#define CHECK(facts) check(facts, sizeof(facts) / sizeof(facts)[0])

static void words_stand_between_the_boundaries_of_terms(void **state)
{
    (void) state;
    static const struct fact facts[] = {
        {"has", {"run CMD.exe now", "cmd"}, "true"},
        {"has", {"run CMD.exe now", "cmd.EXE"}, "true"},
        {"has", {"runcmd", "cmd"}, "false"},
        {"has", {"cmd_exe", "cmd"}, "true"},
        {"has", {"cmds cmd", "cmd"}, "true"},
        {"has", {"C:\\Temp\\a.exe", "\\Temp\\"}, "true"},
        {"has", {"x -encode", " -enc"}, "false"},
        {"has", {"x -enc y", " -enc "}, "true"},
        {"has", {"", "a"}, "false"},
        {"has", {"a", ""}, "true"},
        {"has_cs", {"CMD", "cmd"}, "false"},
        {"has_cs", {"a cmd", "cmd"}, "true"},
        {"hasprefix", {"the Commander", "comm"}, "true"},
        {"hasprefix", {"acommander", "comm"}, "false"},
        {"hasprefix_cs", {"Commander", "comm"}, "false"},
        {"hassuffix", {"the Commander x", "ANDER"}, "true"},
        {"hassuffix", {"commanders", "ander"}, "false"},
        {"hassuffix_cs", {"commander", "ander"}, "true"},
        {"has_any", {"a b c", "[\"x\",\"B\"]"}, "true"},
        {"has_any", {"a b c", "[\"x\",\"y\"]"}, "false"},
        {"has_any", {"a b c", "[]"}, "false"},
        {"has_any", {"port 445 open", "[445]"}, "true"},
        {"has_any", {"a b", "\"b\""}, "true"},
        {"has_any_cs", {"a b", "[\"B\"]"}, "false"},
        {"has_all", {"a b c", "[\"c\",\"A\"]"}, "true"},
        {"has_all", {"a b c", "[\"c\",\"d\"]"}, "false"},
        {"has_all", {"a", "[]"}, "true"},
        {"has_all_cs", {"a b", "[\"a\",\"B\"]"}, "false"},
    };
    CHECK(facts);
}

static void text_is_cut_by_characters(void **state)
{
    (void) state;
    static const struct fact facts[] = {
        {"equals", {"aBc", "AbC"}, "true"},
        {"equals", {"abc", "abcd"}, "false"},
        {"contains", {"xABCx", "bc"}, "true"},
        {"contains", {"abc", ""}, "true"},
        {"starts", {"ABc", "ab"}, "true"},
        {"starts", {"a", "ab"}, "false"},
        {"ends", {"xAB", "ab"}, "true"},
        {"ends", {"b", "ab"}, "false"},
        {"in_array", {"b", "[\"a\",\"b\"]"}, "true"},
        {"in_array", {"B", "[\"a\",\"b\"]"}, "false"},
        {"in_array", {"1", "[1,2]"}, "true"},
        {"in_array", {"", "[null]"}, "true"},
        {"in_array_fold", {"B", "[\"a\",\"b\"]"}, "true"},
        {"substring", {"hello", "1", "3"}, "ell"},
        {"substring", {"hello", "1", "-1"}, "ello"},
        {"substring", {"hello", "-2", "-1"}, "lo"},
        {"substring", {"hello", "-9", "2"}, "he"},
        {"substring", {"hello", "9", "2"}, ""},
        {"substring", {"h\xc3\xa9llo", "1", "2"}, "\xc3\xa9l"},
        {"substring", {"\xff\xffx", "1", "1"}, "\xff"},
        {"indexof", {"abcabc", "c", "0", "-1", "1"}, "2"},
        {"indexof", {"abcabc", "c", "0", "-1", "2"}, "5"},
        {"indexof", {"abcabc", "c", "3", "-1", "1"}, "5"},
        {"indexof", {"abcabc", "c", "0", "2", "1"}, "-1"},
        {"indexof", {"abcabc", "a", "-3", "-1", "1"}, "3"},
        {"indexof", {"\xc3\xa9\xc3\xa9x", "x", "0", "-1", "1"}, "2"},
        {"indexof", {"aaaa", "aa", "0", "-1", "3"}, "2"},
        {"indexof", {"abc", "x", "0", "-1", "1"}, "-1"},
        {"indexof", {"abc", "c", "9", "-1", "1"}, "-1"},
        {"indexof", {"abc", "c", "0", "-2", "1"}, NULL},
        {"indexof", {"abc", "c", "0", "-1", "0"}, NULL},
        {"split", {"a,b,,c", ","}, "[\"a\",\"b\",\"\",\"c\"]"},
        {"split", {"a\"b", ""}, "[\"a\\\"b\"]"},
        {"split", {"", ","}, "[\"\"]"},
        {"split", {"a::b", "::"}, "[\"a\",\"b\"]"},
        {"split_at", {"a,b,c", ",", "1"}, "[\"b\"]"},
        {"split_at", {"a,b,c", ",", "2"}, "[\"c\"]"},
        {"split_at", {"a,b,c", ",", "3"}, "[]"},
        {"split_at", {"a,b,c", ",", "-1"}, "[]"},
        {"countof", {"aaaa", "aa"}, "3"},
        {"countof", {"abcabc", "b"}, "2"},
        {"countof", {"abc", ""}, "0"},
        {"tohex", {"256", "0"}, "100"},
        {"tohex", {"-256", "0"}, "ffffffffffffff00"},
        {"tohex", {"256", "8"}, "00000100"},
        {"tohex", {"0", "99"}, "0000000000000000"},
    };
    CHECK(facts);
}

static void text_becomes_a_value_or_null(void **state)
{
    (void) state;
    static const struct fact facts[] = {
        {"to_long", {"9007199254740993"}, "9007199254740993"},
        {"to_long", {" \t-9223372036854775808 "}, "-9223372036854775808"},
        {"to_long", {"+5"}, "5"},
        {"to_long", {"0x1F"}, "31"},
        {"to_long", {"0x8000000000000000"}, NULL},
        {"to_long", {"9223372036854775808"}, NULL},
        {"to_long", {"5.7"}, NULL},
        {"to_long", {""}, NULL},
        {"to_long", {"+-5"}, NULL},
        {"to_real", {"1.5e3"}, "1500"},
        {"to_real", {".5"}, "0.5"},
        {"to_real", {"5."}, "5"},
        {"to_real", {"-INF"}, "-inf"},
        {"to_real", {"1e"}, NULL},
        {"to_real", {"."}, NULL},
        {"to_real", {"0x10"}, NULL},
        {"to_real", {""}, NULL},
        {"to_decimal", {"+001.50"}, "1.5"},
        {"to_decimal", {"1e3"}, "1000"},
        {"to_decimal", {"1.5E-3"}, "0.0015"},
        {"to_decimal", {"-0.0"}, "0"},
        {"to_decimal", {"0"}, "0"},
        {"to_decimal", {".25"}, "0.25"},
        {"to_decimal", {"123.45e1"}, "1234.5"},
        {"to_decimal", {"12345678901234567890.123"}, "12345678901234567890.123"},
        {"to_decimal", {"1e999"}, NULL},
        {"to_decimal", {"abc"}, NULL},
        {"to_bool", {"TRUE"}, "true"},
        {"to_bool", {"false"}, "false"},
        {"to_bool", {"7"}, "true"},
        {"to_bool", {"0"}, "false"},
        {"to_bool", {"yes"}, NULL},
        {"to_guid",
         {"74BE27DE-1E4E-49D9-B579-FE0B331D3642"},
         "74be27de-1e4e-49d9-b579-fe0b331d3642"},
        {"to_guid", {"{74be27de1e4e49d9b579fe0b331d3642}"}, "74be27de-1e4e-49d9-b579-fe0b331d3642"},
        {"to_guid",
         {"0123456789ab-cdef-0123-456789abcdef"},
         "01234567-89ab-cdef-0123-456789abcdef"},
        {"to_guid", {"74be27de-1e4e-49d9-b579-fe0b331d364"}, NULL},
        {"to_guid", {"74be27de-1e4e-49d9-b579-fe0b331d36422"}, NULL},
        {"to_guid", {"74be27de--1e4e-49d9-b579-fe0b331d3642"}, NULL},
        {"to_guid", {"74be27de-1e4e-49d9-b579-fe0b331d3642-"}, NULL},
        {"to_guid", {"-74be27de1e4e49d9b579fe0b331d3642"}, NULL},
        {"to_guid", {"{}"}, NULL},
        {"to_guid", {""}, NULL},
        {"to_datetime", {"2015-12-31 23:59:59.9"}, "635872031999000000"},
        {"to_datetime", {"nonsense"}, NULL},
        {"to_timespan", {"1.12:00:00"}, "1296000000000"},
        {"to_timespan", {"00:01"}, "600000000"},
        {"to_timespan", {"1.5h"}, "54000000000"},
        {"to_timespan", {"-2d"}, "-1728000000000"},
        {"to_timespan", {"3"}, "2592000000000"},
        {"to_timespan", {"PT5M"}, NULL},
        {"to_timespan", {"x"}, NULL},
        {"datetime_text", {"637814760792909747"}, "2022-02-26T12:41:19.2909747Z"},
        {"datetime_text", {"0"}, "0001-01-01T00:00:00.0000000Z"},
        {"datetime_text", {"-1"}, NULL},
        {"datetime_text", {"3155378976000000000"}, NULL},
        {"timespan_text", {"-468750"}, "-00:00:00.0468750"},
        {"real_text", {"1"}, "1.0"},
        {"real_text", {"0"}, "0.0"},
        {"real_text", {"-0.1"}, "-0.1"},
        {"real_text", {"0.1234567890123456789"}, "0.12345678901234568"},
        {"real_text", {"123456789012345"}, "123456789012345.0"},
        {"real_text", {"100"}, "100.0"},
        {"real_text", {"1e20"}, "1E+20"},
        {"real_text", {"1.5e-7"}, "1.5E-07"},
        {"real_text", {"0.0001"}, "0.0001"},
        {"real_text", {"5e-324"}, "5E-324"},
        {"real_text", {"nan"}, "NaN"},
        {"real_text", {"-inf"}, "-Infinity"},
    };
    CHECK(facts);
}

static void dynamic_values_are_walked(void **state)
{
    (void) state;
    static const struct fact facts[] = {
        {"parse_json", {"{ \"a\" : [1, 2.50] }"}, "{\"a\":[1,2.50]}"},
        {"parse_json", {""}, NULL},
        {"parse_json", {"null"}, NULL},
        {"parse_json", {"hi \"x\""}, "\"hi \\\"x\\\"\""},
        {"parse_json", {"12"}, "12"},
        {"parse_json", {"{\"a\":"}, "\"{\\\"a\\\":\""},
        {"get", {"{\"a\":{\"b\":[10,20]}}", "[\"a\",\"b\",-1]"}, "20"},
        {"get", {"{\"a\":1}", "[\"b\"]"}, NULL},
        {"get", {"{\"a\":1}", "[0]"}, NULL},
        {"get", {"[1]", "[\"a\"]"}, NULL},
        {"get", {"{\"a\":null}", "[\"a\"]"}, NULL},
        {"get", {"{\"a\":1,\"a\":2}", "[\"a\"]"}, "2"},
        {"get", {"\"{\\\"a\\\":1}\"", "[\"a\"]"}, NULL},
        {"get", {"{\"a\":1}", "[]"}, "{\"a\":1}"},
        {"get_key", {"{\"\\u0061\":1}", "a"}, "1"},
        {"get_key", {"{\"a b\":{\"c\": [ 1 ]}}", "a b"}, "{\"c\":[1]}"},
        {"get_at", {"[1,2,3]", "0"}, "1"},
        {"get_at", {"[1,2,3]", "-3"}, "1"},
        {"get_at", {"[1,2,3]", "-4"}, NULL},
        {"get_at", {"[1,2,3]", "3"}, NULL},
        {"dynamic_text", {"\"a\\\"b\\n\""}, "a\"b\n"},
        {"dynamic_text", {"null"}, ""},
        {"dynamic_text", {"{\"a\": 1}"}, "{\"a\":1}"},
        {"dynamic_text", {"1.50"}, "1.50"},
        {"dynamic_text", {"not json"}, "not json"},
        {"dynamic_text", {"\"open"}, "\"open"},
        {"dynamic_long", {"5.9"}, "5"},
        {"dynamic_long", {"-5.9"}, "-5"},
        {"dynamic_long", {"9007199254740993"}, "9007199254740993"},
        {"dynamic_long", {"true"}, "1"},
        {"dynamic_long", {"\"7\""}, "7"},
        {"dynamic_long", {"\"7.5\""}, NULL},
        {"dynamic_long", {"1e30"}, NULL},
        {"dynamic_long", {"[1]"}, NULL},
        {"dynamic_real", {"\"1.5\""}, "1.5"},
        {"dynamic_real", {"3"}, "3"},
        {"dynamic_real", {"{}"}, NULL},
        {"dynamic_bool", {"2"}, "true"},
        {"dynamic_bool", {"0.0"}, "false"},
        {"dynamic_bool", {"\"true\""}, "true"},
        {"dynamic_bool", {"\"x\""}, NULL},
        {"dynamic_compare", {"2", "2.0"}, "0"},
        {"dynamic_compare", {"9007199254740993", "9007199254740992.0"}, "1"},
        {"dynamic_compare", {"9223372036854775807", "9223372036854775808"}, "-1"},
        {"dynamic_compare", {"-1", "1e300"}, "-1"},
        {"dynamic_compare", {"1.5", "1"}, "1"},
        {"dynamic_compare", {"\"b\"", "\"a\""}, "1"},
        {"dynamic_compare", {"\"1\"", "1"}, "0"},
        {"dynamic_compare", {"false", "true"}, "-1"},
        {"dynamic_compare", {"true", "1"}, NULL},
        {"dynamic_compare", {"[1, 2]", "[1,2]"}, "0"},
        {"dynamic_compare", {"[1]", "[2]"}, NULL},
        {"dynamic_compare", {"[1]", "\"x\""}, NULL},
        {"dynamic_compare", {"null", "null"}, NULL},
        {"dynamic_type", {"[]"}, "array"},
        {"dynamic_type", {"{}"}, "dictionary"},
        {"dynamic_type", {"-3"}, "long"},
        {"dynamic_type", {"3.0"}, "double"},
        {"dynamic_type", {"1e3"}, "double"},
        {"dynamic_type", {"\"\""}, "string"},
        {"dynamic_type", {"{broken"}, "string"},
        {"dynamic_type", {"true"}, "bool"},
        {"dynamic_type", {"null"}, "null"},
        {"array_length", {"[]"}, "0"},
        {"array_length", {"[1,[2,3],{}]"}, "3"},
        {"array_length", {"{\"a\":1}"}, NULL},
        {"array_length", {"\"[1]\""}, NULL},
        {"bag_keys", {"{\"b\":1,\"a\":{\"c\":2}}"}, "[\"b\",\"a\"]"},
        {"bag_keys", {"{}"}, "[]"},
        {"bag_keys", {"[1]"}, NULL},
        {"json_text", {"a\"b"}, "\"a\\\"b\""},
        {"json_real", {"2"}, "2.0"},
        {"json_real", {"0.5"}, "0.5"},
        {"json_real", {"inf"}, "\"Infinity\""},
    };
    CHECK(facts);
}

static void numbers_wrap_and_floor(void **state)
{
    (void) state;
    static const struct fact facts[] = {
        {"add", {"9223372036854775807", "1"}, "-9223372036854775808"},
        {"sub", {"-9223372036854775808", "1"}, "9223372036854775807"},
        {"mul", {"4611686018427387904", "2"}, "-9223372036854775808"},
        {"div", {"-7", "2"}, "-3"},
        {"div", {"1", "0"}, NULL},
        {"div", {"-9223372036854775808", "-1"}, "-9223372036854775808"},
        {"mod", {"-7", "3"}, "2"},
        {"mod", {"7", "-3"}, "1"},
        {"mod", {"-7", "-3"}, "2"},
        {"mod", {"5", "0"}, NULL},
        {"mod", {"-9223372036854775808", "-1"}, "0"},
        {"real_mod", {"-7.5", "2"}, "0.5"},
        {"real_mod", {"7.5", "0"}, NULL},
        {"bin", {"-7", "3"}, "-9"},
        {"bin", {"7", "3"}, "6"},
        {"bin", {"7", "0"}, NULL},
        {"bin", {"-9223372036854775808", "3"}, NULL},
        {"bin_real", {"-4.5", "2"}, "-6"},
        {"bin_real", {"4.5", "-1"}, NULL},
        {"shift_left", {"1", "63"}, "-9223372036854775808"},
        {"shift_left", {"1", "65"}, "2"},
        {"shift_left", {"1", "-1"}, NULL},
        {"shift_right", {"-8", "1"}, "-4"},
        {"shift_right", {"-8", "64"}, "-8"},
        {"low64", {"-3"}, "-3"},
        {"real_long", {"-5.9"}, "-5"},
        {"real_long", {"9.3e18"}, NULL},
        {"real_long", {"nan"}, NULL},
        {"round", {"2.15", "1"}, "2.2000000000000002"},
        {"round", {"-2.5", "0"}, "-3"},
        {"round", {"1234", "-2"}, "1200"},
        {"round", {"1e300", "300"}, "1.0000000000000001e+300"},
        {"round", {"1.5", "-400"}, "0"},
    };
    CHECK(facts);
}

static void time_is_counted_in_ticks(void **state)
{
    (void) state;
    /* 2022-02-26 12:41:19.2909747 is 637814760792909747; 2016-02-29 (a Monday) is 635923008000000000 */
    static const struct fact facts[] = {
        {"time_add", {"3155378975999999999", "1"}, NULL},
        {"time_add", {"10", "-3"}, "7"},
        {"time_sub", {"10", "11"}, NULL},
        {"span_add", {"9223372036854775807", "1"}, NULL},
        {"span_sub", {"-5", "6"}, "-11"},
        {"span_mul", {"36000000000", "-3"}, "-108000000000"},
        {"span_mul_real", {"3", "0.5"}, "1"},
        {"span_mul_real", {"3", "nan"}, NULL},
        {"span_div_real", {"-3", "2"}, "-1"},
        {"span_div_real", {"3", "0"}, NULL},
        {"datetime_part", {"Year", "637814760792909747"}, "2022"},
        {"datetime_part", {"quarter", "637814760792909747"}, "1"},
        {"datetime_part", {"dayofyear", "637814760792909747"}, "57"},
        {"datetime_part", {"dayofweek", "637814760792909747"}, "6"},
        {"datetime_part", {"week_of_year", "637814760792909747"}, "8"},
        {"datetime_part", {"millisecond", "637814760792909747"}, "290"},
        {"datetime_part", {"microsecond", "637814760792909747"}, "290974"},
        {"datetime_part", {"nanosecond", "637814760792909747"}, "290974700"},
        {"datetime_part", {"fortnight", "637814760792909747"}, NULL},
        {"datetime_add", {"year", "1", "635923008000000000"}, "636238368000000000"},
        {"datetime_add", {"month", "-1", "635923008000000000"}, "635896224000000000"},
        {"datetime_add", {"quarter", "4", "635923008000000000"}, "636238368000000000"},
        {"datetime_add", {"nanosecond", "250", "635923008000000000"}, "635923008000000002"},
        {"datetime_add", {"year", "9000", "635923008000000000"}, NULL},
        {"datetime_add", {"day", "9223372036854775807", "0"}, NULL},
        {"datetime_diff", {"hour", "36599999999", "35999999999"}, "1"},
        {"datetime_diff", {"week", "635923008000000000", "635922144000000000"}, "0"},
        {"datetime_diff", {"week", "635922144000000000", "635921280000000000"}, "1"},
        {"datetime_diff", {"year", "0", "635923008000000000"}, "-2015"},
        {"datetime_diff", {"nanosecond", "5", "3"}, "200"},
        {"startof", {"week", "635923008000000000", "0"}, "635922144000000000"},
        {"startof", {"month", "635923008000000000", "1"}, "635923872000000000"},
        {"startof", {"week", "0", "0"}, NULL},
        {"endof", {"day", "635923008000000005", "0"}, "635923871999999999"},
        {"endof", {"year", "3155378975999999999", "0"}, "3155378975999999999"},
        {"endof", {"month", "635923008000000000", "-1"}, "635898815999999999"},
        {"endof", {"eon", "0", "0"}, NULL},
        {"make_datetime", {"2016", "2", "29", "0", "0", "0.00000005"}, "635923008000000001"},
        {"make_datetime", {"2015", "2", "29", "0", "0", "0"}, NULL},
        {"make_datetime", {"2016", "1", "1", "0", "0", "60"}, NULL},
        {"format_datetime",
         {"637814760792909747", "yyyy-MM-dd [HH:mm:ss.fffffff]"},
         "2022-02-26 [12:41:19.2909747]"},
        {"format_datetime", {"637814760792909747", "yy/M/d h:m:s tt"}, "22/2/26 12:41:19 PM"},
        {"format_datetime", {"635923008000000000", "hh:FFF_f"}, "12:_0"},
        {"format_datetime", {"635923008000000000", "x"}, NULL},
        {"format_datetime", {"635923008000000000", "yyy"}, NULL},
        {"format_timespan", {"-1296010000001", "d.hh:mm:ss.fffffff"}, "-1.12:00:01.0000001"},
        {"format_timespan", {"36000000000", "ddd HH"}, "000 01"},
    };
    CHECK(facts);
}

static void hashes_are_those_of_the_service(void **state)
{
    (void) state;
    static const struct fact facts[] = {
        {"hash_text", {"World"}, "1846988464401551951"},
        {"hash_long", {"635556672000000000"}, "1380966698541616202"}, /* datetime(2015-01-01) */
    };
    CHECK(facts);
}

/* Every allocation of a run may fail: the row is then not given, and it shows. */
static void lack_of_memory_shows(void **state)
{
    (void) state;
    const union call_value arguments[2] = {
        {.s = STR("a long text, of words that need room")},
        {.s = STR("[\"one\",\"two\\n\",\"three and more words\"]")},
    };
    bool ended = false;
    for (uint64_t n = 1; !ended; n++) {
        struct call call;
        union call_value out;
        call_init(&call);
        mem_fail_at(n);
        bool done = call_split(&call, arguments, &out) && call_ok(&call) &&
                    call_has_any(&call, arguments, &out) && call_ok(&call);
        mem_fail_at(0);
        assert_true(done || !call_ok(&call));
        ended = done;
        call_release(&call);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stand_between_the_boundaries_of_terms),
        cmocka_unit_test(text_is_cut_by_characters),
        cmocka_unit_test(text_becomes_a_value_or_null),
        cmocka_unit_test(dynamic_values_are_walked),
        cmocka_unit_test(numbers_wrap_and_floor),
        cmocka_unit_test(time_is_counted_in_ticks),
        cmocka_unit_test(hashes_are_those_of_the_service),
        cmocka_unit_test(lack_of_memory_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
