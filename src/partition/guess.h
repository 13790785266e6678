/* Guess: which column is a row's time, and how it is to be read, by the first rows of an input.
 *
 *     1. what --time-column names
 *     2. TimeGenerated
 *     3. "TimeGenerated [UTC]": the portal's header, with the zone of its values
 *     4. ts, in Zeek's logs (there a number is a time: seconds since 1970)
 *     5. the only column that has a time in every row
 *
 * Else the input is refused with the columns that could be meant. So it is when no row has a time in the column.
 */
#ifndef WEIR_PARTITION_GUESS_H
#define WEIR_PARTITION_GUESS_H

#include "lake/schema.h"
#include "partition/time.h"

enum {
    PART_GUESS_ROWS = 1000,    /* looked at, or so many as stand in the first bytes */
    PART_GUESS_KEYS_MAX = 4096 /* of which a time can be told */
};

struct part_guess;

struct part_guess *part_guess_new(struct error *err);
void part_guess_free(struct part_guess *guess); /* NULL is fine */

/* What is in a row: begins one, then each of its values. `key` is decoded; the value as in part_time_value. */
void part_guess_row(struct part_guess *guess);
bool part_guess_value(struct part_guess *guess, struct str key, enum json_kind kind, bool escaped,
                      struct str value, struct error *err);
uint64_t part_guess_rows(const struct part_guess *guess);

struct part_guess_wish {
    const char *input;                  /* for messages */
    const char *column, *format, *zone; /* --time-…; NULL: not given */
    struct part_zones *zones;           /* in which time->zone is found; it outlives the time */
    const struct lake_from *from;       /* by which readers of the table find times already */
    size_t n_from;
    bool converted; /* lines get a TimeGenerated of their own */
};
struct part_guess_told {
    bool guessed; /* neither named nor TimeGenerated itself */
    bool zeek;
};

/* Settles *time (zero before). ERROR_SETTINGS for a format or zone that is not known, for a column that no row has or that
 * cannot be told, and where rows have a TimeGenerated beside the time column, since readers would take that; or a value that is a time by an earlier import's rule (`from`), for the same reason. */
bool part_guess_settle(const struct part_guess *guess, const struct part_guess_wish *wish,
                       struct part_time *time, struct part_guess_told *told, struct error *err);

/* Feeds the members of a valid object. */
bool part_guess_object(struct part_guess *guess, struct str object, struct error *err);

#endif
