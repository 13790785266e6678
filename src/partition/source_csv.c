/* CSV, as the portal writes it: a header, then records, each converted to a line of the lake; see source.h.
 *
 * Where records end is found in the serial half (cut.h); cells are split and converted in the parallel half (csv.h,
 * fields.h).
 */
#include "base/memory.h"
#include "partition/csv.h"
#include "partition/cut.h"
#include "partition/fields.h"
#include "partition/guess.h"
#include "partition/stream.h"

struct csv {
    struct part_cutter cutter;
    struct buf carry;
    uint64_t lines; /* of the pieces so far */
    bool headed;    /* the header has been passed */
    struct str *names;
    struct buf header; /* what the names are lent from */
    struct part_fields fields;
};

static bool blank(struct str text)
{
    return str_trim(text).n == 0;
}

/* --- the header ----------------------------------------------------------------------------------------- */

/* The names, which are together no longer than their record. */
static bool keep_names(struct csv *self, struct str record, const struct part_csv_cell *cells,
                       size_t n, struct error *err)
{
    struct buf scratch = BUF_INIT(PART_LINE_MAX);
    buf_init(&self->header, record.n + 1);
    self->names = mem_alloc(n, sizeof *self->names, err);
    bool ok = self->names &&
              (buf_reserve(&self->header, record.n) || buf_ok(&self->header, "a header", err));
    for (size_t i = 0; ok && i < n; i++) {
        struct str text;
        ok = part_csv_text(&cells[i], &scratch, &text) || buf_ok(&scratch, "a header", err);
        if (!ok)
            break;
        text = str_trim(text);
        self->names[i] = (struct str){self->header.bytes + self->header.used, text.n};
        buf_put(&self->header, text.p, text.n);
    }
    buf_release(&scratch);
    return ok;
}

static bool read_header(struct part_source *source, struct str record, struct error *err)
{
    struct csv *self = source->self;
    size_t n;
    self->cutter.separator = part_csv_separator(record);
    struct part_csv_cell *cells = mem_alloc(PART_CSV_CELLS_MAX, sizeof *cells, err);
    if (!cells)
        return false;
    bool ok = part_csv_split(record, self->cutter.separator, cells, PART_CSV_CELLS_MAX, &n) &&
              text_utf8_valid(record);
    if (!ok && n == PART_CSV_CELLS_MAX)
        error_set(err, ERROR_LIMIT, "its header has more than %d columns", PART_CSV_CELLS_MAX);
    else if (!ok)
        error_set(err, ERROR_FORMAT, "its header is no valid record of CSV");
    else if (memchr(record.p, '\r', record.n))
        ok = error_set(err, ERROR_FORMAT,
                       "its header has a carriage return in it: lines end in LF or CRLF");
    ok = ok && keep_names(self, record, cells, n, err) &&
         part_fields_init(&self->fields, self->names, NULL, n, source->options, err) &&
         part_fields_seen(&self->fields, source->options->seen, err);
    mem_free(cells);
    return ok || error_prefix(err, "%s", source->input->name);
}

/* The next record that is not blank. */
static bool next_record(struct part_cutter *cutter, struct str text, bool last,
                        struct part_record *record)
{
    while (part_cut(cutter, text, last, record) == PART_CUT_RECORD) {
        if (!blank((struct str){text.p + record->start, record->length}))
            return true;
    }
    return false;
}

static bool open_csv(struct part_source *source, struct error *err)
{
    struct csv *self = mem_alloc(1, sizeof *self, err);
    source->self = self;
    source->converted = true;
    if (!self)
        return false;
    buf_init(&self->carry, PART_PIECE_BYTES_MAX);
    self->cutter.separator = ',';
    return true;
}

static void close_csv(struct part_source *source)
{
    struct csv *self = source->self;
    if (!self)
        return;
    buf_release(&self->carry);
    buf_release(&self->header);
    part_fields_release(&self->fields);
    mem_free(self->names);
    mem_free(self);
    source->self = NULL;
}

/* --- records -------------------------------------------------------------------------------------------- */

static bool sample_record(struct csv *self, struct str record, struct part_csv_cell *cells,
                          struct buf *scratch, struct part_guess *guess, struct error *err)
{
    size_t n;
    if (!part_csv_split(record, self->cutter.separator, cells, self->fields.n, &n) ||
        n != self->fields.n)
        return true;
    part_guess_row(guess);
    for (size_t i = 0; i < n; i++) {
        struct str text;
        if (!part_csv_text(&cells[i], scratch, &text))
            return buf_ok(scratch, "a cell", err);
        if (!part_guess_value(guess, self->names[i], JSON_KIND_STRING, false, text, err))
            return false;
    }
    return true;
}

static bool sample_csv(struct part_source *source, struct str ahead, bool last,
                       struct part_sample *sample, struct error *err)
{
    struct csv *self = source->self;
    struct part_cutter cutter = {.separator = ','};
    struct part_record record;
    struct buf scratch = BUF_INIT(PART_LINE_MAX);
    if (!next_record(&cutter, ahead, last, &record))
        return true;
    if (!self->names &&
        !read_header(source, (struct str){ahead.p + record.start, record.length}, err))
        return false;
    cutter = (struct part_cutter){.separator = self->cutter.separator};
    (void) next_record(&cutter, ahead, last, &record);
    struct part_csv_cell *cells = mem_alloc(self->fields.n, sizeof *cells, err);
    bool ok = cells != NULL;
    while (ok && part_sample_wants(sample) && next_record(&cutter, ahead, last, &record))
        ok = sample_record(self, (struct str){ahead.p + record.start, record.length}, cells,
                           &scratch, sample->guess, err);
    buf_release(&scratch);
    mem_free(cells);
    return ok;
}

static bool settle_csv(struct part_source *source, struct error *err)
{
    struct csv *self = source->self;
    if (!self->names) /* it is empty */
        return true;
    return part_fields_settle(&self->fields, self->names, &source->time, err) ||
           error_prefix(err, "%s", source->input->name);
}

static bool take_csv(struct part_source *source, struct part_piece *piece, bool *end,
                     struct error *err)
{
    struct csv *self = source->self;
    if (!part_cut_piece(&self->cutter, source, &self->carry, &self->lines, piece, end, err))
        return false;
    size_t i = 0;
    if (self->headed)
        return true;
    for (; !self->headed && i < piece->record_count; i++)
        self->headed = !blank(
            (struct str){piece->raw.bytes + piece->records[i].start, piece->records[i].length});
    piece->record_count -= i;
    if (i > 0)
        memmove(piece->records, piece->records + i, piece->record_count * sizeof *piece->records);
    return true;
}

/* One record as a line behind piece->text, or the reason why not. */
static enum part_reason convert(const struct part_source *source, struct str record,
                                struct part_csv_cell *cells, struct buf *scratch, struct buf *line,
                                struct part_row *row)
{
    const struct csv *self = source->self;
    const struct part_fields *fields = &self->fields;
    struct str text;
    size_t n;
    if (!text_utf8_valid(record) ||
        !part_csv_split(record, self->cutter.separator, cells, fields->n, &n) || n != fields->n)
        return PART_REASON_RECORD;
    if (!part_csv_text(&cells[fields->time], scratch, &text))
        return PART_REASON_LONG;
    enum part_reason reason = part_time_text(&source->time, text, &row->tick);
    if (reason != PART_REASON_NONE)
        return reason;
    row->start = (uint32_t) line->used;
    part_fields_begin(line, row->tick);
    for (size_t i = 0; i < n; i++) {
        if (!part_csv_text(&cells[i], scratch, &text))
            return PART_REASON_LONG;
        part_fields_put(&fields->v[i], text, line);
    }
    part_fields_end(line);
    row->length = (uint32_t) (line->used - row->start - 1);
    return row->length > PART_LINE_MAX ? PART_REASON_LONG : PART_REASON_NONE;
}

static bool take_record(const struct part_source *source, struct part_piece *piece,
                        const struct part_record *record, struct part_csv_cell *cells,
                        struct buf *scratch, struct part_chunk *chunk, struct error *err)
{
    struct str text = {piece->raw.bytes + record->start, record->length};
    struct part_row row = {0};
    struct part_reject reject = {.line = record->line, .reason = record->reason};
    size_t before = piece->text.used;
    if (reject.reason == PART_REASON_NONE && blank(text))
        return true;
    if (reject.reason == PART_REASON_NONE)
        reject.reason = convert(source, text, cells, scratch, &piece->text, &row);
    if (!buf_ok(&piece->text, "a piece of CSV", err) || !buf_ok(scratch, "a cell", err))
        return false;
    if (reject.reason == PART_REASON_NONE)
        return part_chunk_row(chunk, &row, err);
    piece->text.used = before;
    return part_piece_keep(piece, record, &reject, err) && part_chunk_reject(chunk, &reject, err);
}

static bool rows_of_csv(const struct part_source *source, struct part_piece *piece,
                        struct part_chunk *chunk, struct error *err)
{
    const struct csv *self = source->self;
    struct buf scratch = BUF_INIT(PART_LINE_MAX);
    struct part_csv_cell *cells = mem_alloc(self->fields.n, sizeof *cells, err);
    bool ok = cells != NULL;
    buf_reset(&piece->text);
    for (size_t i = 0; ok && i < piece->record_count; i++)
        ok = take_record(source, piece, &piece->records[i], cells, &scratch, chunk, err);
    chunk->text = piece->text.bytes;
    chunk->lines = piece->lines;
    buf_release(&scratch);
    mem_free(cells);
    return ok;
}

const struct part_form part_form_csv = {.name = "CSV",
                                        .open = open_csv,
                                        .sample = sample_csv,
                                        .settled = settle_csv,
                                        .take = take_csv,
                                        .rows = rows_of_csv,
                                        .close = close_csv};
