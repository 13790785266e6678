/* The rows that the lake holds of a range: see held.h. */
#include "partition/held.h"

#include "base/memory.h"
#include "query/bring.h"
#include "query/days.h"
#include "query/restore.h"

enum {
    BLOBS = 1024,        /* read at a stretch */
    LINE_MAX = 64 << 20, /* bytes of a line; one that is longer is passed over */
    PATH_ROOM = 8192
};

struct reading {
    const struct part_held *held;
    struct query_known known;
    struct store_wanted *wanted; /* BLOBS; their names stand in `names` until they are read */
    size_t *at;
    size_t n;
    struct buf names, line;
    struct query_bring *bring; /* of a remote store */
    struct engine *engine;     /* opened with the first file */
    struct engine_task *task;
    part_held_fn *fn;
    void *context;
};

static bool stopped(const struct reading *reading, struct error *err)
{
    return stop_asked(reading->held->stop) && !error_set(err, ERROR_INTERRUPTED, "interrupted");
}

/* --- lines ---------------------------------------------------------------------------------------------- */

static bool take_line(struct reading *reading, struct str line, struct error *err)
{
    line = str_trim(line);
    return line.n == 0 || reading->fn(reading->context, line, err);
}

/* Takes the lines of a piece. What is no whole line yet waits; an empty piece ends the blob. */
static bool take_piece(struct reading *reading, struct str piece, struct error *err)
{
    struct str line;
    bool last = piece.n == 0;
    const char *feed;
    while (piece.n > 0 && (feed = memchr(piece.p, '\n', piece.n))) {
        line = (struct str){piece.p, (size_t) (feed - piece.p)};
        piece = (struct str){feed + 1, piece.n - line.n - 1};
        if (reading->line.used > 0 || reading->line.over) {
            buf_put_str(&reading->line, line);
            line = reading->line.over ? STR("") : buf_str(&reading->line);
        }
        if (!take_line(reading, line, err))
            return false;
        buf_reset(&reading->line);
    }
    buf_put_str(&reading->line, piece);
    if (!reading->line.over && !buf_ok(&reading->line, "a line of the lake", err))
        return false;
    bool ok = !last || reading->line.over || take_line(reading, buf_str(&reading->line), err);
    if (last)
        buf_reset(&reading->line);
    return ok;
}

/* Packed bytes have no lines to compare, which others may have put there; readers unpack them. */
static bool check_plain(const char *name, struct str piece, struct error *err)
{
    if (!text_packing(piece))
        return true;
    (void) error_set(err, ERROR_FORMAT, "%s is packed: its rows cannot be compared with", name);
    return error_hint(err, "unpack it under the same name, or import without --dedup");
}

static bool read_blobs(struct reading *reading, struct error *err)
{
    struct str piece;
    size_t at = 0, checked = SIZE_MAX;
    for (size_t i = 0; i < reading->n; i++)
        reading->wanted[i].name = reading->names.bytes + reading->at[i];
    struct store_ahead *ahead =
        reading->n > 0 ? store_ahead_new(reading->held->store, reading->wanted, reading->n, err)
                       : NULL;
    bool ok = reading->n == 0 || ahead;
    while (ok && at < reading->n) {
        ok = !stopped(reading, err) && store_ahead_next(ahead, &at, &piece, err);
        if (ok && at < reading->n && at != checked)
            ok = check_plain(reading->wanted[at].name, piece, err);
        checked = at;
        ok = ok && (at == reading->n || take_piece(reading, piece, err));
    }
    store_ahead_free(ahead);
    reading->n = 0;
    buf_reset(&reading->names);
    return ok;
}

static bool add_blob(struct reading *reading, const struct query_blob *blob, struct error *err)
{
    reading->at[reading->n] = reading->names.used;
    reading->wanted[reading->n++] = (struct store_wanted){.size = blob->size};
    buf_puts(&reading->names, blob->name);
    buf_putc(&reading->names, '\0');
    return buf_ok(&reading->names, "names of blobs", err) &&
           (reading->n < BLOBS || read_blobs(reading, err));
}

/* --- files ---------------------------------------------------------------------------------------------- */

static bool need_task(struct reading *reading, struct error *err)
{
    const struct engine_options options = {.threads = 1, .memory = reading->held->memory};
    if (reading->task)
        return true;
    reading->engine = engine_open(&options, err);
    reading->task = reading->engine ? engine_task_new(reading->engine, err) : NULL;
    return reading->task != NULL;
}

static bool find_path(struct reading *reading, const struct lake_day_file *file, struct buf *path,
                      struct error *err)
{
    struct store *store = reading->held->store;
    if (store_remote(store) && !reading->bring) {
        reading->bring = query_bring_new(store, err);
        if (!reading->bring)
            return false;
    }
    return query_file_path(store, reading->bring, reading->held->place, file, path, err);
}

/* The rows of the sources that are wanted. */
static bool take_chunk(struct reading *reading, struct query_restore *restore,
                       const struct engine_chunk *chunk, const bool *wanted, size_t sources,
                       struct error *err)
{
    struct str line;
    for (size_t row = 0; row < chunk->rows; row++) {
        uint32_t source = query_restore_source(restore, chunk, row);
        if (source >= sources)
            return error_set(err, ERROR_FORMAT, "a row is of none of its record's sources");
        if (wanted[source] && (!query_restore_line(restore, chunk, row, &line, err) ||
                               !take_line(reading, line, err)))
            return false;
    }
    return true;
}

static bool read_file(struct reading *reading, const struct lake_day_file *file, const bool *wanted,
                      size_t sources, struct error *err)
{
    struct buf path = BUF_INIT(PATH_ROOM);
    struct columns raw = {0};
    const struct engine_chunk *chunk = NULL;
    struct engine_result *result = NULL;
    struct query_restore *restore = NULL;
    if (need_task(reading, err) && find_path(reading, file, &path, err))
        result = engine_raw(reading->task, buf_text(&path), &raw, err);
    if (result)
        restore = query_restore_new(&file->columns, file->traits, file->rest, &raw, err);
    bool ok = restore != NULL;
    do {
        ok = ok && !stopped(reading, err) && engine_next(result, &chunk, err) &&
             (!chunk || take_chunk(reading, restore, chunk, wanted, sources, err));
    } while (ok && chunk);
    query_restore_free(restore);
    engine_result_free(result);
    columns_release(&raw);
    buf_release(&path);
    return ok || error_prefix(err, "%s", file->name);
}

/* --- days ----------------------------------------------------------------------------------------------- */

static bool is_passed_over(const struct part_held *held, enum lake_blob_kind kind, const char *name)
{
    struct str id = lake_import_id_of(str_of(name));
    return kind == LAKE_BLOB_IMPORT && ((held->but && str_eq(id, str_of(held->but))) ||
                                        (held->replaced && str_eq(id, str_of(held->replaced))));
}

/* Of each source, whether its rows are to be taken from the files. */
static bool *choose_sources(const struct part_held *held, const struct query_day *day,
                            struct error *err)
{
    const struct lake_day *record = day->record;
    bool *wanted = mem_alloc(record->source_count, sizeof *wanted, err);
    for (size_t i = 0; wanted && i < record->source_count; i++) {
        const struct lake_day_source *source = &record->sources[i];
        wanted[i] = source->tick < held->to && source->tick + source->span > held->from &&
                    !is_passed_over(held, source->kind, source->name);
    }
    for (size_t i = 0; wanted && i < day->superseded_count; i++)
        wanted[day->superseded[i]] = false;
    return wanted;
}

/* Lines where they are all there: the files are for what is in them alone. */
static bool on_day(void *context, const struct query_day *day, struct error *err)
{
    struct reading *reading = context;
    for (size_t i = 0; i < day->n; i++) {
        const struct query_blob *blob = &day->blobs[i];
        if ((blob->read || !day->gone) && !is_passed_over(reading->held, blob->kind, blob->name) &&
            !add_blob(reading, blob, err))
            return false;
    }
    if (!day->gone)
        return true;
    if (day->missing)
        return query_day_missing(day, err);
    bool *wanted = choose_sources(reading->held, day, err), ok = wanted != NULL;
    for (size_t i = 0; ok && i < day->record->file_count; i++)
        ok = read_file(reading, &day->record->files[i], wanted, day->record->source_count, err);
    mem_free(wanted);
    return ok;
}

bool part_held_rows(const struct part_held *held, part_held_fn *fn, void *context,
                    struct error *err)
{
    struct reading reading = {.held = held, .fn = fn, .context = context};
    buf_init(&reading.names, (size_t) BLOBS * (STORE_NAME_MAX + 1));
    buf_init(&reading.line, LINE_MAX);
    reading.wanted = mem_alloc(BLOBS, sizeof *reading.wanted, err);
    reading.at = mem_alloc(BLOBS, sizeof *reading.at, err);
    bool ok =
        query_known_init(&reading.known, held->store, held->place, held->from, held->to, err) &&
        reading.wanted && reading.at &&
        query_days(&reading.known, held->from, held->to, on_day, &reading, err) &&
        read_blobs(&reading, err);
    query_known_release(&reading.known);
    engine_task_free(reading.task);
    engine_free(reading.engine);
    query_bring_free(reading.bring);
    mem_free(reading.wanted);
    mem_free(reading.at);
    buf_release(&reading.names);
    buf_release(&reading.line);
    return ok;
}
