/* Cut: where records begin and end in the bytes of an input: the elements of one JSON array, the records of CSV.
 *
 * The serial half of reading, so it looks for borders alone; what stands between them is read in parallel
 * (source_array.c, csv.h). Bytes are looked at once: a cutter keeps its state when the text ends within a record, and
 * goes on when there is more behind it.
 *
 *     array   elements stand between commas outside of strings and nested brackets. Their brackets are counted, not
 *             matched: an element that is not valid is one element all the same.
 *     CSV     RFC 4180: records end at LF or CRLF outside of quotes; a quote opens where a cell begins, else it is a
 *             character. An open quote ends with the input. The separator is comma, semicolon or tab.
 */
#ifndef WEIR_PARTITION_CUT_H
#define WEIR_PARTITION_CUT_H

#include "partition/source.h"

enum { PART_CUT_KEPT = 8192 /* bytes of a record that is too long, for its reject */ };

enum part_cut_step {
    PART_CUT_MORE,   /* the record, or what is before it, does not end in this text */
    PART_CUT_RECORD, /* *record is set, trimmed of blanks (array) or of its line end (CSV) */
    PART_CUT_END,    /* there are no more */
    PART_CUT_WRONG   /* what stands at `at` cannot be; `problem` says why */
};

/* Zero is a cutter of an array at its beginning; for CSV set `separator`. */
struct part_cutter {
    char separator; /* CSV; 0: an array */

    size_t at;                /* the text is looked at up to here */
    size_t start;             /* of the record that is open */
    size_t counted;           /* the text up to here is in `lines` */
    uint64_t lines;           /* LFs before `counted` */
    uint64_t line;            /* the record's own */
    uint32_t depth;           /* of an array: brackets that are open in the element */
    bool open;                /* within a record */
    bool begun, empty, ended; /* array: '[' was met, nothing behind it yet, ']' was met */
    bool quoted, behind;      /* in a string or quoted cell; behind its backslash or quote */
    bool cell;                /* CSV: a cell begins at `at` */
    bool dropped;             /* bytes of the record were let go: it is too long */
    const char *problem;
};

/* The next record in text[cutter->at ..]; `last`: nothing follows the text. */
enum part_cut_step part_cut(struct part_cutter *cutter, struct str text, bool last,
                            struct part_record *record);

/* Fills piece->raw and piece->records from the stream: what is left of `carry`, then so much that at least one
 * record is whole, and PART_PIECE bytes or more if there are. *end: no record is left. ERROR_FORMAT names the
 * input and its line; `lines` counts those of all pieces. */
bool part_cut_piece(struct part_cutter *cutter, struct part_source *source, struct buf *carry,
                    uint64_t *lines, struct part_piece *piece, bool *end, struct error *err);

#endif
