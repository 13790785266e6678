/* The function table: operators, and the calls that the binder itself makes (their names stand in parentheses). */

#include "kql/function.h"

#include "base/tick.h"
#include "kql/sql.h"

#define STRICT .nulls = KQL_STRICT
#define NEVER .nulls = KQL_NEVER
#define MAYBE .nulls = KQL_MAYBE

static bool in_time(int64_t tick)
{
    return tick >= 0 && tick <= TICK_MAX;
}

static bool fold_add(const struct kql_value *args, size_t n, struct kql_value *out)
{
    (void) n;
    return !__builtin_add_overflow(args[0].i, args[1].i, &out->i) &&
           (out->type != COLUMN_DATETIME || in_time(out->i));
}

static bool fold_sub(const struct kql_value *args, size_t n, struct kql_value *out)
{
    (void) n;
    return !__builtin_sub_overflow(args[0].i, args[1].i, &out->i) &&
           (out->type != COLUMN_DATETIME || in_time(out->i));
}

static bool fold_mul(const struct kql_value *args, size_t n, struct kql_value *out)
{
    (void) n;
    return !__builtin_mul_overflow(args[0].i, args[1].i, &out->i);
}

static bool fold_negate(const struct kql_value *args, size_t n, struct kql_value *out)
{
    (void) n;
    if (out->type == COLUMN_REAL) {
        out->r = -args[0].r;
        return true;
    }
    return !__builtin_sub_overflow(INT64_C(0), args[0].i, &out->i);
}

#define SPAN_MUL_REAL "weir_span_mul_real($1, $2)"
#define EQUAL_FILTER .duckdb_filter = "($1 = $2)"
#define UNEQUAL_FILTER .duckdb_filter = "($1 is distinct from $2)"

/* Comparisons of order, for each type that has one. */
#define RELATION(op)                                                                               \
    {op, "ll", 'b', STRICT, .duckdb = "($1 " op " $2)"},                                           \
        {op, "rr", 'b', STRICT, .duckdb = "($1 " op " $2)"},                                       \
        {op, "dd", 'b', STRICT, .duckdb = "($1 " op " $2)"},                                       \
        {op, "tt", 'b', STRICT, .duckdb = "($1 " op " $2)"},                                       \
        {op, "bb", 'b', STRICT, .duckdb = "($1 " op " $2)"},                                       \
    {                                                                                              \
        op, "yy", 'b', MAYBE, .duckdb = "(weir_dynamic_compare($1, $2) " op " 0)"                  \
    }

/* A test of text without case, and its negation: over ASCII constants by a function of ours, otherwise by
 * lowering both sides. */
#define FOLDED(op, ascii, unicode)                                                                 \
    {op,                                                                                           \
     "ss",                                                                                         \
     'b',                                                                                          \
     STRICT,                                                                                       \
     .duckdb = "weir_" ascii "($1, $2)",                                                           \
     .duckdb_unicode = unicode "(lower($1), lower($2))"},                                          \
    {                                                                                              \
        "!" op, "ss", 'b', STRICT, .duckdb = "(not weir_" ascii "($1, $2))",                       \
                                   .duckdb_unicode = "(not " unicode "(lower($1), lower($2)))"     \
    }
#define EXACT(op, function)                                                                        \
    {op, "ss", 'b', STRICT, .duckdb = function "($1, $2)"},                                        \
    {                                                                                              \
        "!" op, "ss", 'b', STRICT, .duckdb = "(not " function "($1, $2))"                          \
    }

const struct kql_function kql_rows_operator[] = {
    {"+", "ll", 'l', STRICT, .duckdb = "weir_add($1, $2)", .fold = fold_add},
    {"+", "rr", 'r', STRICT, .duckdb = "($1 + $2)"},
    {"+", "dt", 'd', MAYBE, .duckdb = "weir_time_add($1, $2)", .fold = fold_add},
    {"+", "td", 'd', MAYBE, .duckdb = "weir_time_add($2, $1)", .fold = fold_add},
    {"+", "tt", 't', MAYBE, .duckdb = "weir_span_add($1, $2)", .fold = fold_add},
    {"-", "ll", 'l', STRICT, .duckdb = "weir_sub($1, $2)", .fold = fold_sub},
    {"-", "rr", 'r', STRICT, .duckdb = "($1 - $2)"},
    {"-", "dd", 't', STRICT, .duckdb = "($1 - $2)", .fold = fold_sub},
    {"-", "dt", 'd', MAYBE, .duckdb = "weir_time_sub($1, $2)", .fold = fold_sub},
    {"-", "tt", 't', MAYBE, .duckdb = "weir_span_sub($1, $2)", .fold = fold_sub},
    {"-", "l", 'l', STRICT, .duckdb = "weir_sub(0, $1)", .fold = fold_negate},
    {"-", "r", 'r', STRICT, .duckdb = "(-$1)", .fold = fold_negate},
    {"-", "t", 't', MAYBE, .duckdb = "weir_span_sub(0, $1)", .fold = fold_negate},
    {"*", "ll", 'l', STRICT, .duckdb = "weir_mul($1, $2)", .fold = fold_mul},
    {"*", "rr", 'r', STRICT, .duckdb = "($1 * $2)"},
    {"*", "tl", 't', MAYBE, .duckdb = "weir_span_mul($1, $2)", .fold = fold_mul},
    {"*", "lt", 't', MAYBE, .duckdb = "weir_span_mul($2, $1)", .fold = fold_mul},
    {"*", "tr", 't', MAYBE, .duckdb = "weir_span_mul_real($1, $2)"},
    {"*", "rt", 't', MAYBE, .duckdb = "weir_span_mul_real($2, $1)"},
    {"/", "ll", 'l', MAYBE, .duckdb = "weir_div($1, $2)"},
    {"/", "rr", 'r', STRICT, .duckdb = "($1 / $2)"},
    {"/", "tt", 'r', STRICT, .duckdb = "(cast($1 as double) / cast($2 as double))"},
    {"/", "tl", 't', MAYBE, .duckdb = "weir_div($1, $2)"},
    {"/", "tr", 't', MAYBE, .duckdb = "weir_span_div_real($1, $2)"},
    {"%", "ll", 'l', MAYBE, .duckdb = "weir_mod($1, $2)"},
    {"%", "rr", 'r', MAYBE, .duckdb = "weir_real_mod($1, $2)"},
    {"%", "tt", 't', MAYBE, .duckdb = "weir_mod($1, $2)"},
    RELATION("<"),
    RELATION("<="),
    RELATION(">"),
    RELATION(">="),
    FOLDED("has", "has", "weir_has_cs"),
    EXACT("has_cs", "weir_has_cs"),
    FOLDED("hasprefix", "hasprefix", "weir_hasprefix_cs"),
    EXACT("hasprefix_cs", "weir_hasprefix_cs"),
    FOLDED("hassuffix", "hassuffix", "weir_hassuffix_cs"),
    EXACT("hassuffix_cs", "weir_hassuffix_cs"),
    FOLDED("contains", "contains", "contains"),
    EXACT("contains_cs", "contains"),
    FOLDED("startswith", "starts", "starts_with"),
    EXACT("startswith_cs", "starts_with"),
    FOLDED("endswith", "ends", "ends_with"),
    EXACT("endswith_cs", "ends_with"),
    {"has_any", "sy", 'b', MAYBE, .duckdb = "weir_has_any($1, $2)",
     .duckdb_unicode = "weir_has_any_cs(lower($1), lower($2))"},
    {"has_all", "sy", 'b', MAYBE, .duckdb = "weir_has_all($1, $2)",
     .duckdb_unicode = "weir_has_all_cs(lower($1), lower($2))"},
    {"=~", "ss", 'b', STRICT, .duckdb = "weir_equals($1, $2)",
     .duckdb_unicode = "(lower($1) = lower($2))"},
    {"!~", "ss", 'b', STRICT, .duckdb = "(not weir_equals($1, $2))",
     .duckdb_unicode = "(lower($1) <> lower($2))"},
    {"matches regex", "sE", 'b', STRICT, .duckdb = "regexp_matches($1, $2)"},
    /* Equality: which row by who may be null. */
    {"(== none)", "aa", 'b', NEVER, .duckdb = "($1 = $2)"},
    {"(== one)", "aa", 'b', NEVER, .duckdb = "($1 is not distinct from $2)", EQUAL_FILTER},
    {"(== both)", "aa", 'b', MAYBE,
     .duckdb =
         "(case when $1 is null and $2 is null then null else $1 is not distinct from $2 end)",
     EQUAL_FILTER},
    {"(!= none)", "aa", 'b', NEVER, .duckdb = "($1 <> $2)"},
    {"(!= one)", "aa", 'b', NEVER, .duckdb = "($1 is distinct from $2)"},
    {"(!= both)", "aa", 'b', MAYBE,
     .duckdb = "(case when $1 is null and $2 is null then null else $1 is distinct from $2 end)",
     UNEQUAL_FILTER},
    {"(== dynamic)", "yy", 'b', MAYBE,
     .duckdb = "coalesce(weir_dynamic_compare($1, $2) = 0, false)",
     .duckdb_filter = "(weir_dynamic_compare($1, $2) = 0)"},
    {"(!= dynamic)", "yy", 'b', MAYBE,
     .duckdb = "coalesce(weir_dynamic_compare($1, $2) <> 0, true)"},
    {"and", "b*", 'b', STRICT, .write = kql_write_and},
    {"or", "b*", 'b', STRICT, .write = kql_write_or},
    {"between", "lll", 'b', STRICT, .duckdb = "($1 between $2 and $3)"},
    {"between", "rrr", 'b', STRICT, .duckdb = "($1 between $2 and $3)"},
    {"between", "ddd", 'b', STRICT, .duckdb = "($1 between $2 and $3)"},
    {"between", "ttt", 'b', STRICT, .duckdb = "($1 between $2 and $3)"},
    {"!between", "lll", 'b', STRICT, .duckdb = "(not $1 between $2 and $3)"},
    {"!between", "rrr", 'b', STRICT, .duckdb = "(not $1 between $2 and $3)"},
    {"!between", "ddd", 'b', STRICT, .duckdb = "(not $1 between $2 and $3)"},
    {"!between", "ttt", 'b', STRICT, .duckdb = "(not $1 between $2 and $3)"},
    /* x in (a, b): the first argument and the list; the right side may be one relation. */
    {"(in)", "a*", 'b', NEVER, .write = kql_write_in},
    {"(!in)", "a*", 'b', NEVER, .write = kql_write_in},
    {"(in~)", "a*", 'b', NEVER, .write = kql_write_in},
    {"(!in~)", "a*", 'b', NEVER, .write = kql_write_in},
    {"(in array)", "sy", 'b', MAYBE, .duckdb = "coalesce(weir_in_array($1, $2), false)",
     .duckdb_filter = "weir_in_array($1, $2)"},
    {"(!in array)", "sy", 'b', NEVER, .duckdb = "(not coalesce(weir_in_array($1, $2), false))"},
    {"(in~ array)", "sy", 'b', MAYBE, .duckdb = "coalesce(weir_in_array_fold($1, $2), false)",
     .duckdb_unicode = "coalesce(weir_in_array(lower($1), lower($2)), false)"},
    {"(!in~ array)", "sy", 'b', NEVER,
     .duckdb = "(not coalesce(weir_in_array_fold($1, $2), false))",
     .duckdb_unicode = "(not coalesce(weir_in_array(lower($1), lower($2)), false))"},
    /* A relation's first column as a dynamic array of texts, for has_any; as one value, for toscalar. */
    {"(array of)", "a", 'y', NEVER, .write = kql_write_array_of},
    {"(scalar of)", "a", '1', MAYBE, .write = kql_write_scalar_of},
    /* Paths. */
    {"(path)", "ys", 'y', MAYBE, .duckdb = "weir_get($1, $2)"},
    {"(step)", "ys", 'y', MAYBE, .duckdb = "weir_get_key($1, $2)"},
    {"(step)", "yl", 'y', MAYBE, .duckdb = "weir_get_at($1, $2)"},
    /* Any value as dynamic: JSON text. */
    {"(dynamic)", "y", 'y', STRICT, .duckdb = "$1"},
    {"(dynamic)", "s", 'y', STRICT, .duckdb = "weir_json_text($1)"},
    {"(dynamic)", "b", 'y', STRICT,
     .duckdb = "(case $1 when true then 'true' when false then 'false' end)"},
    {"(dynamic)", "l", 'y', STRICT, .duckdb = "cast($1 as varchar)"},
    {"(dynamic)", "r", 'y', STRICT, .duckdb = "weir_json_real($1)"},
    {"(dynamic)", "x", 'y', STRICT, .duckdb = "$1"},
    {"(dynamic)", "g", 'y', STRICT, .duckdb = "('\"' || $1 || '\"')"},
    {"(dynamic)", "d", 'y', STRICT, .duckdb = "('\"' || weir_datetime_text($1) || '\"')"},
    {"(dynamic)", "t", 'y', STRICT, .duckdb = "('\"' || weir_timespan_text($1) || '\"')"},
    /* Kinds of number. */
    {"(long)", "i", 'l', STRICT, .duckdb = "cast($1 as bigint)"},
    {"(real)", "l", 'r', STRICT, .duckdb = "cast($1 as double)"},
    /* Shapes of any length. */
    {"(case)", "a*", '2', MAYBE, .write = kql_write_case},
    {"(coalesce)", "a*", '1', MAYBE, .duckdb = "coalesce($*)"},
    {"(coalesce text)", "s*", 's', NEVER, .write = kql_write_coalesce_text},
    {"(text)", "s", 's', NEVER, .duckdb = "coalesce($1, '')"},
    {"(min_of)", "a*", '1', STRICT, .duckdb = "least($*)"},
    {"(max_of)", "a*", '1', STRICT, .duckdb = "greatest($*)"},
    {"(concat)", "s*", 's', STRICT, .duckdb = "concat($*)"},
    {"(array)", "y*", 'y', NEVER, .write = kql_write_array},
    {"(bag)", "y*", 'y', NEVER, .write = kql_write_bag},
    {"(bag of all)", "y*", 'y', NEVER, .write = kql_write_bag},
    {"(sum of)", "l*", 'l', NEVER, .write = kql_write_sum_of},
    /* Size of a value, for estimate_data_size: see bind_special.c. */
    {"(size of text)", "s", 'l', NEVER, .duckdb = "strlen($1)"},
    {"(size of dynamic)", "y", 'l', NEVER, .duckdb = "2 * coalesce(strlen($1), 0)"},
    /* Functions of the rows' order. */
    {"(row_number)", "l", 'l', NEVER, .duckdb = "(row_number() over ($o) + $1 - 1)",
     .kind = KQL_WINDOW},
    {"(row_cumsum)", "l", 'l', NEVER,
     .duckdb = "coalesce(weir_low64(sum($1) over ($o rows unbounded preceding)), 0)",
     .kind = KQL_WINDOW},
    {"(row_cumsum)", "r", 'r', NEVER,
     .duckdb = "coalesce(sum($1) over ($o rows unbounded preceding), 0)", .kind = KQL_WINDOW},
    {"(row_cumsum)", "t", 't', NEVER,
     .duckdb = "coalesce(weir_low64(sum($1) over ($o rows unbounded preceding)), 0)",
     .kind = KQL_WINDOW},
    {"(prev)", "aL", '1', MAYBE, .duckdb = "lag($1, $2) over ($o)", .kind = KQL_WINDOW},
    {"(prev)", "aLa", '1', MAYBE, .duckdb = "lag($1, $2, $3) over ($o)", .kind = KQL_WINDOW},
    {"(next)", "aL", '1', MAYBE, .duckdb = "lead($1, $2) over ($o)", .kind = KQL_WINDOW},
    {"(next)", "aLa", '1', MAYBE, .duckdb = "lead($1, $2, $3) over ($o)", .kind = KQL_WINDOW},
};

const size_t kql_rows_operator_count = sizeof kql_rows_operator / sizeof *kql_rows_operator;
