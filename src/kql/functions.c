/* The function table: scalar functions, in the order of the alphabet. Rows of operators are in functions_op.c, of
 * aggregates in functions_aggregate.c. Calls that a row cannot hold are in bind_special.c. */

#include "kql/function.h"

#include "base/tick.h"
#include "kql/special.h"

#define STRICT .nulls = KQL_STRICT
#define NEVER .nulls = KQL_NEVER
#define MAYBE .nulls = KQL_MAYBE
#define FIRST .naming = KQL_FIRST
#define PREFIX(text) .naming = KQL_PREFIX, .prefix = text

static bool fold_bin_tick(const struct kql_value *args, size_t n, struct kql_value *out)
{
    (void) n;
    if (args[1].i <= 0)
        return false;
    out->i = tick_floor(args[0].i, args[1].i);
    return true;
}

static bool fold_startofday(const struct kql_value *args, size_t n, struct kql_value *out)
{
    int64_t shift = 0;
    if (n > 1 && __builtin_mul_overflow(args[1].i, TICK_DAY, &shift))
        return false;
    return !__builtin_add_overflow(tick_floor(args[0].i, TICK_DAY), shift, &out->i) &&
           out->i >= 0 && out->i <= TICK_MAX;
}

static bool fold_to_datetime(const struct kql_value *args, size_t n, struct kql_value *out)
{
    (void) n;
    return tick_parse(args[0].text, &out->i);
}

static bool fold_to_timespan(const struct kql_value *args, size_t n, struct kql_value *out)
{
    (void) n;
    return timespan_parse(args[0].text, &out->i);
}

static bool fold_same(const struct kql_value *args, size_t n, struct kql_value *out)
{
    (void) n;
    enum column_type type = out->type;
    *out = args[0];
    out->type = type;
    return true;
}

#define EPOCH "621355968000000000"
const struct kql_function kql_rows_scalar[] = {
    {"abs", "l", 'l', STRICT, .duckdb = "(case when $1 < 0 then weir_sub(0, $1) else $1 end)"},
    {"abs", "r", 'r', STRICT, .duckdb = "abs($1)"},
    {"abs", "t", 't', STRICT, .duckdb = "(case when $1 < 0 then weir_sub(0, $1) else $1 end)"},
    {"array_length", "y", 'l', MAYBE, .duckdb = "weir_array_length($1)"},
    {"arraylength", "y", 'l', MAYBE, .duckdb = "weir_array_length($1)"},
    {"bag_keys", "y", 'y', MAYBE, .duckdb = "weir_bag_keys($1)"},
    {"bin", "ll", 'l', MAYBE, .duckdb = "weir_bin($1, $2)", FIRST},
    {"bin", "rr", 'r', MAYBE, .duckdb = "weir_bin_real($1, $2)", FIRST},
    {"bin", "dt", 'd', MAYBE, .duckdb = "weir_bin($1, $2)", .fold = fold_bin_tick, FIRST},
    {"bin", "tt", 't', MAYBE, .duckdb = "weir_bin($1, $2)", .fold = fold_bin_tick, FIRST},
    {"binary_and", "ll", 'l', STRICT, .duckdb = "($1 & $2)", FIRST},
    {"binary_not", "l", 'l', STRICT, .duckdb = "(~$1)", FIRST},
    {"binary_or", "ll", 'l', STRICT, .duckdb = "($1 | $2)", FIRST},
    {"binary_shift_left", "ll", 'l', MAYBE, .duckdb = "weir_shift_left($1, $2)", FIRST},
    {"binary_shift_right", "ll", 'l', MAYBE, .duckdb = "weir_shift_right($1, $2)", FIRST},
    {"binary_xor", "ll", 'l', STRICT, .duckdb = "xor($1, $2)", FIRST},
    {"ceiling", "r", 'r', STRICT, .duckdb = "ceil($1)", FIRST},
    {"countof", "ss", 'l', STRICT, .duckdb = "weir_countof($1, $2)"},
    {"datepart", "sd", 'i', MAYBE, .duckdb = "cast(weir_datetime_part($1, $2) as integer)"},
    {"datetime_add", "sld", 'd', MAYBE, .duckdb = "weir_datetime_add($1, $2, $3)"},
    {"datetime_diff", "sdd", 'l', MAYBE, .duckdb = "weir_datetime_diff($1, $2, $3)"},
    {"datetime_part", "sd", 'i', MAYBE, .duckdb = "cast(weir_datetime_part($1, $2) as integer)"},
    {"dayofmonth", "d", 'i', STRICT, .duckdb = "cast(weir_datetime_part('day', $1) as integer)"},
    {"dayofweek", "d", 't', STRICT,
     .duckdb = "(weir_datetime_part('dayofweek', $1) * 864000000000)"},
    {"dayofyear", "d", 'i', STRICT,
     .duckdb = "cast(weir_datetime_part('dayofyear', $1) as integer)"},
    {"endofday", "d", 'd', MAYBE, .duckdb = "weir_endof('day', $1, 0)"},
    {"endofday", "dl", 'd', MAYBE, .duckdb = "weir_endof('day', $1, $2)"},
    {"endofmonth", "d", 'd', MAYBE, .duckdb = "weir_endof('month', $1, 0)"},
    {"endofmonth", "dl", 'd', MAYBE, .duckdb = "weir_endof('month', $1, $2)"},
    {"endofweek", "d", 'd', MAYBE, .duckdb = "weir_endof('week', $1, 0)"},
    {"endofweek", "dl", 'd', MAYBE, .duckdb = "weir_endof('week', $1, $2)"},
    {"endofyear", "d", 'd', MAYBE, .duckdb = "weir_endof('year', $1, 0)"},
    {"endofyear", "dl", 'd', MAYBE, .duckdb = "weir_endof('year', $1, $2)"},
    {"extract", "ELs", 's', STRICT, .duckdb = "regexp_extract($3, $1, $2)"},
    {"floor", "ll", 'l', MAYBE, .duckdb = "weir_bin($1, $2)", FIRST},
    {"floor", "rr", 'r', MAYBE, .duckdb = "weir_bin_real($1, $2)", FIRST},
    {"floor", "dt", 'd', MAYBE, .duckdb = "weir_bin($1, $2)", .fold = fold_bin_tick, FIRST},
    {"floor", "tt", 't', MAYBE, .duckdb = "weir_bin($1, $2)", .fold = fold_bin_tick, FIRST},
    {"format_datetime", "ds", 's', MAYBE, .duckdb = "weir_format_datetime($1, $2)", FIRST},
    {"format_timespan", "ts", 's', MAYBE, .duckdb = "weir_format_timespan($1, $2)", FIRST},
    {"getmonth", "d", 'i', STRICT, .duckdb = "cast(weir_datetime_part('month', $1) as integer)"},
    {"gettype", "y", 's', NEVER, .duckdb = "coalesce(weir_dynamic_type($1), 'null')",
     PREFIX("type")},
    {"getyear", "d", 'i', STRICT, .duckdb = "cast(weir_datetime_part('year', $1) as integer)"},
    {"hash", "s", 'l', STRICT, .duckdb = "weir_hash_text($1)"},
    {"hash", "g", 'l', STRICT, .duckdb = "weir_hash_text($1)"},
    {"hash", "b", 'l', STRICT, .duckdb = "weir_hash_long(cast($1 as bigint))"},
    {"hash", "l", 'l', STRICT, .duckdb = "weir_hash_long($1)"},
    {"hash", "d", 'l', STRICT, .duckdb = "weir_hash_long($1)"},
    {"hash", "t", 'l', STRICT, .duckdb = "weir_hash_long($1)"},
    {"hash", "r", 'l', STRICT, .duckdb = "weir_hash_real($1)"},
    {"hash", "sl", 'l', MAYBE, .duckdb = "weir_mod(weir_hash_text($1), $2)"},
    {"hash", "gl", 'l', MAYBE, .duckdb = "weir_mod(weir_hash_text($1), $2)"},
    {"hash", "bl", 'l', MAYBE, .duckdb = "weir_mod(weir_hash_long(cast($1 as bigint)), $2)"},
    {"hash", "ll", 'l', MAYBE, .duckdb = "weir_mod(weir_hash_long($1), $2)"},
    {"hash", "dl", 'l', MAYBE, .duckdb = "weir_mod(weir_hash_long($1), $2)"},
    {"hash", "tl", 'l', MAYBE, .duckdb = "weir_mod(weir_hash_long($1), $2)"},
    {"hash", "rl", 'l', MAYBE, .duckdb = "weir_mod(weir_hash_real($1), $2)"},
    {"hourofday", "d", 'i', STRICT, .duckdb = "cast(weir_datetime_part('hour', $1) as integer)"},
    {"indexof", "ss", 'l', MAYBE, .duckdb = "weir_indexof($1, $2, 0, -1, 1)"},
    {"indexof", "ssl", 'l', MAYBE, .duckdb = "weir_indexof($1, $2, $3, -1, 1)"},
    {"indexof", "ssll", 'l', MAYBE, .duckdb = "weir_indexof($1, $2, $3, $4, 1)"},
    {"indexof", "sslll", 'l', MAYBE, .duckdb = "weir_indexof($1, $2, $3, $4, $5)"},
    {"isempty", "s", 'b', NEVER, .duckdb = "($1 = '')"},
    {"isempty", "y", 'b', NEVER, .duckdb = "coalesce($1 = '\"\"', true)"},
    {"isempty", "a", 'b', NEVER, .duckdb = "($1 is null)"},
    {"isfinite", "r", 'b', STRICT, .duckdb = "isfinite($1)"},
    {"isinf", "r", 'b', STRICT, .duckdb = "isinf($1)"},
    {"isnan", "r", 'b', STRICT, .duckdb = "isnan($1)"},
    {"isnotempty", "s", 'b', NEVER, .duckdb = "($1 <> '')"},
    {"isnotempty", "y", 'b', NEVER, .duckdb = "coalesce($1 <> '\"\"', false)"},
    {"isnotempty", "a", 'b', NEVER, .duckdb = "($1 is not null)"},
    {"isnotnull", "s", 'b', NEVER, .duckdb = "true"},
    {"isnotnull", "a", 'b', NEVER, .duckdb = "($1 is not null)"},
    {"isnull", "s", 'b', NEVER, .duckdb = "false"},
    {"isnull", "a", 'b', NEVER, .duckdb = "($1 is null)"},
    {"make_datetime", "lll", 'd', MAYBE, .duckdb = "weir_make_datetime($1, $2, $3, 0, 0, 0)"},
    {"make_datetime", "lllll", 'd', MAYBE, .duckdb = "weir_make_datetime($1, $2, $3, $4, $5, 0)"},
    {"make_datetime", "lllllr", 'd', MAYBE, .duckdb = "weir_make_datetime($1, $2, $3, $4, $5, $6)"},
    {"monthofyear", "d", 'i', STRICT, .duckdb = "cast(weir_datetime_part('month', $1) as integer)"},
    {"not", "b", 'b', STRICT, .duckdb = "(not $1)"},
    {"notempty", "s", 'b', NEVER, .duckdb = "($1 <> '')"},
    {"notempty", "y", 'b', NEVER, .duckdb = "coalesce($1 <> '\"\"', false)"},
    {"notempty", "a", 'b', NEVER, .duckdb = "($1 is not null)"},
    {"notnull", "s", 'b', NEVER, .duckdb = "true"},
    {"notnull", "a", 'b', NEVER, .duckdb = "($1 is not null)"},
    {"parse_json", "s", 'y', MAYBE, .duckdb = "weir_parse_json($1)", FIRST},
    {"parse_json", "y", 'y', STRICT, .duckdb = "$1", FIRST},
    {"parsejson", "s", 'y', MAYBE, .duckdb = "weir_parse_json($1)", FIRST},
    {"parsejson", "y", 'y', STRICT, .duckdb = "$1", FIRST},
    {"replace", "Ess", 's', STRICT, .duckdb = "regexp_replace($3, $1, $2, 'g')"},
    {"replace_regex", "sEs", 's', STRICT, .duckdb = "regexp_replace($1, $2, $3, 'g')"},
    {"replace_string", "sss", 's', STRICT, .duckdb = "replace($1, $2, $3)"},
    {"round", "l", 'l', STRICT, .duckdb = "$1", FIRST},
    {"round", "r", 'r', STRICT, .duckdb = "weir_round($1, 0)", FIRST},
    {"round", "rl", 'r', STRICT, .duckdb = "weir_round($1, $2)", FIRST},
    {"split", "ss", 'y', STRICT, .duckdb = "weir_split($1, $2)", FIRST},
    {"split", "ssl", 'y', STRICT, .duckdb = "weir_split_at($1, $2, $3)", FIRST},
    {"startofday", "d", 'd', MAYBE, .duckdb = "weir_bin($1, 864000000000)", .fold = fold_startofday,
     FIRST},
    {"startofday", "dl", 'd', MAYBE, .duckdb = "weir_startof('day', $1, $2)",
     .fold = fold_startofday, FIRST},
    {"startofmonth", "d", 'd', MAYBE, .duckdb = "weir_startof('month', $1, 0)"},
    {"startofmonth", "dl", 'd', MAYBE, .duckdb = "weir_startof('month', $1, $2)"},
    {"startofweek", "d", 'd', MAYBE, .duckdb = "weir_startof('week', $1, 0)"},
    {"startofweek", "dl", 'd', MAYBE, .duckdb = "weir_startof('week', $1, $2)"},
    {"startofyear", "d", 'd', MAYBE, .duckdb = "weir_startof('year', $1, 0)"},
    {"startofyear", "dl", 'd', MAYBE, .duckdb = "weir_startof('year', $1, $2)"},
    {"strcat_delim", "ss*", 's', STRICT, .duckdb = "concat_ws($*)"},
    {"string_size", "s", 'l', STRICT, .duckdb = "strlen($1)", PREFIX("string_size")},
    {"strlen", "s", 'l', STRICT, .duckdb = "length($1)", PREFIX("strlen")},
    {"substring", "sl", 's', STRICT, .duckdb = "weir_substring($1, $2, -1)"},
    {"substring", "sll", 's', STRICT, .duckdb = "weir_substring($1, $2, $3)"},
    {"tobool", "b", 'b', STRICT, .duckdb = "$1", .fold = fold_same, FIRST},
    {"tobool", "l", 'b', STRICT, .duckdb = "($1 <> 0)", FIRST},
    {"tobool", "r", 'b', STRICT, .duckdb = "($1 <> 0)", FIRST},
    {"tobool", "s", 'b', MAYBE, .duckdb = "weir_to_bool($1)", FIRST},
    {"tobool", "y", 'b', MAYBE, .duckdb = "weir_dynamic_bool($1)", FIRST},
    {"todatetime", "d", 'd', STRICT, .duckdb = "$1", .fold = fold_same, FIRST},
    {"todatetime", "s", 'd', MAYBE, .duckdb = "weir_to_datetime($1)", .fold = fold_to_datetime,
     FIRST},
    {"todatetime", "y", 'd', MAYBE, .duckdb = "weir_to_datetime(weir_dynamic_text($1))", FIRST},
    {"todecimal", "x", 'x', STRICT, .duckdb = "$1", FIRST},
    {"todecimal", "l", 'x', STRICT, .duckdb = "cast($1 as varchar)", FIRST},
    {"todecimal", "r", 'x', MAYBE, .duckdb = "weir_to_decimal(weir_real_text($1))", FIRST},
    {"todecimal", "s", 'x', MAYBE, .duckdb = "weir_to_decimal($1)", FIRST},
    {"todecimal", "y", 'x', MAYBE, .duckdb = "weir_to_decimal(weir_dynamic_text($1))", FIRST},
    {"todynamic", "s", 'y', MAYBE, .duckdb = "weir_parse_json($1)", FIRST},
    {"todynamic", "y", 'y', STRICT, .duckdb = "$1", FIRST},
    {"toguid", "g", 'g', STRICT, .duckdb = "$1", FIRST},
    {"toguid", "s", 'g', MAYBE, .duckdb = "weir_to_guid($1)", FIRST},
    {"toguid", "y", 'g', MAYBE, .duckdb = "weir_to_guid(weir_dynamic_text($1))", FIRST},
    {"tohex", "i", 's', STRICT, .duckdb = "weir_tohex(cast($1 as bigint) & 4294967295, 0)", FIRST},
    {"tohex", "il", 's', STRICT, .duckdb = "weir_tohex(cast($1 as bigint) & 4294967295, $2)",
     FIRST},
    {"tohex", "l", 's', STRICT, .duckdb = "weir_tohex($1, 0)", FIRST},
    {"tohex", "ll", 's', STRICT, .duckdb = "weir_tohex($1, $2)", FIRST},
    {"toint", "i", 'i', STRICT, .duckdb = "$1", FIRST},
    {"toint", "b", 'i', STRICT, .duckdb = "cast($1 as integer)", FIRST},
    {"toint", "l", 'i', MAYBE, .duckdb = "try_cast($1 as integer)", FIRST},
    {"toint", "r", 'i', MAYBE, .duckdb = "try_cast(weir_real_long($1) as integer)", FIRST},
    {"toint", "s", 'i', MAYBE, .duckdb = "try_cast(weir_to_long($1) as integer)", FIRST},
    {"toint", "y", 'i', MAYBE, .duckdb = "try_cast(weir_dynamic_long($1) as integer)", FIRST},
    {"toint", "x", 'i', MAYBE, .duckdb = "try_cast(weir_real_long(weir_to_real($1)) as integer)",
     FIRST},
    {"tolong", "l", 'l', STRICT, .duckdb = "cast($1 as bigint)", .fold = fold_same, FIRST},
    {"tolong", "b", 'l', STRICT, .duckdb = "cast($1 as bigint)", FIRST},
    {"tolong", "d", 'l', STRICT, .duckdb = "$1", .fold = fold_same, FIRST},
    {"tolong", "t", 'l', STRICT, .duckdb = "$1", .fold = fold_same, FIRST},
    {"tolong", "r", 'l', MAYBE, .duckdb = "weir_real_long($1)", FIRST},
    {"tolong", "s", 'l', MAYBE, .duckdb = "weir_to_long($1)", FIRST},
    {"tolong", "y", 'l', MAYBE, .duckdb = "weir_dynamic_long($1)", FIRST},
    {"tolong", "x", 'l', MAYBE, .duckdb = "weir_real_long(weir_to_real($1))", FIRST},
    {"tolower", "s", 's', STRICT, .duckdb = "lower($1)"},
    {"toreal", "r", 'r', STRICT, .duckdb = "cast($1 as double)", FIRST},
    {"toreal", "b", 'r', STRICT, .duckdb = "cast(cast($1 as integer) as double)", FIRST},
    {"toreal", "s", 'r', MAYBE, .duckdb = "weir_to_real($1)", FIRST},
    {"toreal", "y", 'r', MAYBE, .duckdb = "weir_dynamic_real($1)", FIRST},
    {"toreal", "x", 'r', MAYBE, .duckdb = "weir_to_real($1)", FIRST},
    {"tostring", "s", 's', STRICT, .duckdb = "$1", .fold = fold_same, FIRST},
    {"tostring", "b", 's', STRICT,
     .duckdb = "(case $1 when true then 'true' when false then 'false' end)", FIRST},
    {"tostring", "l", 's', STRICT, .duckdb = "cast($1 as varchar)", FIRST},
    {"tostring", "r", 's', STRICT, .duckdb = "weir_real_text($1)", FIRST},
    {"tostring", "x", 's', STRICT, .duckdb = "$1", FIRST},
    {"tostring", "g", 's', STRICT, .duckdb = "$1", FIRST},
    {"tostring", "d", 's', STRICT, .duckdb = "weir_datetime_text($1)", FIRST},
    {"tostring", "t", 's', STRICT, .duckdb = "weir_timespan_text($1)", FIRST},
    {"tostring", "y", 's', STRICT, .duckdb = "weir_dynamic_text($1)", FIRST},
    {"totimespan", "t", 't', STRICT, .duckdb = "$1", .fold = fold_same, FIRST},
    {"totimespan", "s", 't', MAYBE, .duckdb = "weir_to_timespan($1)", .fold = fold_to_timespan,
     FIRST},
    {"totimespan", "y", 't', MAYBE, .duckdb = "weir_to_timespan(weir_dynamic_text($1))", FIRST},
    {"toupper", "s", 's', STRICT, .duckdb = "upper($1)"},
    {"trim", "Es", 's', STRICT,
     .duckdb =
         "regexp_replace(regexp_replace($2, '^(?:' || $1 || ')+', ''), '(?:' || $1 || ')+$', '')"},
    {"trim_end", "Es", 's', STRICT, .duckdb = "regexp_replace($2, '(?:' || $1 || ')$', '')"},
    {"trim_start", "Es", 's', STRICT, .duckdb = "regexp_replace($2, '^(?:' || $1 || ')', '')"},
    {"unixtime_microseconds_todatetime", "l", 'd', MAYBE,
     .duckdb = "weir_time_add(" EPOCH ", weir_span_mul(10, $1))"},
    {"unixtime_microseconds_todatetime", "r", 'd', MAYBE,
     .duckdb = "weir_time_add(" EPOCH ", weir_span_mul_real(10, $1))"},
    {"unixtime_milliseconds_todatetime", "l", 'd', MAYBE,
     .duckdb = "weir_time_add(" EPOCH ", weir_span_mul(10000, $1))"},
    {"unixtime_milliseconds_todatetime", "r", 'd', MAYBE,
     .duckdb = "weir_time_add(" EPOCH ", weir_span_mul_real(10000, $1))"},
    {"unixtime_nanoseconds_todatetime", "l", 'd', MAYBE,
     .duckdb = "weir_time_add(" EPOCH ", weir_div($1, 100))"},
    {"unixtime_seconds_todatetime", "l", 'd', MAYBE,
     .duckdb = "weir_time_add(" EPOCH ", weir_span_mul(10000000, $1))"},
    {"unixtime_seconds_todatetime", "r", 'd', MAYBE,
     .duckdb = "weir_time_add(" EPOCH ", weir_span_mul_real(10000000, $1))"},
    {"week_of_year", "d", 'i', STRICT,
     .duckdb = "cast(weir_datetime_part('week_of_year', $1) as integer)"},
    {"weekofyear", "d", 'i', STRICT,
     .duckdb = "cast(weir_datetime_part('week_of_year', $1) as integer)"},
};

const size_t kql_rows_scalar_count = sizeof kql_rows_scalar / sizeof *kql_rows_scalar;

static const char letters[] = "bilrxdtgsy"; /* in the order of enum column_type */
_Static_assert(sizeof letters - 1 == COLUMN_TYPE_COUNT, "a letter for each type");

enum column_type kql_letter_type(char letter)
{
    char small = letter >= 'A' && letter <= 'Z' ? (char) (letter | 0x20) : letter;
    if (small == 'e')
        return COLUMN_STRING;
    const char *found = small ? strchr(letters, small) : NULL;
    return found ? (enum column_type)(found - letters) : COLUMN_TYPE_COUNT;
}

char kql_type_letter(enum column_type type)
{
    return letters[type];
}

static const struct kql_function *find_rows(const struct kql_function *rows, size_t n,
                                            struct str name, size_t *count)
{
    size_t i = 0;
    while (i < n && !str_eq(name, str_of(rows[i].name)))
        i++;
    size_t first = i;
    while (i < n && str_eq(name, str_of(rows[i].name)))
        i++;
    *count = i - first;
    return *count ? rows + first : NULL;
}

/* Other spellings of one name. */
static struct str canonical(struct str name)
{
    static const char *const pairs[][2] = {
        {"hash_xxhash64", "hash"}, {"todouble", "toreal"},    {"toboolean", "tobool"},
        {"totime", "totimespan"},  {"toobject", "todynamic"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (str_eq(name, str_of(pairs[i][0])))
            return str_of(pairs[i][1]);
    }
    return name;
}

const struct kql_function *kql_function_rows(struct str name, enum kql_function_kind kind,
                                             size_t *count)
{
    if (kind == KQL_AGGREGATE)
        return find_rows(kql_rows_aggregate, kql_rows_aggregate_count, name, count);
    return find_rows(kql_rows_scalar, kql_rows_scalar_count, canonical(name), count);
}

const char *kql_function_nearest(struct str name, bool aggregates)
{
    const char *names[1024];
    size_t n = kql_special_names(names, 256);
    for (size_t i = 0; i < kql_rows_scalar_count && n < 1000; i++)
        names[n++] = kql_rows_scalar[i].name;
    for (size_t i = 0; aggregates && i < kql_rows_aggregate_count && n < 1000; i++) {
        if (kql_rows_aggregate[i].name[0] != '(')
            names[n++] = kql_rows_aggregate[i].name;
    }
    return text_nearest(name, names, n);
}
