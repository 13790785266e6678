/* Cells of CSV; see csv.h. */
#include "partition/csv.h"

char part_csv_separator(struct str header)
{
    static const char separators[] = {',', ';', '\t'};
    size_t counts[sizeof separators] = {0}, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < header.n; i++) {
        quoted ^= header.p[i] == '"';
        for (size_t k = 0; k < sizeof separators; k++)
            counts[k] += !quoted && header.p[i] == separators[k];
    }
    for (size_t k = 1; k < sizeof separators; k++) {
        if (counts[k] > counts[best])
            best = k;
    }
    return separators[best];
}

/* The cell behind the opening quote at *p; *p moves behind the closing one. */
static bool take_quoted(const char **p, const char *end, struct part_csv_cell *cell)
{
    const char *start = ++*p;
    cell->doubled = false;
    for (;;) {
        const char *quote = memchr(*p, '"', (size_t) (end - *p));
        if (!quote)
            return false;
        *p = quote + 1;
        if (*p == end || **p != '"') {
            cell->text = (struct str){start, (size_t) (quote - start)};
            return true;
        }
        cell->doubled = true;
        ++*p;
    }
}

static void take_plain(const char **p, const char *end, char separator, struct part_csv_cell *cell)
{
    const char *start = *p, *stop = memchr(start, separator, (size_t) (end - start));
    *p = stop ? stop : end;
    *cell = (struct part_csv_cell){.text = {start, (size_t) (*p - start)}};
}

bool part_csv_split(struct str record, char separator, struct part_csv_cell *cells, size_t room,
                    size_t *count)
{
    const char *p = record.p, *end = record.p + record.n;
    *count = 0;
    for (;;) {
        if (*count == room)
            return false;
        struct part_csv_cell *cell = &cells[(*count)++];
        if (p < end && *p == '"') {
            if (!take_quoted(&p, end, cell))
                return false;
        } else {
            take_plain(&p, end, separator, cell);
        }
        if (p == end)
            return true;
        if (*p++ != separator)
            return false;
    }
}

bool part_csv_text(const struct part_csv_cell *cell, struct buf *scratch, struct str *out)
{
    *out = cell->text;
    if (!cell->doubled)
        return true;
    buf_reset(scratch);
    if (!buf_reserve(scratch, cell->text.n))
        return false;
    for (size_t i = 0; i < cell->text.n; i++) {
        scratch->bytes[scratch->used++] = cell->text.p[i];
        i += cell->text.p[i] == '"';
    }
    *out = buf_str(scratch);
    return true;
}
