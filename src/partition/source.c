/* Sources; see source.h. */
#include "partition/source.h"

#include "base/memory.h"

void part_chunk_reset(struct part_chunk *chunk)
{
    chunk->text = NULL;
    chunk->row_count = chunk->reject_count = 0;
    chunk->lines = 0;
}

void part_chunk_release(struct part_chunk *chunk)
{
    mem_free(chunk->rows);
    mem_free(chunk->rejects);
    *chunk = (struct part_chunk){0};
}

bool part_chunk_row(struct part_chunk *chunk, const struct part_row *row, struct error *err)
{
    if (!mem_reserve(&chunk->rows, &chunk->row_room, chunk->row_count, PART_PIECE_ROWS_MAX,
                     sizeof *row, err))
        return false;
    chunk->rows[chunk->row_count++] = *row;
    return true;
}

bool part_chunk_reject(struct part_chunk *chunk, const struct part_reject *reject,
                       struct error *err)
{
    if (!mem_reserve(&chunk->rejects, &chunk->reject_room, chunk->reject_count, PART_PIECE_ROWS_MAX,
                     sizeof *reject, err))
        return false;
    chunk->rejects[chunk->reject_count++] = *reject;
    return true;
}

void part_piece_init(struct part_piece *piece)
{
    *piece = (struct part_piece){0};
    buf_init(&piece->raw, PART_PIECE_BYTES_MAX);
    buf_init(&piece->text, PART_PIECE_BYTES_MAX);
}

void part_piece_release(struct part_piece *piece)
{
    buf_release(&piece->raw);
    buf_release(&piece->text);
    mem_free(piece->records);
    *piece = (struct part_piece){0};
}

bool part_piece_record(struct part_piece *piece, const struct part_record *record,
                       struct error *err)
{
    if (!mem_reserve(&piece->records, &piece->record_room, piece->record_count, PART_PIECE_ROWS_MAX,
                     sizeof *record, err))
        return false;
    piece->records[piece->record_count++] = *record;
    return true;
}

struct part_source *part_source_open(const struct part_input *input,
                                     const struct part_source_options *options, struct error *err)
{
    (void) input;
    (void) options;
    error_set(err, ERROR_INTERNAL, "not built yet");
    return NULL;
}

void part_source_free(struct part_source *source)
{
    mem_free(source);
}

bool part_source_take(struct part_source *source, struct part_piece *piece, bool *end,
                      struct error *err)
{
    piece->number = source->pieces;
    *end = false;
    if (!source->form->take(source, piece, end, err))
        return false;
    if (!*end)
        source->pieces++;
    return true;
}

bool part_source_rows(const struct part_source *source, struct part_piece *piece,
                      struct part_chunk *chunk, struct error *err)
{
    part_chunk_reset(chunk);
    return source->form->rows(source, piece, chunk, err);
}

bool part_source_end(struct part_source *source, unsigned char hash[PART_DIGEST_SIZE],
                     uint64_t *bytes, struct error *err)
{
    *bytes = source->digest.bytes;
    return part_digest_end(&source->digest, hash, err);
}
