/* Sources; see source.h. */
#include "partition/source.h"

#include "base/memory.h"
#include "partition/guess.h"
#include "partition/prefer.h"
#include "partition/seen.h"
#include "partition/stream.h"
#include "json/value.h"

/* Rows whose keys are looked at. */
enum {
    ROWS_FIRST = 1000, /* of an input's first piece; of the next few ... */
    ROWS_NEXT = 250,
    PIECES_NEXT = 4,
    ROWS_SEEN = 2 /* of any other, and the longest */
};

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

bool part_piece_keep(struct part_piece *piece, const struct part_record *record,
                     struct part_reject *reject, struct error *err)
{
    size_t most = 4 * PART_REJECT_TEXT_MAX, n = record->length < most ? record->length : most;
    reject->start = (uint32_t) piece->text.used;
    reject->length = (uint32_t) n;
    buf_put(&piece->text, piece->raw.bytes + record->start, n);
    return buf_ok(&piece->text, "a piece of an input", err);
}

/* --- the first rows ------------------------------------------------------------------------------------- */

bool part_sample_wants(const struct part_sample *sample)
{
    return part_guess_rows(sample->guess) < PART_GUESS_ROWS;
}

bool part_sample_object(struct part_sample *sample, struct str object, struct error *err)
{
    object = str_trim(object);
    buf_reset(&sample->line);
    if (object.n == 0 || object.p[0] != '{' || !json_minify(object, &sample->line))
        return true;
    return part_guess_object(sample->guess, buf_str(&sample->line), err);
}

static bool sample_lines(struct str ahead, bool last, struct part_sample *sample, struct error *err)
{
    while (sample->at < ahead.n && part_sample_wants(sample)) {
        const char *p = ahead.p + sample->at, *end = memchr(p, '\n', ahead.n - sample->at);
        if (!end && !last)
            return true;
        size_t n = end ? (size_t) (end - p) : ahead.n - sample->at;
        if (!part_sample_object(sample, (struct str){p, n}, err))
            return false;
        sample->at += n + 1;
    }
    return true;
}

/* --- what an input is ----------------------------------------------------------------------------------- */

static bool named(const struct part_input *input, const char *const *endings, size_t n)
{
    struct str name = str_of(input->name);
    static const struct str packed[] = {STR_INIT(".gz"), STR_INIT(".zst")};
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++) {
        if (str_ends(name, packed[i]))
            name.n -= packed[i].n;
    }
    for (size_t i = 0; i < n; i++) {
        struct str ending = str_of(endings[i]);
        if (name.n > ending.n &&
            str_eq_case((struct str){name.p + name.n - ending.n, ending.n}, ending))
            return true;
    }
    return false;
}

static bool is_csv_by_name(const struct part_input *input)
{
    static const char *const endings[] = {".csv", ".tsv"};
    return named(input, endings, sizeof endings / sizeof endings[0]);
}

static bool is_lines_by_name(const struct part_input *input)
{
    static const char *const endings[] = {".jsonl", ".ndjson"};
    return named(input, endings, sizeof endings / sizeof endings[0]);
}

static struct str skip_blanks(struct str text)
{
    while (text.n > 0 &&
           (text.p[0] == ' ' || text.p[0] == '\t' || text.p[0] == '\r' || text.p[0] == '\n'))
        text = (struct str){text.p + 1, text.n - 1};
    return text;
}

/* '[' and then an object, or nothing. */
static bool begins_array(struct str text)
{
    text = skip_blanks(text);
    if (text.n == 0 || text.p[0] != '[')
        return false;
    text = skip_blanks((struct str){text.p + 1, text.n - 1});
    return text.n > 0 && (text.p[0] == '{' || text.p[0] == ']');
}

/* Whether any of the first lines begins as an object does. */
static bool has_object_line(struct str text)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        line = skip_blanks(line);
        if (line.n > 0 && line.p[0] == '{')
            return true;
    }
    return false;
}

static bool begins_csv(struct str text)
{
    struct str line;
    text = skip_blanks(text);
    if (text.n == 0 || text.p[0] == '[' || !str_split(&text, '\n', &line))
        return false;
    return memchr(line.p, ',', line.n) || memchr(line.p, ';', line.n) ||
           memchr(line.p, '\t', line.n);
}

static const struct part_form *lines_form(const struct part_source *source)
{
    bool plain =
        part_stream_regular(source->stream) && part_stream_packing(source->stream) == PART_PLAIN;
    return plain ? &part_form_lines : &part_form_stream;
}

/* By its content, and where that could be several things by its name. */
static bool find_form(struct part_source *source, struct str head, struct error *err)
{
    if (str_starts(head, STR("\x1f\x8b")) || str_starts(head, STR("\x28\xb5\x2f\xfd"))) {
        return error_set(err, ERROR_FORMAT, "%s is packed twice: unpack it once",
                         source->input->name);
    } else if (str_starts(head, STR("PAR1"))) {
        if (part_stream_packing(source->stream) != PART_PLAIN)
            return error_set(err, ERROR_FORMAT,
                             "%s is Parquet that was packed once more: unpack it",
                             source->input->name);
        source->form = &part_form_parquet;
    } else if (str_starts(head, STR("\xff\xfe")) || str_starts(head, STR("\xfe\xff"))) {
        error_set(err, ERROR_FORMAT, "%s is UTF-16", source->input->name);
        return error_hint(err, "iconv -f UTF-16 -t UTF-8 makes UTF-8 of it");
    } else if (is_csv_by_name(source->input)) {
        source->form = &part_form_csv;
    } else if (is_lines_by_name(source->input)) {
        source->form = lines_form(source);
    } else if (begins_array(head)) {
        source->form = &part_form_array;
    } else if (!has_object_line(head) && begins_csv(head)) {
        source->form = &part_form_csv;
    } else {
        source->form = lines_form(source);
    }
    return true;
}

/* A byte-order mark is passed by who reads the stream. */
static bool pass_bom(struct part_source *source, struct error *err)
{
    char bom[3];
    size_t n;
    for (unsigned i = 0; i < source->bom; i += (unsigned) n) {
        if (!part_stream_read(source->stream, bom, source->bom - i, &n, err))
            return false;
        if (n == 0)
            return error_set(err, ERROR_INTERNAL, "a byte-order mark is gone");
    }
    return true;
}

static bool reads_once(const struct part_input *input)
{
    return input->kind == PART_INPUT_STDIN || input->kind == PART_INPUT_PIPE;
}

/* There may be very many inputs, which are all opened before the first is read. What can be opened again is. */
static void leave_stream(struct part_source *source)
{
    if (reads_once(source->input))
        return;
    part_stream_free(source->stream);
    source->stream = NULL;
    part_digest_release(&source->digest);
}

static bool enter_stream(struct part_source *source, struct error *err)
{
    if (source->stream || source->form == &part_form_lines || source->form == &part_form_parquet)
        return true;
    source->stream = part_stream_open(source->input, &source->digest, source->options->stop, err);
    return source->stream && pass_bom(source, err);
}

/* Of thousands of inputs that are alike it is said once. */
static bool is_said(struct buf *said, struct str line)
{
    if (!said)
        return false;
    if (said->used > 0 && str_eq(buf_str(said), line))
        return true;
    buf_reset(said);
    buf_put_str(said, line);
    return false;
}

static void say_time(const struct part_source *source)
{
    const struct part_source_options *options = source->options;
    const struct part_time *time = &source->time;
    struct buf line = BUF_INIT(8192);
    if (!options->note || !source->guessed)
        return;
    buf_printf(&line, "%s", source->input->name);
    size_t name = line.used;
    buf_printf(&line, ": the time of a row is its '%s', %s%s%s%s", time->key,
               source->zeek ? "as Zeek writes it, " : "", part_time_format_name(time->format),
               time->zone ? ", in " : "", time->zone ? time->zone->name : "");
    if (buf_ok(&line, "a note", NULL) &&
        !is_said(options->said, (struct str){line.bytes + name, line.used - name}))
        options->note(options->context, buf_text(&line));
    buf_release(&line);
}

/* Forms of their own begin anew with each look. */
static bool sample_anew(struct part_source *source, struct str ahead, bool last,
                        struct part_sample *sample, struct error *err)
{
    part_guess_free(sample->guess);
    sample->guess = part_guess_new(err);
    return sample->guess && source->form->sample(source, ahead, last, sample, err);
}

/* Looks at the first rows, of more and more bytes until there are enough. */
static bool sample_rows(struct part_source *source, struct part_sample *sample, struct error *err)
{
    size_t want = PART_STREAM_BLOCK;
    struct str ahead;
    bool last = false, ok = true;
    while (ok && !last && part_sample_wants(sample) && want <= PART_SAMPLE_BYTES) {
        if (!part_stream_ahead(source->stream, want, &ahead, &last, err))
            return false;
        ahead = (struct str){ahead.p + source->bom, ahead.n - source->bom};
        ok = source->form->sample ? sample_anew(source, ahead, last, sample, err)
                                  : sample_lines(ahead, last, sample, err);
        want *= 2;
    }
    return ok;
}

static bool settle(struct part_source *source, struct error *err)
{
    const struct part_source_options *options = source->options;
    struct part_sample sample = {.guess = part_guess_new(err)};
    struct part_guess_wish wish = {.input = source->input->name,
                                   .column = options->time_column,
                                   .format = options->time_format,
                                   .zone = options->time_zone,
                                   .zones = options->zones,
                                   .from = options->from,
                                   .n_from = options->n_from,
                                   .converted = source->converted};
    struct part_guess_told told = {0};
    buf_init(&sample.line, PART_LINE_MAX);
    bool ok = sample.guess && sample_rows(source, &sample, err) &&
              part_guess_settle(sample.guess, &wish, &source->time, &told, err) &&
              (source->converted || part_prefer_init(&source->time, options->from, options->n_from,
                                                     options->zones, err));
    source->guessed = told.guessed;
    source->zeek = told.zeek;
    part_guess_free(sample.guess);
    buf_release(&sample.line);
    return ok;
}

static bool open_form(struct part_source *source, struct error *err)
{
    struct str ahead;
    bool last;
    if (!part_stream_ahead(source->stream, PART_STREAM_BLOCK, &ahead, &last, err))
        return false;
    source->bom = str_starts(ahead, STR("\xef\xbb\xbf")) ? 3 : 0;
    ahead = (struct str){ahead.p + source->bom, ahead.n - source->bom};
    if (!find_form(source, ahead, err) || !source->form->open(source, err) || !settle(source, err))
        return false;
    if (source->form->settled && !source->form->settled(source, err))
        return false;
    say_time(source);
    if (reads_once(source->input))
        return pass_bom(source, err);
    leave_stream(source);
    return true;
}

struct part_source *part_source_open(const struct part_input *input,
                                     const struct part_source_options *options, struct error *err)
{
    struct part_source *source = mem_alloc(1, sizeof *source, err);
    if (!source)
        return NULL;
    source->input = input;
    source->options = options;
    source->stream = part_stream_open(input, &source->digest, options->stop, err);
    if (source->stream && open_form(source, err))
        return source;
    part_source_free(source);
    return NULL;
}

void part_source_close(struct part_source *source)
{
    if (source->form)
        source->form->close(source);
    source->self = NULL;
    part_stream_free(source->stream);
    source->stream = NULL;
    source->closed = true;
}

void part_source_free(struct part_source *source)
{
    if (!source)
        return;
    part_source_close(source);
    part_digest_release(&source->digest);
    part_time_release(&source->time);
    mem_free(source);
}

/* --- pieces --------------------------------------------------------------------------------------------- */

bool part_source_take(struct part_source *source, struct part_piece *piece, bool *end,
                      struct error *err)
{
    piece->number = source->pieces;
    *end = false;
    if (!enter_stream(source, err) || !source->form->take(source, piece, end, err))
        return false;
    if (!*end)
        source->pieces++;
    return true;
}

static bool see(const struct part_chunk *chunk, size_t at, struct error *err)
{
    const struct part_row *row = &chunk->rows[at];
    return part_seen_line(chunk->seen, (struct str){chunk->text + row->start, row->length}, err);
}

/* Keys: of the first rows of an input, of some of each piece, others in each, and of the longest. Of rows alone: what is
 * rejected is no part of the table. Converted rows have told their columns. */
static bool look_at_some(const struct part_source *source, const struct part_piece *piece,
                         const struct part_chunk *chunk, struct error *err)
{
    size_t n = chunk->row_count, longest = 0, first = 0;
    if (!chunk->seen || n == 0 || source->converted)
        return true;
    if (piece->number < PIECES_NEXT)
        first = piece->number == 0 ? ROWS_FIRST : ROWS_NEXT;
    for (size_t i = 0; i < n && i < first; i++)
        if (!see(chunk, i, err))
            return false;
    for (size_t i = 1; i < n; i++)
        if (chunk->rows[i].length > chunk->rows[longest].length)
            longest = i;
    for (size_t i = 0; i <= ROWS_SEEN; i++) {
        size_t at = i == ROWS_SEEN ? longest : (piece->number + i * n / ROWS_SEEN) % n;
        if (!see(chunk, at, err))
            return false;
    }
    return true;
}

bool part_source_rows(const struct part_source *source, struct part_piece *piece,
                      struct part_chunk *chunk, struct error *err)
{
    part_chunk_reset(chunk);
    return source->form->rows(source, piece, chunk, err) && look_at_some(source, piece, chunk, err);
}

bool part_source_end(struct part_source *source, unsigned char hash[PART_DIGEST_SIZE],
                     uint64_t *bytes, struct error *err)
{
    bool ok = part_digest_end(&source->digest, hash, err);
    *bytes = source->digest.bytes;
    return ok;
}
