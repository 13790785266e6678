/* CSV: the cells of one record (RFC 4180), whose borders cut.h has found.
 *
 * A cell that begins with a quote ends with the next quote that is not doubled; behind it stands the separator or the
 * record's end. In any other cell a quote is a character like others. Cells keep their blanks.
 */
#ifndef WEIR_PARTITION_CSV_H
#define WEIR_PARTITION_CSV_H

#include "base/text.h"

enum { PART_CSV_CELLS_MAX = 4096 };

struct part_csv_cell {
    struct str text; /* inside the quotes, as it came */
    bool doubled;    /* there are doubled quotes in it */
};

/* The separator of a header: which of comma, semicolon and tab stands in it most often, outside of quotes. */
char part_csv_separator(struct str header);

/* Splits a record without its line end. False: it is no valid record, or has more than `room` cells. */
bool part_csv_split(struct str record, char separator, struct part_csv_cell *cells, size_t room,
                    size_t *count);

/* What a cell says, without doubled quotes: lent from it, or put into `scratch` (reset first). */
bool part_csv_text(const struct part_csv_cell *cell, struct buf *scratch, struct str *out);

#endif
