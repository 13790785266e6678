/* The function table: aggregates. Those that give several columns (arg_max, percentiles, take_any(*)) are bound
 * by bind_summarize.c with the rows in parentheses. */

#include "kql/function.h"

#define STRICT .nulls = KQL_STRICT
#define NEVER .nulls = KQL_NEVER
#define MAYBE .nulls = KQL_MAYBE
#define NAMED(text) .naming = KQL_PREFIX, .prefix = text, .kind = KQL_AGGREGATE

/* sum: the low 64 bits of the exact sum, so that it wraps as 64-bit addition does, in whatever order. */
#define SUM_LONG "coalesce(weir_low64(sum($1)), 0)"
#define SUM_LONG_IF "coalesce(weir_low64(sum($1) filter (where $2)), 0)"
/* The mean of times, exact to the tick. */
#define AVG_TICK "weir_low64(sum($1) // count($1))"
#define AVG_TICK_IF "weir_low64((sum($1) filter (where $2)) // (count($1) filter (where $2)))"
/* The engine's own raise an error over NaN and infinities; the answer over them is NaN. */
#define SPREAD(function, kept, all)                                                                \
    "coalesce(case when bool_or(not isfinite($1)) " all " then 'nan'::double else " function       \
    "($1) filter (where isfinite($1)" kept ") end, 0)"
#define SAMPLE(function) SPREAD(function, "", "")
#define SAMPLE_IF(function) SPREAD(function, " and $2", "filter (where $2)")
/* Lists are put together from JSON texts; $1 is dynamic. */
#define LIST(inside) "('[' || coalesce(array_to_string(" inside ", ','), '') || ']')"
#define KEPT "filter (where $1 is not null)"
#define KEPT_IF "filter (where $2 and $1 is not null)"
/* Sets are in the order of their texts, so that they are the same each time. A set of arrays holds their elements. */
#define DISTINCT(kept) "list_sort(list(distinct $1) " kept ")"
#define UNITED(kept)                                                                               \
    "list_sort(list_distinct(flatten(list(case when json_type($1) = 'ARRAY' then "                 \
    "cast(json_extract($1, '$[*]') as varchar[]) else [$1] end) " kept ")))"

const struct kql_function kql_rows_aggregate[] = {
    {"avg", "r", 'r', NEVER, .duckdb = "coalesce(avg($1), 'nan'::double)", NAMED("avg")},
    {"avg", "t", 't', MAYBE, .duckdb = AVG_TICK, NAMED("avg")},
    {"avg", "d", 'd', MAYBE, .duckdb = AVG_TICK, NAMED("avg")},
    {"avgif", "rb", 'r', NEVER, .duckdb = "coalesce(avg($1) filter (where $2), 'nan'::double)",
     NAMED("avgif")},
    {"avgif", "tb", 't', MAYBE, .duckdb = AVG_TICK_IF, NAMED("avgif")},
    {"avgif", "db", 'd', MAYBE, .duckdb = AVG_TICK_IF, NAMED("avgif")},
    {"count", "", 'l', NEVER, .duckdb = "count(*)", NAMED("count")},
    {"count", "a", 'l', NEVER, .duckdb = "count(*)", NAMED("count")},
    {"count_distinct", "k", 'l', NEVER, .duckdb = "count(distinct $1)", NAMED("count_distinct")},
    {"count_distinctif", "kb", 'l', NEVER, .duckdb = "count(distinct $1) filter (where $2)",
     NAMED("count_distinctif")},
    {"countif", "b", 'l', NEVER, .duckdb = "count(*) filter (where $1)", NAMED("countif")},
    {"dcount", "a", 'l', NEVER, .duckdb = "count(distinct $1)", NAMED("dcount")},
    {"dcount", "aL", 'l', NEVER, .duckdb = "count(distinct $1)", NAMED("dcount")},
    {"dcountif", "ab", 'l', NEVER, .duckdb = "count(distinct $1) filter (where $2)",
     NAMED("dcountif")},
    {"dcountif", "abL", 'l', NEVER, .duckdb = "count(distinct $1) filter (where $2)",
     NAMED("dcountif")},
    {"make_list", "j", 'y', NEVER, .duckdb = LIST("list($1 $o) " KEPT), NAMED("list")},
    {"make_list", "jL", 'y', NEVER, .duckdb = LIST("(list($1 $o) " KEPT ")[1:$2]"), NAMED("list")},
    {"make_list_if", "jb", 'y', NEVER, .duckdb = LIST("list($1 $o) " KEPT_IF), NAMED("list")},
    {"make_list_if", "jbL", 'y', NEVER, .duckdb = LIST("(list($1 $o) " KEPT_IF ")[1:$3]"),
     NAMED("list")},
    {"make_list_with_nulls", "j", 'y', NEVER, .duckdb = LIST("list(coalesce($1, 'null') $o)"),
     NAMED("list")},
    {"make_set", "y", 'y', NEVER, .duckdb = LIST(UNITED(KEPT)), NAMED("set")},
    {"make_set", "j", 'y', NEVER, .duckdb = LIST(DISTINCT(KEPT)), NAMED("set")},
    {"make_set", "yL", 'y', NEVER, .duckdb = LIST(UNITED(KEPT) "[1:$2]"), NAMED("set")},
    {"make_set", "jL", 'y', NEVER, .duckdb = LIST(DISTINCT(KEPT) "[1:$2]"), NAMED("set")},
    {"make_set_if", "yb", 'y', NEVER, .duckdb = LIST(UNITED(KEPT_IF)), NAMED("set")},
    {"make_set_if", "jb", 'y', NEVER, .duckdb = LIST(DISTINCT(KEPT_IF)), NAMED("set")},
    {"make_set_if", "ybL", 'y', NEVER, .duckdb = LIST(UNITED(KEPT_IF) "[1:$3]"), NAMED("set")},
    {"make_set_if", "jbL", 'y', NEVER, .duckdb = LIST(DISTINCT(KEPT_IF) "[1:$3]"), NAMED("set")},
    /* The old spellings keep 128 elements. */
    {"makelist", "j", 'y', NEVER, .duckdb = LIST("(list($1 $o) " KEPT ")[1:128]"), NAMED("list")},
    {"makelist", "jL", 'y', NEVER, .duckdb = LIST("(list($1 $o) " KEPT ")[1:$2]"), NAMED("list")},
    {"makeset", "y", 'y', NEVER, .duckdb = LIST(UNITED(KEPT) "[1:128]"), NAMED("set")},
    {"makeset", "j", 'y', NEVER, .duckdb = LIST(DISTINCT(KEPT) "[1:128]"), NAMED("set")},
    {"makeset", "yL", 'y', NEVER, .duckdb = LIST(UNITED(KEPT) "[1:$2]"), NAMED("set")},
    {"makeset", "jL", 'y', NEVER, .duckdb = LIST(DISTINCT(KEPT) "[1:$2]"), NAMED("set")},
    {"max", "k", '1', MAYBE, .duckdb = "max($1)", NAMED("max")},
    {"maxif", "kb", '1', MAYBE, .duckdb = "max($1) filter (where $2)", NAMED("maxif")},
    {"min", "k", '1', MAYBE, .duckdb = "min($1)", NAMED("min")},
    {"minif", "kb", '1', MAYBE, .duckdb = "min($1) filter (where $2)", NAMED("minif")},
    {"stdev", "r", 'r', NEVER, .duckdb = SAMPLE("stddev_samp"), NAMED("stdev")},
    {"stdevif", "rb", 'r', NEVER, .duckdb = SAMPLE_IF("stddev_samp"), NAMED("stdevif")},
    {"stdevp", "r", 'r', NEVER, .duckdb = SAMPLE("stddev_pop"), NAMED("stdevp")},
    {"sum", "l", 'l', NEVER, .duckdb = SUM_LONG, NAMED("sum")},
    {"sum", "r", 'r', NEVER, .duckdb = "coalesce(sum($1), 0)", NAMED("sum")},
    {"sum", "t", 't', NEVER, .duckdb = SUM_LONG, NAMED("sum")},
    {"sumif", "lb", 'l', NEVER, .duckdb = SUM_LONG_IF, NAMED("sumif")},
    {"sumif", "rb", 'r', NEVER, .duckdb = "coalesce(sum($1) filter (where $2), 0)", NAMED("sumif")},
    {"sumif", "tb", 't', NEVER, .duckdb = SUM_LONG_IF, NAMED("sumif")},
    {"take_anyif", "ab", '1', MAYBE, .duckdb = "any_value($1) filter (where $2)",
     .naming = KQL_FIRST, .kind = KQL_AGGREGATE},
    {"variance", "r", 'r', NEVER, .duckdb = SAMPLE("var_samp"), NAMED("variance")},
    {"varianceif", "rb", 'r', NEVER, .duckdb = SAMPLE_IF("var_samp"), NAMED("varianceif")},
    {"variancep", "r", 'r', NEVER, .duckdb = SAMPLE("var_pop"), NAMED("variancep")},
    /* The value of $1 in the row where $2 is greatest, least; in any row. The p-th percentile: nearest rank. */
    {"(at max)", "aa", '1', MAYBE, .duckdb = "coalesce(arg_max({'v': $1}, $2), first({'v': $1})).v",
     .kind = KQL_AGGREGATE},
    {"(at min)", "aa", '1', MAYBE, .duckdb = "coalesce(arg_min({'v': $1}, $2), first({'v': $1})).v",
     .kind = KQL_AGGREGATE},
    {"(any)", "s", 's', MAYBE, .duckdb = "any_value(nullif($1, ''))", .kind = KQL_AGGREGATE},
    {"(any)", "a", '1', MAYBE, .duckdb = "any_value($1)", .kind = KQL_AGGREGATE},
    {"(any row)", "a", '1', MAYBE, .duckdb = "first($1)", .kind = KQL_AGGREGATE},
    {"(percentile)", "kR", '1', MAYBE, .duckdb = "quantile_disc($1, $2)", .kind = KQL_AGGREGATE},
};

const size_t kql_rows_aggregate_count = sizeof kql_rows_aggregate / sizeof *kql_rows_aggregate;
