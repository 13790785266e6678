/* The SQL functions that KQL's SQL for DuckDB calls and that DuckDB does not have: the contract between the
 * SQL writer here and engine/duckdb, which registers them.
 *
 * X(name, arguments, result): the SQL function weir_<name>. One letter a type:
 *
 *     b BOOLEAN   i INTEGER   l BIGINT   r DOUBLE   s VARCHAR   h HUGEINT
 *
 * Null rule, the same for all: when any argument is null the result is null (DuckDB's default). A function may
 * return null for other reasons where its line says so. None is volatile, none raises an error on any value.
 * The SQL itself turns a null text into '' where KQL has no null (strings).
 *
 * Words used below
 *   tick       a datetime or timespan, as in base/tick.h
 *   json       a dynamic value as JSON text (a text has its quotes). Arguments are valid JSON as the engine
 *              holds them; text that is not valid JSON counts as a JSON string holding that text.
 *   written    JSON that is returned is compact: no blanks, keys in the order of the input, number texts
 *              unchanged, texts with the least escapes.
 *   character  a Unicode code point of UTF-8 text; an invalid byte counts as one.
 *   folded     compared with ASCII letters A-Z taken as a-z and all other bytes as they are. (Where a text
 *              may hold other letters the SQL lowers both sides with lower() and calls the exact form.)
 *   term       a maximal run of [A-Za-z0-9].
 */
#ifndef WEIR_KQL_DUCKDB_FUNCTIONS_H
#define WEIR_KQL_DUCKDB_FUNCTIONS_H

/* Terms. has(text, word): word stands somewhere in text such that, on each side where word itself begins or
 * ends with a character of a term, no character of a term adjoins it. An empty word is in every text. hasprefix asks
 * only for the left boundary, hassuffix only for the right one. has_any and has_all take a json array of
 * words; elements that are not texts count as their dynamic_text; an empty array gives false for has_any,
 * true for has_all; json that is no array counts as an array of one. Those without _cs are folded. */
#define KQL_DUCKDB_TERMS(X)                                                                        \
    X(has, "ss", 'b')                                                                              \
    X(has_cs, "ss", 'b')                                                                           \
    X(hasprefix, "ss", 'b')                                                                        \
    X(hasprefix_cs, "ss", 'b')                                                                     \
    X(hassuffix, "ss", 'b')                                                                        \
    X(hassuffix_cs, "ss", 'b')                                                                     \
    X(has_any, "ss", 'b')                                                                          \
    X(has_any_cs, "ss", 'b')                                                                       \
    X(has_all, "ss", 'b')                                                                          \
    X(has_all_cs, "ss", 'b')

/* Text, folded: equality, part, beginning, end.
 * in_array(text, json array): some element's dynamic_text equals text; in_array_fold the same folded.
 * substring(text, start, length): characters; start < 0 counts from the end (clamped to 0); length < 0 gives
 *     all up to the end; out of range gives ''.
 * indexof(text, part, start, length, occurrence): 0-based character position of the occurrence-th match,
 *     or -1. Each match lies whole within `length` characters from where its search began: start, then one
 *     character behind the match before. start < 0 counts from the end; length -1: to the end. null when length <
 *     -1 or occurrence < 1.
 * split(text, delimiter): json array of texts; an empty delimiter gives an array of the whole text.
 * split_at(text, delimiter, index): json array with that one part, or [] when there is none; index < 0 gives [].
 * countof(text, part): occurrences, overlapping ones too; 0 for an empty part.
 * tohex(value, digits): lower case, two's complement of 64 bits, padded with 0 to `digits` (at most 16). */
#define KQL_DUCKDB_TEXT(X)                                                                         \
    X(equals, "ss", 'b')                                                                           \
    X(contains, "ss", 'b')                                                                         \
    X(starts, "ss", 'b')                                                                           \
    X(ends, "ss", 'b')                                                                             \
    X(in_array, "ss", 'b')                                                                         \
    X(in_array_fold, "ss", 'b')                                                                    \
    X(substring, "sll", 's')                                                                       \
    X(indexof, "sslll", 'l')                                                                       \
    X(split, "ss", 's')                                                                            \
    X(split_at, "ssl", 's')                                                                        \
    X(countof, "ss", 'l')                                                                          \
    X(tohex, "ll", 's')

/* Text to value and back; null when the text (trimmed of blanks and tabs) is not one.
 * to_long: [+-]digits, or 0x and hex digits; null when out of range. Nothing else ("5.7" gives null).
 * to_real: [+-]decimal with or without fraction and exponent; nan, inf, infinity, -inf without case.
 * to_decimal: the decimal text in canonical form: no plus, no leading zeros, no exponent, a zero before the point.
 * to_bool: true, false without case; a to_long number: not 0.
 * to_guid: 32 hex digits with hyphens anywhere between them, in braces or not; lower case, hyphenated.
 * to_datetime: tick_parse, also with 1-digit month, day, hour; yyyy-MM, yyyy; M/d/yyyy and M-d-yyyy with optional
 *     time [ h:mm[:ss[.fffffff]]][ AM|PM]; RFC 822 and RFC 850 as the reference page "The datetime data type" lists them.
 * to_timespan: timespan_parse ([-][d.]hh:mm[:ss[.fffffff]]); number with a unit of a KQL literal (4d, 1.5h, 25min);
 *     a bare number: days.
 * datetime_text: tick_format_full: 2022-02-26T12:41:19.2909747Z. timespan_text: timespan_format.
 * real_text: the shortest decimal that reads back as the same double; ".0" behind a whole number that needs no
 *     exponent; NaN, Infinity, -Infinity. */
#define KQL_DUCKDB_CONVERT(X)                                                                      \
    X(to_long, "s", 'l')                                                                           \
    X(to_real, "s", 'r')                                                                           \
    X(to_decimal, "s", 's')                                                                        \
    X(to_bool, "s", 'b')                                                                           \
    X(to_guid, "s", 's')                                                                           \
    X(to_datetime, "s", 'l')                                                                       \
    X(to_timespan, "s", 'l')                                                                       \
    X(datetime_text, "l", 's')                                                                     \
    X(timespan_text, "l", 's')                                                                     \
    X(real_text, "r", 's')

/* Dynamic.
 * parse_json(text): text as json, written; the empty text gives null; the text null gives null; text that is no JSON
 *     gives a json string holding it.
 * get(json, path): path is a json array of keys and positions, ["a","b",0,-1]: steps down one by one; a position
 *     < 0 counts from the end. null when a step finds nothing, the wrong kind, or JSON null. An input that is a
 *     json string holding an object or array is NOT parsed. Of equal keys the last one counts.
 * get_key(json, key), get_at(json, position): one step.
 * dynamic_text(json): a json string without quotes and escapes; JSON null gives ''; anything else as written.
 * dynamic_long(json): number with its fraction cut off; true 1, false 0; string as to_long; null otherwise or out of
 *     range. dynamic_real, dynamic_bool (number: not 0) likewise.
 * dynamic_compare(json, json): -1, 0, 1 when both are numbers (compared exactly: 2 and 2.0 are equal, integers of 64 bits
 *     are not rounded), both strings (bytes), or both booleans (false < true). One string and one number or boolean:
 *     the string's text against the other's text, equal 0 otherwise by bytes. Arrays and objects, both: 0 when the written
 *     texts are equal, else null. null otherwise.
 * dynamic_type(json): array, dictionary, long (a number without fraction and exponent), double, string, bool, null.
 * array_length(json): null when it is no array.
 * bag_keys(json): json array of the keys in order; null when it is no object.
 * json_text(text): text as json string. json_real(real): real_text when it is finite (the reference shows make_set of 5.0 as [5.0]); a json string otherwise. */
#define KQL_DUCKDB_DYNAMIC(X)                                                                      \
    X(parse_json, "s", 's')                                                                        \
    X(get, "ss", 's')                                                                              \
    X(get_key, "ss", 's')                                                                          \
    X(get_at, "sl", 's')                                                                           \
    X(dynamic_text, "s", 's')                                                                      \
    X(dynamic_long, "s", 'l')                                                                      \
    X(dynamic_real, "s", 'r')                                                                      \
    X(dynamic_bool, "s", 'b')                                                                      \
    X(dynamic_compare, "ss", 'i')                                                                  \
    X(dynamic_type, "s", 's')                                                                      \
    X(array_length, "s", 'l')                                                                      \
    X(bag_keys, "s", 's')                                                                          \
    X(json_text, "s", 's')                                                                         \
    X(json_real, "r", 's')

/* Numbers. add, sub, mul: 64 bits, wrapping around. div: truncated; mod: 0 <= result < |divisor|; both null when
 * the divisor is 0, and div wraps for INT64_MIN / -1. real_mod: fmod moved into [0, |divisor|); null for divisor 0.
 * bin(value, step): the largest multiple of step at or below value; null when step <= 0 or it would leave 64
 * bits. bin_real: floor(value / step) * step; null when step <= 0.
 * shift_left, shift_right(value, n): by n % 64, the right one arithmetic; null when n < 0.
 * low64: the low 64 bits. real_long(real): fraction cut off; null when NaN or out of range.
 * round(real, digits): half away from zero at that decimal digit, digits may be negative. */
#define KQL_DUCKDB_NUMBER(X)                                                                       \
    X(add, "ll", 'l')                                                                              \
    X(sub, "ll", 'l')                                                                              \
    X(mul, "ll", 'l')                                                                              \
    X(div, "ll", 'l')                                                                              \
    X(mod, "ll", 'l')                                                                              \
    X(real_mod, "rr", 'r')                                                                         \
    X(bin, "ll", 'l')                                                                              \
    X(bin_real, "rr", 'r')                                                                         \
    X(shift_left, "ll", 'l')                                                                       \
    X(shift_right, "ll", 'l')                                                                      \
    X(low64, "h", 'l')                                                                             \
    X(real_long, "r", 'l')                                                                         \
    X(round, "rl", 'r')

/* Time. time_add(datetime, span), time_sub(datetime, span): null outside 0..TICK_MAX. span_add, span_sub, span_mul(span, long):
 * null when it leaves 64 bits. span_mul_real, span_div_real(span, real): rounded toward zero; null when NaN or out of 64 bits.
 * `unit` below, without case: year quarter month week day hour minute second millisecond microsecond nanosecond;
 * null for any other text.
 * datetime_part(unit, datetime): also week_of_year (ISO 8601), dayofyear, dayofweek (Sunday 0). The part of the next
 *     larger unit; millisecond, microsecond, nanosecond are the whole fraction of the second in that unit.
 * datetime_add(unit, n, datetime): year, quarter, month keep the day or take the month's last; null out of range.
 * datetime_diff(unit, a, b): boundaries of the unit between b and a: part numbers subtracted (weeks begin on
 *     Sunday), so it is negative when a < b; nanosecond is ticks * 100.
 * startof, endof(unit day week month year or hour, datetime, n): start of the unit that holds datetime, moved by n units; its last
 *     tick; null out of range. Weeks begin on Sunday; the week of 0001-01-01 has no start.
 * make_datetime(y, M, d, h, m, s): null when a part is out of range; s with 7 digits of fraction, rounded.
 * format_datetime, format_timespan(tick, format): as the reference pages say; a character that is neither specifier
 *     nor delimiter (blank / - : , . _ [ ]) gives null. A negative timespan has "-" in front. */
#define KQL_DUCKDB_TIME(X)                                                                         \
    X(time_add, "ll", 'l')                                                                         \
    X(time_sub, "ll", 'l')                                                                         \
    X(span_add, "ll", 'l')                                                                         \
    X(span_sub, "ll", 'l')                                                                         \
    X(span_mul, "ll", 'l')                                                                         \
    X(span_mul_real, "lr", 'l')                                                                    \
    X(span_div_real, "lr", 'l')                                                                    \
    X(datetime_part, "sl", 'l')                                                                    \
    X(datetime_add, "sll", 'l')                                                                    \
    X(datetime_diff, "sll", 'l')                                                                   \
    X(startof, "sll", 'l')                                                                         \
    X(endof, "sll", 'l')                                                                           \
    X(make_datetime, "lllllr", 'l')                                                                \
    X(format_datetime, "ls", 's')                                                                  \
    X(format_timespan, "ls", 's')

/* Hashes: XXH64 with seed 0, read as signed, of the UTF-8 bytes of a text; of the 8 bytes, least first, of a
 * long, datetime, timespan; of the 8 bytes of a real. (Checked with the reference: "World" gives 1846988464401551951,
 * datetime(2015-01-01) gives 1380966698541616202.) */
#define KQL_DUCKDB_HASH(X)                                                                         \
    X(hash_text, "s", 'l')                                                                         \
    X(hash_long, "l", 'l')                                                                         \
    X(hash_real, "r", 'l')

#define KQL_DUCKDB_FUNCTIONS(X)                                                                    \
    KQL_DUCKDB_TERMS(X)                                                                            \
    KQL_DUCKDB_TEXT(X)                                                                             \
    KQL_DUCKDB_CONVERT(X)                                                                          \
    KQL_DUCKDB_DYNAMIC(X)                                                                          \
    KQL_DUCKDB_NUMBER(X)                                                                           \
    KQL_DUCKDB_TIME(X)                                                                             \
    KQL_DUCKDB_HASH(X)

#endif
