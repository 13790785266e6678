/* What a scan of rows gave, as one text: so that two scans can be compared, and a scan with what a test expects.
 *
 *     0:s:abc|3:n:12.5;          a row: column, kind, text of each cell
 *     ended
 *     error: row 2 is not valid: ...
 */
#ifndef WEIR_TESTS_JSON_TRANSCRIPT_H
#define WEIR_TESTS_JSON_TRANSCRIPT_H

#include "base/memory.h"
#include "json/rows.h"

enum { TRANSCRIPT_MAX = 1 << 28, TRANSCRIPT_BEHIND = 64 };

struct transcript {
    struct buf text;
    unsigned seen; /* of the bytes behind rows, so that reading them is not left out */
};

static inline bool transcript_row(void *context, const struct json_row *row, struct error *err)
{
    struct transcript *transcript = context;
    (void) err;
    for (size_t i = 0; i < row->count; i++) {
        const struct json_cell *cell = row->cells + i;
        buf_printf(&transcript->text, "%s%u:%c%s:", i > 0 ? "|" : "", cell->column,
                   "?-ftnsao"[cell->kind], cell -> escaped ? "e" : "");
        buf_put(&transcript->text, row->bytes + cell->start, cell->length);
    }
    buf_puts(&transcript->text, ";");
    for (size_t i = 0; i < TRANSCRIPT_BEHIND; i++)
        transcript->seen += (unsigned char) row->bytes[row->length + i];
    return true;
}

/* Feeds a copy of the piece that has nothing behind it. */
static inline bool transcript_feed(struct json_rows *rows, const char *bytes, size_t n,
                                   size_t *used, bool *ended, struct error *err)
{
    char *alone = mem_resize(NULL, n > 0 ? n : 1, 1, err);
    if (alone == NULL)
        return false;
    memcpy(alone, bytes, n);
    bool ok = json_rows_feed(rows, alone, n, used, ended, err);
    mem_free(alone);
    return ok;
}

/* Scans text in pieces: the i-th ends at cuts[i], the last at its end. */
static inline void transcript_scan(struct transcript *out, const struct json_rows_options *options,
                                   struct str text, const size_t *cuts, size_t n_cuts)
{
    struct error err = ERROR_INIT;
    struct json_rows_options all = *options;
    bool ended = false, ok = true;
    size_t at = 0;
    buf_init(&out->text, TRANSCRIPT_MAX);
    all.row = transcript_row;
    all.context = out;
    struct json_rows *rows = json_rows_new(&all, &err);
    for (size_t i = 0; ok && !ended && rows != NULL && i <= n_cuts; i++) {
        size_t end = i < n_cuts ? cuts[i] : text.n, used = 0;
        ok = transcript_feed(rows, text.p + at, end - at, &used, &ended, &err);
        at += used;
    }
    if (!ok || rows == NULL)
        buf_printf(&out->text, "error: %s", err.message);
    else if (ended)
        buf_printf(&out->text, "ended at %zu", at);
    json_rows_free(rows);
}

static inline void transcript_release(struct transcript *transcript)
{
    buf_release(&transcript->text);
}

#endif
