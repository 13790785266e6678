/* One JSON array of objects, pretty-printed or not: each object becomes one line, its white space between tokens left out,
 * all else as it came; see source.h.
 *
 * Where elements end is found in the serial half (cut.h); that they are valid, in the parallel half, where they are copied.
 */
#include "base/memory.h"
#include "partition/cut.h"
#include "partition/guess.h"
#include "partition/stream.h"
#include "json/value.h"

struct array {
    struct part_cutter cutter;
    struct buf carry;
    uint64_t lines; /* of the pieces so far */
};

static bool open_array(struct part_source *source, struct error *err)
{
    struct array *self = mem_alloc(1, sizeof *self, err);
    source->self = self;
    if (self)
        buf_init(&self->carry, PART_PIECE_BYTES_MAX);
    return self != NULL;
}

static void close_array(struct part_source *source)
{
    struct array *self = source->self;
    if (self)
        buf_release(&self->carry);
    mem_free(self);
    source->self = NULL;
}

static bool sample_array(struct part_source *source, struct str ahead, bool last,
                         struct part_sample *sample, struct error *err)
{
    struct part_cutter cutter = {0};
    struct part_record record;
    bool ok = true;
    while (ok && part_sample_wants(sample) &&
           part_cut(&cutter, ahead, last, &record) == PART_CUT_RECORD)
        ok = part_sample_object(sample, (struct str){ahead.p + record.start, record.length}, err);
    (void) source;
    return ok;
}

static bool take_array(struct part_source *source, struct part_piece *piece, bool *end,
                       struct error *err)
{
    struct array *self = source->self;
    return part_cut_piece(&self->cutter, source, &self->carry, &self->lines, piece, end, err);
}

/* Elements that are whole and valid as lines of piece->text; of the others `reason` is set. */
static bool copy_elements(struct part_piece *piece, struct error *err)
{
    struct buf *text = &piece->text;
    size_t n;
    buf_reset(text);
    if (!buf_reserve(text, piece->raw.used + piece->record_count + JSON_ROUTE_PADDING))
        return buf_ok(text, "a piece of an array", err);
    for (size_t i = 0; i < piece->record_count; i++) {
        struct part_record *record = &piece->records[i];
        struct str element = {piece->raw.bytes + record->start, record->length};
        if (record->reason != PART_REASON_NONE)
            continue;
        if (element.n == 0 || element.p[0] != '{' ||
            !json_compact(element, text->bytes + text->used, &n)) {
            record->reason = PART_REASON_FORM;
            continue;
        }
        text->bytes[text->used + n] = '\n';
        text->used += n + 1;
    }
    return true;
}

/* Rejects of the time, which part_lines_rows found, count lines of the text: the elements without a reason. Those
 * of the others are put between them, and all get the lines of the input. */
static bool merge_rejects(struct part_piece *piece, struct part_chunk *chunk, struct error *err)
{
    size_t found = chunk->reject_count, at = 0;
    uint64_t line = 0;
    for (size_t i = 0; i < piece->record_count; i++) {
        const struct part_record *record = &piece->records[i];
        struct part_reject reject = {.line = record->line, .reason = record->reason};
        if (record->reason == PART_REASON_NONE) {
            bool is_next = at < found && chunk->rejects[at].line == line++;
            if (!is_next)
                continue;
            reject = chunk->rejects[at++];
            reject.line = record->line;
        } else if (!part_piece_keep(piece, record, &reject, err)) {
            return false;
        }
        if (!part_chunk_reject(chunk, &reject, err))
            return false;
    }
    chunk->reject_count -= found;
    if (chunk->reject_count > 0)
        memmove(chunk->rejects, chunk->rejects + found,
                chunk->reject_count * sizeof *chunk->rejects);
    return true;
}

static bool rows_of_array(const struct part_source *source, struct part_piece *piece,
                          struct part_chunk *chunk, struct error *err)
{
    if (!copy_elements(piece, err) ||
        !part_lines_rows(&source->time, buf_str(&piece->text), chunk, err))
        return false;
    if (!merge_rejects(piece, chunk, err))
        return false;
    chunk->text = piece->text.bytes;
    chunk->lines = piece->lines;
    return true;
}

const struct part_form part_form_array = {.name = "JSON array",
                                          .open = open_array,
                                          .sample = sample_array,
                                          .take = take_array,
                                          .rows = rows_of_array,
                                          .close = close_array};
