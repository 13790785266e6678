/* What is known of a table's columns, for row.c and block.c. Internal to this room.
 *
 * The feed of a row is what its identity is the hash of: for each column with a value its number and its mark, in the order of
 * the columns.
 */
#ifndef WEIR_LAKE_ROWS_H
#define WEIR_LAKE_ROWS_H

#include "lake/mark.h"
#include "lake/row.h"
#include "json/lines.h"

enum { MARK_WORDS = 4 /* of a column in the feed: its number, kind and 128 bits */ };

/* A key that is no column. */
struct extra {
    uint64_t key[2];
    size_t place; /* in the line */
    struct mark mark;
};

/* Another place of a row's time, or another form of TimeGenerated itself. */
struct place {
    size_t key;
    enum { PLACE_ISO, PLACE_US, PLACE_SECONDS, PLACE_MILLISECONDS } form;
    enum { ZONE_NONE, ZONE_UTC, ZONE_OTHER } zone; /* of a text that names none */
};

struct lake_rows {
    struct columns columns;
    struct str *
        keys; /* those of the columns; behind them `_ItemId` and those of places, where they are none */
    size_t n_keys, time, item;
    size_t *sorted; /* the columns by name */
    struct place places[LAKE_FROM_MAX];
    size_t n_places;
    bool unsure;        /* TimeGenerated itself may be of a zone that is not known here */
    struct arena names; /* of places */
    struct extra *extras;
    size_t n_extras, extras_room;
    bool *in_value;
    struct json_lines *lines;
    struct marks marks;
    uint64_t *feed; /* MARK_WORDS for each column */
};

/* What another place says of a row's time. Unsure: only a reader who knows all zones and forms can tell. */
enum told { TOLD_NONE, TOLD_TIME, TOLD_UNSURE };
enum told rows_tell_text(const struct place *place, struct str text, int64_t *tick);

/* Of the columns and of what is none. */
struct lake_row_key rows_whole_of(const struct lake_row_key *columns,
                                  const struct lake_row_key *extras);

#endif
