/* One day into Parquet: see job.h.
 *
 *     blobs (and the files of before) -> pieces -> engine_compact -> scratch -> proof -> the lake -> record
 *
 * Until the record is put the day reads as before; from then on, from the new files. Those of before, and what a killed run
 * left, go at the end of a run (sweep.c).
 *
 * A piece is a stretch of the day whose lines can be sorted in memory, and becomes a file. What cannot be cut by its blobs, a
 * large partition or what is merged with files of before, is cut by time: into several files, for each of which it is read
 * again. All files of a piece are proven together.
 */
#include "compact/job.h"
#include "compact/prove.h"
#include "compact/sources.h"
#include "compact/watch.h"
#include "query/ahead.h"
#include "query/bring.h"
#include "query/tables.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

enum {
    PATH_ROOM = 8192,
    PIECE_SHARE = 8, /* of the memory: sorting takes some six times the bytes of the lines */
    PIECE_LEAST = 4 << 20,
    NAME_HEX = 12,
    NAMES_MAX = 1 << 28
};

struct piece {
    size_t first, n;    /* blobs */
    bool merge;         /* with the files of the record before */
    size_t slices;      /* by time, of the same length but for what lies outside */
    int64_t begin, end; /* of its blobs' spans */
};

/* A day under way. */
struct work {
    struct compact_job *job;
    struct compact_kept *kept;
    struct compact_sources sources;
    struct query_bring *bring;       /* on a remote store */
    struct engine_compacted *before; /* the files of the record before */
    size_t n_before;
    struct lake_day *record; /* that is made */
    uint64_t doubled;
    struct buf scratch; /* a folder */
};

static struct store *store_of(const struct work *work)
{
    return work->job->options->store;
}

/* --- what is read ----------------------------------------------------------------------------------------- */

/* A file of the record before, where the engine can read it. */
static bool take_file(struct work *work, const struct lake_day_file *file, struct error *err)
{
    const struct query_day *day = &work->kept->day;
    struct buf path = BUF_INIT(PATH_ROOM);
    const char *copy = NULL;
    bool ok = query_file_path(store_of(work), work->bring, &work->job->options->place, file, &path,
                              err) &&
              (copy = arena_copy(&work->kept->arena, buf_text(&path), path.used, err)) != NULL;
    buf_release(&path);
    work->before[work->n_before++] =
        (struct engine_compacted){.path = copy,
                                  .columns = &file->columns,
                                  .traits = file->traits,
                                  .rest = file->rest,
                                  .left_out = day->superseded,
                                  .left_out_count = day->superseded_count,
                                  .renumber = work->sources.renumber,
                                  .renumber_count = day->record->source_count,
                                  .shared = day->shared,
                                  .shared_count = day->shared_count};
    return ok;
}

static bool take_files(struct work *work, struct error *err)
{
    const struct lake_day *record = work->kept->day.record;
    if (!work->sources.merge)
        return true;
    work->before = arena_alloc(&work->kept->arena, record->file_count, sizeof *work->before, err);
    for (size_t i = 0; work->before && i < record->file_count; i++)
        if (!take_file(work, &record->files[i], err))
            return false;
    return work->before != NULL;
}

static uint64_t most_bytes(const struct work *work)
{
    uint64_t most = work->job->memory / PIECE_SHARE;
    return most < PIECE_LEAST ? PIECE_LEAST : most;
}

/* Bytes of the lines that the rows of the files of before once were. */
static uint64_t bytes_before(const struct work *work)
{
    const struct lake_day *record = work->kept->day.record;
    uint64_t bytes = 0;
    for (size_t i = 0; i < record->source_count; i++)
        bytes += record->sources[i].size;
    return bytes;
}

/* The next piece: whole runs, as many as memory has room for. What is merged is one piece. */
static struct piece next_piece(const struct work *work, size_t first)
{
    const struct compact_sources *sources = &work->sources;
    const struct query_day *day = &work->kept->day;
    struct piece piece = {.first = first, .merge = sources->merge};
    uint64_t most = most_bytes(work), bytes = piece.merge ? bytes_before(work) : 0;
    size_t end = first;
    while (end < sources->n) {
        uint64_t run = 0;
        size_t i = end;
        for (; i < sources->n && sources->blobs[i].run == sources->blobs[end].run; i++)
            run += sources->blobs[i].size;
        if (!piece.merge && end > first && bytes + run > most)
            break;
        bytes += run;
        end = i;
    }
    piece.n = end - first;
    piece.slices = 1 + (size_t) (bytes / most);
    piece.begin = piece.merge || piece.n == 0 ? day->day : sources->blobs[first].tick;
    piece.end = day->day + TICK_DAY;
    if (!piece.merge && piece.n > 0)
        piece.end = sources->blobs[end - 1].tick + sources->blobs[end - 1].span;
    return piece;
}

/* Where slice i begins; the first has all that is earlier, the last all that is later and what has no time. */
static int64_t slice_begin(const struct piece *piece, size_t i)
{
    if (i == 0)
        return 0;
    if (i == piece->slices)
        return INT64_MAX;
    return piece->begin + (piece->end - piece->begin) / (int64_t) piece->slices * (int64_t) i;
}

/* --- the engine ------------------------------------------------------------------------------------------- */

/* An engine for one task, `threads` of the options' meaning; on a remote store it brings the blobs, and the store is ours again when it is closed. */
struct runner {
    struct engine *engine;
    struct engine_task *task;
    struct compact_watch *watch;
    struct query_io *io;
    struct query_blobs *blobs;
};

static bool runner_open(struct runner *runner, const struct work *work, unsigned threads,
                        struct error *err)
{
    const struct compact_options *options = work->job->options;
    struct engine_options how = {
        .threads = threads, .memory = work->job->memory, .scratch = buf_text(&work->scratch)};
    *runner = (struct runner){.engine = engine_open(&how, err)};
    runner->task = runner->engine ? engine_task_new(runner->engine, err) : NULL;
    runner->watch = runner->task ? compact_watch_new(runner->task, options->stop, err) : NULL;
    return runner->watch != NULL;
}

static void runner_close(struct runner *runner)
{
    compact_watch_free(runner->watch);
    if (runner->io)
        query_io_interrupt(runner->io);
    engine_task_free(runner->task);
    query_blobs_release(runner->blobs);
    engine_free(runner->engine);
    query_io_end(runner->io);
    *runner = (struct runner){0};
}

/* The lists that an engine wants of a piece's blobs. */
struct lists {
    const char **paths;
    uint64_t *sizes;
    uint32_t *groups;
    unsigned char *roles;
    struct buf text;
};

static void lists_release(struct lists *lists)
{
    mem_free(lists->paths);
    mem_free(lists->sizes);
    mem_free(lists->groups);
    mem_free(lists->roles);
    buf_release(&lists->text);
}

static bool put_path(const struct work *work, struct lists *lists, const char *name,
                     struct error *err)
{
    struct buf path = BUF_INIT(PATH_ROOM);
    bool ok = work->bring || store_path(store_of(work), name, &path, err);
    if (ok)
        buf_put_str(&lists->text, work->bring ? str_of(name) : buf_str(&path));
    buf_put(&lists->text, "", 1);
    buf_release(&path);
    return ok && buf_ok(&lists->text, "paths of the blobs", err);
}

static bool lists_make(struct lists *lists, const struct work *work, const struct query_blob *blobs,
                       size_t n, struct error *err)
{
    *lists = (struct lists){.text = BUF_INIT(NAMES_MAX)};
    lists->paths = mem_alloc(n, sizeof *lists->paths, err);
    lists->sizes = mem_alloc(n, sizeof *lists->sizes, err);
    lists->groups = mem_alloc(n, sizeof *lists->groups, err);
    lists->roles = mem_alloc(n, sizeof *lists->roles, err);
    if (!lists->paths || !lists->sizes || !lists->groups || !lists->roles)
        return false;
    for (size_t i = 0; i < n; i++) {
        lists->sizes[i] = blobs[i].size;
        lists->groups[i] = blobs[i].group;
        lists->roles[i] = blobs[i].whole ? ENGINE_WHOLE : ENGINE_PART;
        if (!put_path(work, lists, blobs[i].name, err))
            return false;
    }
    const char *at = lists->text.bytes;
    for (size_t i = 0; i < n; at += strlen(at) + 1)
        lists->paths[i++] = at;
    return true;
}

/* Names of a remote store's blobs, which a thread reads ahead. */
static bool open_blobs(struct runner *runner, const struct work *work,
                       const struct query_blob *blobs, size_t n, struct engine_opener *opener,
                       struct error *err)
{
    struct buf text = BUF_INIT(NAMES_MAX);
    struct store_wanted *wanted = mem_alloc(n, sizeof *wanted, err);
    for (size_t i = 0; wanted && i < n; i++)
        buf_put(&text, blobs[i].name, strlen(blobs[i].name) + 1);
    bool ok = wanted && buf_ok(&text, "names of blobs", err) &&
              (runner->io = query_io_new(store_of(work), err)) != NULL;
    if (!ok) {
        mem_free(wanted);
        buf_release(&text);
        return false;
    }
    char *names = buf_take(&text), *at = names;
    for (size_t i = 0; i < n; at += strlen(at) + 1, i++)
        wanted[i] = (struct store_wanted){.name = at, .size = blobs[i].size};
    runner->blobs = query_blobs_new(runner->io, wanted, n, names, err);
    if (runner->blobs)
        query_blobs_opener(runner->blobs, opener);
    return runner->blobs != NULL;
}

static bool compact_slice(struct runner *runner, const struct work *work, const struct piece *piece,
                          size_t slice, const char *path, struct engine_compact_result *out,
                          struct error *err)
{
    const struct query_blob *blobs = work->sources.blobs + piece->first;
    struct engine_time_key keys[LAKE_FROM_MAX];
    struct engine_opener opener;
    struct lists lists;
    bool one = piece->slices == 1;
    query_time_keys(&work->job->schema, keys);
    bool ok =
        lists_make(&lists, work, blobs, piece->n, err) &&
        (!work->bring || piece->n == 0 || open_blobs(runner, work, blobs, piece->n, &opener, err));
    const struct engine_files files = {.name = "day",
                                       .form = ENGINE_LINES,
                                       .paths = lists.paths,
                                       .count = piece->n,
                                       .columns = &work->job->schema.columns,
                                       .from = one ? 0 : slice_begin(piece, slice),
                                       .to = one ? 0 : slice_begin(piece, slice + 1),
                                       .opener = runner->blobs ? &opener : NULL,
                                       .sizes = lists.sizes,
                                       .groups = lists.groups,
                                       .roles = lists.roles,
                                       .time_keys = keys,
                                       .time_key_count = work->job->schema.n_from,
                                       .compacted = piece->merge ? work->before : NULL,
                                       .compacted_count = piece->merge ? work->n_before : 0};
    struct error why = ERROR_INIT;
    if (ok && !engine_compact(runner->task, &files, work->sources.numbers + piece->first, path, out,
                              &why))
        ok = query_io_error(runner->io, &why, err);
    lists_release(&lists);
    return ok;
}

/* --- the proof -------------------------------------------------------------------------------------------- */

static bool compare(const struct compact_sum *lines, const struct compact_sum *file,
                    struct error *err)
{
    char left[TEXT_NUMBER_MAX], right[TEXT_NUMBER_MAX];
    if (lines->rows != file->rows)
        return error_set(err, ERROR_INCOMPLETE,
                         "the lines have %s rows, the file as it was read back %s",
                         text_grouped(lines->rows, left), text_grouped(file->rows, right));
    return (lines->hash.high == file->hash.high && lines->hash.low == file->hash.low) ||
           error_set(err, ERROR_INCOMPLETE,
                     "the file as it was read back has other values than the lines");
}

/* A file that is made: in scratch until all of its piece are proven. */
struct made {
    struct lake_day_file file;
    bool there;
};

static void put_path_of(const struct work *work, size_t slice, struct buf *path)
{
    buf_reset(path);
    buf_printf(path, "%s/day-%zu.parquet", buf_text(&work->scratch), slice);
}

/* The right side: the new files, read by a thread of its own while the calling one reads the lines. */
struct right_side {
    struct work *work;
    struct engine_task *task;
    const struct piece *piece;
    const struct made *made;
    struct compact_sum sum;
    struct error err;
    bool ok;
};

static bool sum_made(struct right_side *side, struct lake_rows *rows, size_t slice)
{
    const struct lake_day_file *made = &side->made[slice].file;
    struct buf path = BUF_INIT(PATH_ROOM);
    uint64_t before = side->sum.rows;
    put_path_of(side->work, slice, &path);
    const struct engine_compacted file = {.path = buf_text(&path),
                                          .columns = &made->columns,
                                          .traits = made->traits,
                                          .rest = made->rest};
    bool ok = compact_sum_file(side->task, rows, &side->work->job->schema.columns, &file,
                               side->work->job->options->stop, NULL, &side->sum, &side->err);
    if (ok && side->sum.rows - before != made->rows)
        ok = error_set(&side->err, ERROR_INTERNAL, "the engine miscounted the rows of a file");
    buf_release(&path);
    return ok;
}

static void *read_right(void *context)
{
    struct right_side *side = context;
    struct lake_rows *rows = compact_rows_new(&side->work->job->schema, &side->err);
    side->ok = rows != NULL;
    for (size_t i = 0; side->ok && i < side->piece->slices; i++)
        side->ok = sum_made(side, rows, i);
    lake_rows_free(rows);
    return NULL;
}

/* The left side: the lines, and the files of before as they stand. */
static bool read_left(struct work *work, const struct piece *piece,
                      const struct compact_shared *shared, struct compact_sum *sum,
                      struct error *err)
{
    struct compact_sources *sources = &work->sources;
    return compact_sum_lines(store_of(work), work->job->rows, sources->blobs + piece->first,
                             piece->n, shared, work->job->options->stop,
                             sources->sha256 + piece->first, sum, err);
}

/* Reads both sides, with a runner of one thread: one that reads while another waits for it costs more than it brings. */
static bool prove_by(struct work *work, struct runner *runner, const struct piece *piece,
                     const struct made *made, struct compact_sum *sum, struct error *err)
{
    struct right_side right = {
        .work = work, .task = runner->task, .piece = piece, .made = made, .err = ERROR_INIT};
    struct compact_shared shared = {0};
    pthread_t thread;
    bool ok = true;
    *sum = (struct compact_sum){0};
    for (size_t i = 0; ok && piece->merge && i < work->n_before; i++)
        ok = compact_sum_file(runner->task, work->job->rows, &work->job->schema.columns,
                              &work->before[i], work->job->options->stop, &shared, sum, err);
    if (!ok) {
        compact_shared_release(&shared);
        return false;
    }
    bool apart = pthread_create(&thread, NULL, read_right, &right) == 0;
    ok = read_left(work, piece, &shared, sum, err);
    compact_shared_release(&shared);
    if (apart)
        (void) pthread_join(thread, NULL);
    else if (ok)
        (void) read_right(&right);
    if (!ok)
        return false;
    return right.ok ? compare(sum, &right.sum, err) : error_pass(err, &right.err);
}

static bool prove(struct work *work, const struct piece *piece, const struct made *made,
                  struct compact_sum *sum, struct error *err)
{
    struct runner runner = {0};
    bool ok = runner_open(&runner, work, 1, err) && prove_by(work, &runner, piece, made, sum, err);
    runner_close(&runner);
    return ok;
}

/* --- a file ----------------------------------------------------------------------------------------------- */

static bool keep_columns(struct work *work, const struct engine_compact_result *result,
                         struct lake_day_file *file, struct error *err)
{
    struct arena *arena = &work->kept->arena;
    size_t n = result->columns.n;
    struct column *columns = arena_alloc(arena, n, sizeof *columns, err);
    unsigned char *traits = arena_alloc(arena, n, 1, err);
    if (!columns || !traits)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct column *from = &result->columns.v[i];
        columns[i].type = from->type;
        columns[i].name = arena_copy(arena, from->name, strlen(from->name), err);
        traits[i] = (unsigned char) ((result->traits[i] & ENGINE_TICKS ? LAKE_DAY_TICKS : 0) |
                                     (result->traits[i] & ENGINE_MENDED ? LAKE_DAY_MENDED : 0));
        if (!columns[i].name)
            return false;
    }
    file->columns = (struct columns){.v = columns, .n = n};
    file->traits = traits;
    return true;
}

/* Gives the file its name in the lake: from its bytes. */
static bool adopt(struct work *work, const char *path, struct lake_day_file *file,
                  struct error *err)
{
    const struct compact_options *options = work->job->options;
    struct buf folder = BUF_INIT(LAKE_NAME_MAX), prefix = BUF_INIT(LAKE_NAME_MAX);
    char hex[HASH_SHA256_HEX];
    text_hex(file->sha256, sizeof file->sha256, hex);
    lake_day_folder(&folder, &options->place, work->kept->day.day);
    lake_parquet_prefix(&prefix, &options->place);
    buf_printf(&folder, "/%.*s-%zu.parquet", NAME_HEX, hex, work->record->file_count);
    bool ok = buf_ok(&folder, "the name of a file", err) &&
              store_adopt(store_of(work), path, buf_text(&folder), 0, err);
    if (ok)
        file->name = arena_copy(&work->kept->arena, folder.bytes + prefix.used + 1,
                                folder.used - prefix.used - 1, err);
    buf_release(&folder);
    buf_release(&prefix);
    return ok && file->name;
}

/* Makes the file of one slice, in scratch. */
static bool make_slice(struct work *work, struct runner *runner, const struct piece *piece,
                       size_t slice, struct made *made, struct error *err)
{
    struct engine_compact_result result = {0};
    struct buf path = BUF_INIT(PATH_ROOM);
    put_path_of(work, slice, &path);
    bool ok = buf_ok(&path, "a path", err) &&
              compact_slice(runner, work, piece, slice, buf_text(&path), &result, err);
    made->there = ok;
    made->file = (struct lake_day_file){.rows = result.rows,
                                        .timeless = result.timeless,
                                        .first = result.first,
                                        .last = result.last,
                                        .rest = result.rest};
    ok = ok && keep_columns(work, &result, &made->file, err);
    engine_compact_result_release(&result);
    buf_release(&path);
    return ok;
}

/* A store that an engine reads through is ours again when that is closed. */
static bool make_slices(struct work *work, const struct piece *piece, struct made *made,
                        struct error *err)
{
    struct runner runner = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < piece->slices; i++) {
        ok = (runner.task || runner_open(&runner, work, work->job->options->threads, err)) &&
             make_slice(work, &runner, piece, i, &made[i], err);
        if (runner.io)
            runner_close(&runner);
    }
    runner_close(&runner);
    return ok;
}

/* The same; lines that are none may be bytes that are packed in a way that the engine does not know. */
static bool make_files(struct work *work, const struct piece *piece, struct made *made,
                       struct error *err)
{
    struct error why = ERROR_INIT;
    if (make_slices(work, piece, made, &why))
        return true;
    if (why.code == ERROR_FORMAT &&
        !compact_check_plain(store_of(work), work->sources.blobs + piece->first, piece->n, err))
        return false;
    return error_pass(err, &why);
}

/* What is proven goes into the lake. */
static bool adopt_slices(struct work *work, const struct piece *piece, struct made *made,
                         struct error *err)
{
    struct lake_day *record = work->record;
    struct buf path = BUF_INIT(PATH_ROOM);
    bool ok = true;
    for (size_t i = 0; ok && i < piece->slices; i++) {
        struct lake_day_file *file = &made[i].file;
        if (file->rows == 0)
            continue;
        put_path_of(work, i, &path);
        ok = compact_hash_file(buf_text(&path), file->sha256, &file->bytes, err) &&
             adopt(work, buf_text(&path), file, err);
        made[i].there = !ok;
        if (ok)
            record->files[record->file_count++] = *file;
    }
    buf_release(&path);
    return ok;
}

static void remove_slices(const struct work *work, const struct piece *piece,
                          const struct made *made)
{
    struct buf path = BUF_INIT(PATH_ROOM);
    for (size_t i = 0; i < piece->slices; i++) {
        put_path_of(work, i, &path);
        if (made[i].there)
            (void) unlink(buf_text(&path));
    }
    buf_release(&path);
}

static bool write_piece(struct work *work, const struct piece *piece, struct error *err)
{
    struct lake_day *record = work->record;
    struct compact_sum sum;
    struct made *made = mem_alloc(piece->slices, sizeof *made, err);
    bool ok = made && make_files(work, piece, made, err) && prove(work, piece, made, &sum, err);
    if (ok) {
        record->rows += sum.rows;
        record->doubled += sum.doubled;
        lake_row_sum(&record->hash, &sum.hash);
        ok = adopt_slices(work, piece, made, err);
    }
    if (made)
        remove_slices(work, piece, made);
    mem_free(made);
    return ok;
}

static bool write_pieces(struct work *work, struct error *err)
{
    struct lake_day *record = work->record;
    size_t files = 0, first = 0;
    struct piece piece;
    do {
        piece = next_piece(work, first);
        first += piece.n;
        files += piece.slices;
    } while (first < work->sources.n);
    if (files > LAKE_DAY_FILES_MAX)
        return error_set(err, ERROR_LIMIT,
                         "the day would be more than %d files: --memory says how "
                         "much each may hold",
                         LAKE_DAY_FILES_MAX);
    record->files = arena_alloc(&work->kept->arena, files, sizeof *record->files, err);
    if (!record->files)
        return false;
    first = 0;
    do {
        piece = next_piece(work, first);
        if (!write_piece(work, &piece, err))
            return false;
        for (size_t i = 0; i < piece.n; i++)
            work->job->progress.bytes_done += work->sources.blobs[first + i].size;
        if (work->job->options->progress)
            work->job->options->progress(work->job->options->context, &work->job->progress);
        first += piece.n;
    } while (first < work->sources.n);
    return true;
}

/* --- the whole -------------------------------------------------------------------------------------------- */

static bool work_begin(struct work *work, struct error *err)
{
    buf_init(&work->scratch, PATH_ROOM);
    if (store_remote(store_of(work))) {
        work->bring = query_bring_new(store_of(work), err);
        if (!work->bring)
            return false;
    }
    return store_scratch(store_of(work), &work->scratch, err) &&
           compact_sources_find(&work->sources, work->kept, err) && take_files(work, err);
}

/* What weir exported must be what the ledger says, or nobody could tell later whether it has changed since. */
static bool check_ledger(const struct work *work, struct error *err)
{
    const struct compact_sources *sources = &work->sources;
    for (size_t i = 0; i < sources->n; i++) {
        const struct query_blob *blob = &sources->blobs[i];
        const struct lake_entry *entry = blob->kind == LAKE_BLOB_EXPORT
                                             ? lake_ledger_find(work->job->known.ledger, blob->tick)
                                             : NULL;
        if (!entry || !lake_entry_held(entry) || entry->number != blob->number ||
            memcmp(entry->sha256, sources->sha256[i], HASH_SHA256_SIZE) == 0)
            continue;
        (void) error_set(err, ERROR_INCOMPLETE, "%s is not what the ledger says", blob->name);
        return error_hint(err, "weir export fetches it again where the workspace still has it");
    }
    return true;
}

static void tell(const struct work *work, struct compact_day *told)
{
    for (size_t i = 0; i < work->sources.n; i++)
        told->bytes += work->sources.blobs[i].size;
    told->blobs = work->sources.n;
    told->rows = work->record->rows;
    told->doubled = work->record->doubled;
    told->files = work->record->file_count;
    for (size_t i = 0; i < work->record->file_count; i++)
        told->file_bytes += work->record->files[i].bytes;
}

bool compact_write_day(struct compact_job *job, struct compact_kept *kept, struct compact_day *told,
                       struct lake_day *record, struct error *err)
{
    const struct compact_options *options = job->options;
    struct work work = {.job = job, .kept = kept, .record = record};
    *record = (struct lake_day){.day = kept->day.day, .at = tick_now(), .by = options->by};
    bool ok = work_begin(&work, err) && write_pieces(&work, err) && check_ledger(&work, err) &&
              (kept->day.record || compact_stray_check(job, record, err)) &&
              compact_instead(job, kept, record, err) &&
              compact_sources_list(&work.sources, kept, record, err) &&
              store_sync(store_of(&work), err) &&
              lake_day_write(store_of(&work), &options->place, record, err);
    if (ok)
        tell(&work, told);
    query_bring_free(work.bring);
    buf_release(&work.scratch);
    return ok;
}
