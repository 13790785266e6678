/* CSV: records are the same however the text comes; the cells of a record, written again with quotes, are the same cells.
 * Input: step of the cuts, separator, text. */
#include "partition/csv.h"
#include "partition/cut.h"

#include <stdlib.h>

enum { HEAD = 2, RECORDS = 4096, CELLS = 64 };

/* The records of a text that becomes longer by `step` bytes at a time. */
static size_t cut_all(struct str text, size_t step, char separator, struct part_record *records)
{
    struct part_cutter cutter = {.separator = separator};
    size_t n = 0;
    for (size_t seen = step < text.n ? step : text.n;; seen += step) {
        seen = seen < text.n ? seen : text.n;
        while (n < RECORDS && part_cut(&cutter, (struct str){text.p, seen}, seen == text.n,
                                       &records[n]) == PART_CUT_RECORD)
            n++;
        if (seen == text.n || n == RECORDS)
            return n;
    }
}

static void check_cells(struct str record, char separator)
{
    struct part_csv_cell cells[CELLS], again[CELLS];
    struct buf out = BUF_INIT(1 << 22), scratch = BUF_INIT(1 << 20), other = BUF_INIT(1 << 20);
    size_t n, m;
    struct str text, back;
    if (!part_csv_split(record, separator, cells, CELLS, &n))
        return;
    for (size_t i = 0; i < n; i++) {
        if (!part_csv_text(&cells[i], &scratch, &text))
            abort();
        buf_puts(&out, i > 0 ? (char[]){separator, '"', '\0'} : "\"");
        for (size_t k = 0; k < text.n; k++) {
            buf_putc(&out, text.p[k]);
            if (text.p[k] == '"')
                buf_putc(&out, '"');
        }
        buf_putc(&out, '"');
    }
    if (!part_csv_split(buf_str(&out), separator, again, CELLS, &m) || m != n)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (!part_csv_text(&cells[i], &scratch, &text) ||
            !part_csv_text(&again[i], &other, &back) || !str_eq(text, back))
            abort();
    }
    buf_release(&out);
    buf_release(&scratch);
    buf_release(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct part_record whole[RECORDS], parts[RECORDS];
    static const char separators[] = {',', ';', '\t'};
    if (size < HEAD)
        return 0;
    struct str text = {(const char *) data + HEAD, size - HEAD};
    char separator = separators[data[1] % 3];
    size_t n = cut_all(text, text.n + 1, separator, whole);
    size_t m = cut_all(text, (size_t) data[0] + 1, separator, parts);
    if (n != m)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (whole[i].start != parts[i].start || whole[i].length != parts[i].length ||
            whole[i].line != parts[i].line || whole[i].start + whole[i].length > text.n)
            abort();
        check_cells((struct str){text.p + whole[i].start, whole[i].length}, separator);
    }
    return 0;
}
