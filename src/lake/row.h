/* Rows told apart: a line of JSON, whoever wrote it, as an identity that does not depend on how it was written.
 *
 *     rows = lake_rows_new(&columns, &err);
 *     lake_row_read(rows, line, true, &row, &err);       the service's line, or weir's
 *
 * Two lines are of one record when their `_ItemId` are the same; where one has none, when they say the same by value:
 *
 *     datetime, timespan     ticks: 03:05:12.5Z is 03:05:12.5000000Z
 *     int, long, decimal     the number: 1 is 1.0 and 1e0; all digits of a 64-bit integer (and more) count
 *     real                   the double
 *     bool, guid             without case; a guid without braces
 *     string                 its characters, however they are escaped; what is no string, its JSON
 *     dynamic                JSON by value, or a text that holds it: keys in any order, integers exact, other numbers as doubles
 *
 * Null, empty text and an absent key are one. Keys that are no columns are passed over, as are `_ItemId` itself, and
 * `TenantId` and `Type`, which are the same in all rows of a table. A value that is not of its column's type is told
 * apart by its text.
 */
#ifndef WEIR_LAKE_ROW_H
#define WEIR_LAKE_ROW_H

#include "lake/schema.h"

struct lake_row_key {
    uint64_t high, low;
};

struct lake_row {
    int64_t tick;              /* of TimeGenerated */
    bool has_item;             /* its `_ItemId` is not empty */
    int64_t item;              /* hash_xx64 of `_ItemId`, of "" without one, as KQL has it */
    struct lake_row_key id;    /* 128 bits of a hash of it; zero without one */
    struct lake_row_key value; /* the same of all values; zero unless asked for */
};

struct lake_rows; /* what is known of a table's columns; not for threads */

/* TimeGenerated (datetime) must be among the columns, else ERROR_FORMAT. The columns are copied. */
struct lake_rows *lake_rows_new(const struct columns *columns, struct error *err);
void lake_rows_free(struct lake_rows *rows); /* NULL is fine */

/* Where a line whose TimeGenerated is not there or null has its time; to be called before the first line. Copied. The
 * first of these keys whose value is a time counts. A text in a zone that is neither in it nor UTC is no time here. */
bool lake_rows_from(struct lake_rows *rows, const struct lake_from *from, size_t n,
                    struct error *err);

/* Reads one line without its line feed (white space around it is fine, and a byte-order mark before it). ERROR_FORMAT when it
 * is no whole object, or has no TimeGenerated that is a datetime; the next line can be read all the same. */
bool lake_row_read(struct lake_rows *rows, struct str line, bool value, struct lake_row *out,
                   struct error *err);

/* The identity of the whole line: all columns, `_ItemId`, `TenantId` and `Type` too, and each key that is none by its JSON
 * value; of a key that stands twice the last counts. A row may be without a time. TimeGenerated is in it as it stands
 * in the line, else as lake_rows_from finds it; it is left out where that cannot tell. */
bool lake_row_whole(struct lake_rows *rows, struct str line, struct lake_row_key *out,
                    struct error *err);
/* Rows whose values stand apart, by column, as a file of Parquet has them: the identities of lake_row_whole without their
 * lines. At most LAKE_BLOCK_ROWS at a time: begin, then each column that has values, in the order of lake_rows_new, then
 * end. A mask has bit r for row r. */
enum { LAKE_BLOCK_ROWS = 64 };
struct lake_block;
/* The rows are lent for the life of the block, and not to be used otherwise between begin and end. */
struct lake_block *lake_block_new(struct lake_rows *rows, struct error *err);
void lake_block_free(struct lake_block *block); /* NULL is fine */
void lake_block_begin(struct lake_block *block);
/* Values of rows `there`, by the column's type: bool, int32_t (int), double (real), int64_t (long, datetime and timespan in
 * ticks), struct str (all else; a dynamic one as JSON, none of them empty). ERROR_FORMAT for a dynamic that is no JSON. */
bool lake_block_put(struct lake_block *block, size_t column, const void *values, uint64_t there,
                    struct error *err);
/* Adds the identities of rows `wanted` to `sum`; but not of rows in *odd, whose time depends on how another column tells
 * it: they are for lake_row_whole. */
void lake_block_end(struct lake_block *block, uint64_t wanted, struct lake_row_key *sum,
                    uint64_t *odd);

/* The identity of the values of some columns: those for which `chosen` is true, in the order of lake_rows_new. TimeGenerated as
 * above, but what only a reader who knows all zones can tell by its text. *any: not all of them are empty or not there.
 * `filled` (or NULL) is set, and never cleared, for each column with a value. */
bool lake_row_chosen(struct lake_rows *rows, struct str line, const bool *chosen,
                     struct lake_row_key *out, bool *any, bool *filled, struct error *err);
/* Adds modulo 2^128: the sum over rows does not depend on their order. */
void lake_row_sum(struct lake_row_key *sum, const struct lake_row_key *one);

#endif
