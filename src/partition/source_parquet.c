/* Parquet: rows are read by the engine, in the order of the file, and become lines of the lake; see source.h.
 *
 * The engine reads and unpacks columns with its own threads; lines are made in the serial half, since what it lends
 * lasts to the next call. It wants a file on the disk, so that standard input and blobs are copied into the scratch
 * folder first. The hash is of that very copy. A file of the user's is opened three times, for its columns, its hash and its
 * rows: one that is not the same from first to last is refused.
 */
#include "base/file.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "partition/fields.h"
#include "partition/guess.h"
#include "partition/seen.h"
#include "partition/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ENGINE_MEMORY = 512 << 20, /* bytes: of a row group with as many columns as a table may have */
    SQL_MAX = 16 << 20,
    NUMBER_MAX = 64,
    NAMED_MAX = 5,       /* columns that a note names */
    NOTE_MAX = 16 * 1024 /* bytes of it */
};

struct parquet {
    struct buf path;
    bool copied;    /* the file is ours, in the scratch folder */
    bool hashed;    /* its digest is made */
    struct stat is; /* the user's file, as it was when it was opened */
    struct columns columns;
    struct str *names;
    struct part_fields fields;
    struct engine *engine; /* open from the first take on */
    struct engine_task *task;
    struct engine_result *rows;
};

/* --- the file ------------------------------------------------------------------------------------------- */

/* Reads all of the stream, so that it is hashed, and copies it to fd unless that is -1. */
static bool drain(struct part_stream *stream, int fd, const char *path, struct error *err)
{
    char *block = mem_alloc(PART_STREAM_BLOCK, 1, err);
    size_t n = 1;
    bool ok = block != NULL;
    while (ok && n > 0) {
        ok = part_stream_read(stream, block, PART_STREAM_BLOCK, &n, err);
        if (ok && fd >= 0)
            ok = file_write_all(fd, block, n, path, err);
    }
    mem_free(block);
    return ok;
}

static bool copy_file(struct part_source *source, struct error *err)
{
    struct parquet *self = source->self;
    if (!source->options->scratch)
        return error_set(err, ERROR_FORMAT, "%s is Parquet, which is read from a file on the disk",
                         source->input->name);
    path_join(&self->path, source->options->scratch, "input-XXXXXX");
    if (!buf_ok(&self->path, "a path", err))
        return false;
    int fd = mkostemp(self->path.bytes, O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, ERROR_IO, errno, "%s", buf_text(&self->path));
    self->copied = true;
    bool ok = drain(source->stream, fd, buf_text(&self->path), err);
    if (close(fd) != 0 && ok)
        ok = error_set_errno(err, ERROR_IO, errno, "%s", buf_text(&self->path));
    self->hashed = ok && source->input->kind != PART_INPUT_BLOB;
    return ok;
}

static bool look_at(const struct part_source *source, struct stat *is, struct error *err)
{
    return stat(source->input->path, is) == 0 ||
           error_set_errno(err, ERROR_IO, errno, "%s", source->input->name);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Whether what was read is one file, as it is. */
static bool check_file(const struct part_source *source, struct error *err)
{
    const struct parquet *self = source->self;
    struct stat is;
    if (self->copied)
        return true;
    if (!look_at(source, &is, err))
        return false;
    if (is.st_dev == self->is.st_dev && is.st_ino == self->is.st_ino &&
        is.st_size == self->is.st_size && same_time(is.st_mtim, self->is.st_mtim) &&
        same_time(is.st_ctim, self->is.st_ctim))
        return true;
    return error_set(err, ERROR_IO, "%s changed while it was read", source->input->name);
}

static bool find_file(struct part_source *source, struct error *err)
{
    struct parquet *self = source->self;
    if (!part_stream_regular(source->stream))
        return copy_file(source, err);
    buf_puts(&self->path, source->input->path);
    return buf_ok(&self->path, "a path", err) && look_at(source, &self->is, err);
}

/* --- the engine ----------------------------------------------------------------------------------------- */

static void close_engine(struct parquet *self)
{
    engine_result_free(self->rows);
    engine_task_free(self->task);
    engine_free(self->engine);
    self->rows = NULL;
    self->task = NULL;
    self->engine = NULL;
}

static bool open_engine(struct part_source *source, struct error *err)
{
    struct parquet *self = source->self;
    const struct engine_options options = {
        .memory = ENGINE_MEMORY, .scratch = source->options->scratch, .ordered = true};
    self->engine = engine_open(&options, err);
    self->task = self->engine ? engine_task_new(self->engine, err) : NULL;
    return self->task != NULL;
}

static void put_identifier(struct buf *sql, const char *name)
{
    buf_putc(sql, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_putc(sql, '"');
        buf_putc(sql, *name);
    }
    buf_putc(sql, '"');
}

/* All rows, or the first so many. */
static bool query_rows(struct part_source *source, unsigned limit, struct error *err)
{
    struct parquet *self = source->self;
    struct buf sql = BUF_INIT(SQL_MAX);
    const char *path = buf_text(&self->path);
    const struct engine_files files = {.name = "input_rows",
                                       .form = ENGINE_PARQUET,
                                       .paths = &path,
                                       .count = 1,
                                       .columns = &self->columns,
                                       .time_zone = source->options->time_zone};
    for (size_t i = 0; i < self->columns.n; i++) {
        buf_puts(&sql, i > 0 ? ", " : "SELECT ");
        put_identifier(&sql, self->columns.v[i].name);
    }
    buf_puts(&sql, " FROM input_rows");
    if (limit > 0)
        buf_printf(&sql, " LIMIT %u", limit);
    bool ok = buf_ok(&sql, "a query", err) && engine_view(self->task, &files, err);
    self->rows = ok ? engine_query(self->task, buf_text(&sql), &self->columns, err) : NULL;
    buf_release(&sql);
    return self->rows != NULL;
}

/* Times finer than what is read of them lose digits, which is said aloud. */
static void say_cut(const struct part_source *source, const struct columns *cut)
{
    const struct part_source_options *options = source->options;
    struct buf line = BUF_INIT(NOTE_MAX);
    if (cut->n == 0 || !options->note)
        return;
    buf_printf(&line, "%s: times of ", source->input->name);
    for (size_t i = 0; i < cut->n && i < NAMED_MAX; i++)
        buf_printf(&line, "%s'%s'", i > 0 ? ", " : "", cut->v[i].name);
    if (cut->n > NAMED_MAX)
        buf_printf(&line, " and %zu more", cut->n - NAMED_MAX);
    buf_puts(&line, " are in nanoseconds: what is finer than a microsecond is cut");
    if (buf_ok(&line, "a note", NULL))
        options->note(options->context, buf_text(&line));
    buf_release(&line);
}

static bool peek(struct part_source *source, struct error *err)
{
    struct parquet *self = source->self;
    const char *path = buf_text(&self->path);
    const struct engine_files files = {.form = ENGINE_PARQUET, .paths = &path, .count = 1};
    struct columns cut = {0};
    bool ok = engine_peek(self->task, &files, &self->columns, &cut, err);
    if (ok)
        say_cut(source, &cut);
    columns_release(&cut);
    if (!ok)
        return false;
    size_t n = self->columns.n;
    enum column_type *types = mem_alloc(n, sizeof *types, err);
    self->names = mem_alloc(n, sizeof *self->names, err);
    ok = types && self->names;
    for (size_t i = 0; ok && i < n; i++) {
        self->names[i] = str_of(self->columns.v[i].name);
        types[i] = self->columns.v[i].type;
    }
    ok = ok && part_fields_init(&self->fields, self->names, types, n, source->options, err) &&
         part_fields_seen(&self->fields, source->options->seen, err);
    mem_free(types);
    return ok;
}

/* --- values --------------------------------------------------------------------------------------------- */

/* The shortest digits that give the number again. */
static size_t format_real(double value, char out[NUMBER_MAX])
{
    int n = 0;
    if (isnan(value))
        return (size_t) snprintf(out, NUMBER_MAX, "NaN");
    if (isinf(value))
        return (size_t) snprintf(out, NUMBER_MAX, value < 0 ? "-Infinity" : "Infinity");
    for (int digits = 15; digits <= 17; digits++) {
        double back;
        n = snprintf(out, NUMBER_MAX, "%.*g", digits, value);
        if (str_double((struct str){out, (size_t) n}, &back) && !(back < value) && !(back > value))
            break;
    }
    return (size_t) n;
}

/* A value as text, in `room` where it is made; false: it is null. */
static bool value_text(const struct engine_vector *vector, size_t row, char room[NUMBER_MAX],
                       struct str *out)
{
    size_t n = 0;
    if (!engine_valid(vector, row))
        return false;
    if (vector->text) {
        *out = engine_text(vector, row);
        return true;
    }
    switch (vector->type) {
    case COLUMN_BOOL:
        n = (size_t) snprintf(room, NUMBER_MAX, "%s",
                              ((const bool *) vector->values)[row] ? "true" : "false");
        break;
    case COLUMN_INT:
        n = (size_t) snprintf(room, NUMBER_MAX, "%d", ((const int32_t *) vector->values)[row]);
        break;
    case COLUMN_REAL:
        n = format_real(((const double *) vector->values)[row], room);
        break;
    case COLUMN_DATETIME:
        n = tick_format(((const int64_t *) vector->values)[row], room);
        break;
    case COLUMN_TIMESPAN:
        n = timespan_format(((const int64_t *) vector->values)[row], room);
        break;
    default:
        n = (size_t) snprintf(room, NUMBER_MAX, "%lld",
                              (long long) ((const int64_t *) vector->values)[row]);
        break;
    }
    *out = (struct str){room, n};
    return true;
}

static enum json_kind kind_of(const struct engine_vector *vector)
{
    if (vector->type == COLUMN_INT || vector->type == COLUMN_LONG || vector->type == COLUMN_REAL)
        return JSON_KIND_NUMBER;
    if (vector->type == COLUMN_BOOL)
        return JSON_KIND_TRUE;
    return vector->type == COLUMN_DYNAMIC ? JSON_KIND_OBJECT : JSON_KIND_STRING;
}

static enum part_reason time_of(const struct part_time *time, const struct engine_vector *vector,
                                size_t row, int64_t *tick)
{
    char room[NUMBER_MAX];
    struct str text;
    if (!value_text(vector, row, room, &text))
        return PART_REASON_NULL_TIME;
    if (vector->type == COLUMN_DATETIME) {
        *tick = ((const int64_t *) vector->values)[row];
        return PART_REASON_NONE;
    }
    if (kind_of(vector) == JSON_KIND_STRING)
        return part_time_text(time, text, tick);
    return part_time_value(time, kind_of(vector), false, text, tick);
}

/* The members of one row; `all`: its time, too, that is no TimeGenerated of a line. */
static void put_members(const struct parquet *self, const struct engine_chunk *chunk, size_t row,
                        bool all, struct buf *line)
{
    char room[NUMBER_MAX];
    struct str text;
    for (size_t i = 0; i < chunk->count; i++) {
        const struct engine_vector *vector = &chunk->vectors[i];
        struct part_field field = self->fields.v[i];
        if (!value_text(vector, row, room, &text))
            continue;
        if (vector->type != COLUMN_STRING) /* its own type, whatever the table's is */
            field.type = vector->type;
        field.left_out = field.left_out && !all;
        part_fields_put(&field, text, line);
    }
}

static bool put_row(const struct part_source *source, const struct engine_chunk *chunk, size_t row,
                    struct part_piece *piece, struct error *err)
{
    const struct parquet *self = source->self;
    struct part_record record = {.line = row, .start = (uint32_t) piece->text.used};
    record.reason = time_of(&source->time, &chunk->vectors[self->fields.time], row, &record.tick);
    if (record.reason == PART_REASON_NONE) {
        part_fields_begin(&piece->text, record.tick);
        put_members(self, chunk, row, false, &piece->text);
    } else {
        put_members(self, chunk, row, true, &piece->text);
        if (piece->text.used > record.start) /* its first comma */
            piece->text.bytes[record.start] = '{';
        else
            buf_putc(&piece->text, '{');
    }
    part_fields_end(&piece->text);
    record.length = (uint32_t) (piece->text.used - record.start - 1);
    if (record.length > PART_LINE_MAX)
        record.reason = PART_REASON_LONG;
    return buf_ok(&piece->text, "rows of Parquet", err) && part_piece_record(piece, &record, err);
}

/* --- the form ------------------------------------------------------------------------------------------- */

static bool open_parquet(struct part_source *source, struct error *err)
{
    struct parquet *self = mem_alloc(1, sizeof *self, err);
    source->self = self;
    source->converted = true;
    if (!self)
        return false;
    buf_init(&self->path, PART_INPUT_NAME_MAX);
    return find_file(source, err) && open_engine(source, err) &&
           (peek(source, err) || error_prefix(err, "%s", source->input->name));
}

static void close_parquet(struct part_source *source)
{
    struct parquet *self = source->self;
    if (!self)
        return;
    close_engine(self);
    if (self->copied)
        (void) unlink(buf_text(&self->path));
    part_fields_release(&self->fields);
    columns_release(&self->columns);
    buf_release(&self->path);
    mem_free(self->names);
    mem_free(self);
    source->self = NULL;
}

static bool sample_row(const struct parquet *self, const struct engine_chunk *chunk, size_t row,
                       struct part_guess *guess, struct error *err)
{
    char room[NUMBER_MAX];
    part_guess_row(guess);
    for (size_t i = 0; i < chunk->count; i++) {
        struct str text = {"", 0};
        enum json_kind kind = JSON_KIND_NULL;
        if (value_text(&chunk->vectors[i], row, room, &text))
            kind = kind_of(&chunk->vectors[i]);
        if (!part_guess_value(guess, self->names[i], kind, false, text, err))
            return false;
    }
    return true;
}

static bool sample_parquet(struct part_source *source, struct str ahead, bool last,
                           struct part_sample *sample, struct error *err)
{
    struct parquet *self = source->self;
    const struct engine_chunk *chunk = NULL;
    (void) ahead;
    (void) last;
    if (!self->task || part_guess_rows(sample->guess) > 0)
        return true;
    bool ok = query_rows(source, PART_GUESS_ROWS, err);
    while (ok && (ok = engine_next(self->rows, &chunk, err)) && chunk) {
        for (size_t row = 0; ok && row < chunk->rows; row++)
            ok = sample_row(self, chunk, row, sample->guess, err);
    }
    /* Rows that are long are sampled anew, from a longer beginning. */
    engine_result_free(self->rows);
    self->rows = NULL;
    return ok || error_prefix(err, "%s", source->input->name);
}

static bool settle_parquet(struct part_source *source, struct error *err)
{
    struct parquet *self = source->self;
    bool empty = self->fields.n == 0;
    close_engine(self);
    return empty || part_fields_settle(&self->fields, self->names, &source->time, err) ||
           error_prefix(err, "%s", source->input->name);
}

/* What was not hashed when it was copied is, once, from the file whose rows are read. */
static bool hash_file(struct part_source *source, struct error *err)
{
    struct parquet *self = source->self;
    struct part_input input = *source->input;
    if (self->hashed)
        return true;
    input.kind = PART_INPUT_FILE;
    input.path = self->path.bytes;
    part_digest_release(&source->digest);
    struct part_stream *stream =
        part_stream_open(&input, &source->digest, source->options->stop, err);
    self->hashed = stream && drain(stream, -1, NULL, err);
    part_stream_free(stream);
    return self->hashed;
}

static bool take_parquet(struct part_source *source, struct part_piece *piece, bool *end,
                         struct error *err)
{
    struct parquet *self = source->self;
    const struct engine_chunk *chunk = NULL;
    piece->record_count = 0;
    buf_reset(&piece->text);
    if (!self->rows &&
        (!hash_file(source, err) || !open_engine(source, err) || !query_rows(source, 0, err)))
        return error_prefix(err, "%s", source->input->name);
    if (!engine_next(self->rows, &chunk, err))
        return error_prefix(err, "%s", source->input->name);
    *end = chunk == NULL;
    if (*end && !check_file(source, err))
        return false;
    piece->lines = chunk ? chunk->rows : 0;
    for (size_t row = 0; chunk && row < chunk->rows; row++) {
        if (!put_row(source, chunk, row, piece, err))
            return false;
    }
    return true;
}

static bool rows_of_parquet(const struct part_source *source, struct part_piece *piece,
                            struct part_chunk *chunk, struct error *err)
{
    (void) source;
    chunk->text = piece->text.bytes;
    chunk->lines = piece->lines;
    for (size_t i = 0; i < piece->record_count; i++) {
        const struct part_record *record = &piece->records[i];
        const struct part_row row = {
            .tick = record->tick, .start = record->start, .length = record->length};
        const struct part_reject reject = {.line = record->line,
                                           .start = record->start,
                                           .length = record->length,
                                           .reason = record->reason};
        if (record->reason == PART_REASON_NONE ? !part_chunk_row(chunk, &row, err)
                                               : !part_chunk_reject(chunk, &reject, err))
            return false;
    }
    return true;
}

const struct part_form part_form_parquet = {.name = "Parquet",
                                            .open = open_parquet,
                                            .sample = sample_parquet,
                                            .settled = settle_parquet,
                                            .take = take_parquet,
                                            .rows = rows_of_parquet,
                                            .close = close_parquet};
