/* An import from its inputs to its record; see partition.h.
 *
 *     lock, records       one import of a table at a time; what the lake holds already
 *     inputs              expanded, opened, refused where their time cannot be told; those that are held are left out
 *     (keys)              with --dedup a first reading: which rows are there already
 *     machine             lines to temporary files, whole
 *     schema, rejects     readers know the columns before the first row shows
 *     finish              names, record; then what it replaces is removed
 */
#include "partition/partition.h"

#include "base/memory.h"
#include "lake/import.h"
#include "lake/ledger.h"
#include "partition/finish.h"
#include "partition/given.h"
#include "partition/machine.h"
#include "partition/reject_file.h"
#include "partition/replace.h"
#include "partition/seen.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RESULT_MAX = 1 << 30, /* bytes of texts of a result */
    PATH_ROOM = 4096,
    NOTE_MAX = 512,
    FOLDERS_MAX = 1000, /* attempts that one scratch folder sees */
    AGAINS_MAX = 3 /* readings, each done again since an input changed, or was held after all */
};
#define MEMORY_LEAST (UINT64_C(256) << 20)

struct import {
    const struct partition_options *options;
    struct partition_result *out;
    unsigned threads;
    uint64_t memory;
    int64_t started;
    struct buf scratch; /* the store's */
    struct buf folder;  /* in it, of this attempt: files of another one are no part of it */
    struct store_lock *lock;
    struct lake_imports imports;
    struct part_replace replace;
    struct part_seen *seen;
    struct lake_schema schema;
    bool has_schema;
    struct part_givens givens;
    struct part_reject_file rejects;
    struct part_dedup *dedup;
    struct part_machine_result machine;
    struct lake_import record;
    bool done; /* nothing is left to be written */
};

/* --- before anything is read --- */

static unsigned threads_of(const struct partition_options *options)
{
    long n = options->threads > 0 ? (long) options->threads : sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1)
        return 1;
    return n > PARTITION_THREADS_MAX ? PARTITION_THREADS_MAX : (unsigned) n;
}

static uint64_t memory_of(const struct partition_options *options)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    uint64_t quarter = pages > 0 && size > 0 ? (uint64_t) pages / 4 * (uint64_t) size : 0;
    if (options->memory > 0)
        return options->memory < PARTITION_MEMORY_MIN ? PARTITION_MEMORY_MIN : options->memory;
    return quarter > MEMORY_LEAST ? quarter : MEMORY_LEAST;
}

static bool read_schema(struct import *import, struct error *err)
{
    struct error why = ERROR_INIT;
    const struct partition_options *options = import->options;
    import->has_schema = lake_schema_read(options->store, options->place, &import->schema, &why);
    return import->has_schema || why.code == ERROR_NOT_FOUND || error_pass(err, &why);
}

/* What is to be replaced. Times are found as if its rules were gone: another zone may be why it is. */
static bool begin_replace(struct import *import, struct error *err)
{
    struct lake_from rules[LAKE_FROM_MAX];
    if (!part_replace_find(&import->imports, import->options->replace, &import->replace, err))
        return false;
    if (import->has_schema) {
        size_t n =
            part_replace_rules(&import->schema, &import->imports, import->replace.old, rules);
        (void) lake_schema_drop_from(&import->schema, rules, n);
    }
    return true;
}

static bool begin(struct import *import, struct error *err)
{
    const struct partition_options *options = import->options;
    char owner[STORE_LOCK_OWNER_MAX];
    (void) snprintf(owner, sizeof owner, "weir partition, process %ld", (long) getpid());
    if (!lake_place_check(options->place, err) ||
        !store_scratch(options->store, &import->scratch, err))
        return false;
    import->lock = lake_lock_new(options->store, options->place, owner, err);
    if (!import->lock ||
        !lake_imports_read(options->store, options->place, LAKE_IMPORTS_HEADS, &import->imports,
                           err) ||
        !part_replace_settle(options->store, options->place, &import->imports, err) ||
        !read_schema(import, err))
        return false;
    if (options->replace && !begin_replace(import, err))
        return false;
    import->seen = part_seen_new(err);
    return import->seen &&
           part_givens_open(&import->givens, options, &import->imports,
                            import->has_schema ? &import->schema : NULL,
                            options->replace ? import->replace.id : NULL,
                            buf_text(&import->scratch), import->seen, err) &&
           part_givens_look(&import->givens, err);
}

static bool any_new(const struct part_givens *givens)
{
    for (size_t i = 0; i < givens->n; i++)
        if (givens->v[i].state == PART_GIVEN_NEW)
            return true;
    return false;
}

/* The import that holds what was given, when nothing is new. */
static const struct lake_import *holder(const struct part_givens *givens)
{
    for (size_t i = 0; i < givens->n; i++)
        if (givens->v[i].state == PART_GIVEN_HELD)
            return givens->v[i].held_by;
    return NULL;
}

/* --- reading --- */

static bool on_reject(void *context, size_t source, uint64_t line, enum part_reason reason,
                      struct str text, struct error *err)
{
    struct import *import = context;
    const struct part_given *given = &import->givens.v[import->givens.indexes[source]];
    return part_reject_file_put(&import->rejects, str_of(given->input->name), line, reason, text,
                                err);
}

static uint64_t total_of(const struct part_givens *givens)
{
    uint64_t total = 0;
    for (size_t i = 0; i < givens->source_count; i++) {
        const struct part_input *input = givens->v[givens->indexes[i]].input;
        if (input->kind != PART_INPUT_FILE && input->kind != PART_INPUT_BLOB)
            return 0;
        total += input->size;
    }
    return total;
}

static struct part_machine_options machine_options(struct import *import)
{
    const struct partition_options *options = import->options;
    return (struct part_machine_options){
        .sources = import->givens.sources,
        .source_count = import->givens.source_count,
        .scratch = buf_text(&import->folder),
        .threads = import->threads,
        .memory = import->memory,
        .small = options->small,
        .stop = options->stop,
        .progress = options->watch ? options->watch->progress : NULL,
        .progress_context = options->watch ? options->watch->context : NULL,
        .total = total_of(&import->givens),
        .seen = import->seen,
    };
}

/* The columns whose types are known: the lake's, then those that the caller knows. */
static bool known_columns(const struct import *import, struct columns *out, struct error *err)
{
    const struct columns *known = import->options->known;
    *out = (struct columns){0};
    if (import->has_schema && !columns_copy(&import->schema.columns, out, err))
        return false;
    for (size_t i = 0; known && i < known->n; i++) {
        struct str name = str_of(known->v[i].name);
        if (columns_find(out, name) < 0 && !columns_add(out, name, known->v[i].type, err))
            return false;
    }
    return true;
}

static bool new_dedup(struct import *import, struct error *err)
{
    const struct partition_options *options = import->options;
    struct columns known;
    bool ok = known_columns(import, &known, err);
    struct part_dedup_options dedup = {.columns = options->dedup,
                                       .types = &known,
                                       .from = import->givens.from,
                                       .n_from = import->givens.n_from,
                                       .scratch = buf_text(&import->scratch),
                                       .memory = import->memory / 4,
                                       .stop = options->stop};
    part_dedup_free(import->dedup);
    import->dedup = ok ? part_dedup_new(&dedup, err) : NULL;
    columns_release(&known);
    return import->dedup != NULL;
}

static bool make_id(struct import *import, char id[LAKE_IMPORT_ID_MAX], struct error *err);

/* A name that is no column would drop nothing, and say nothing. */
static bool has_columns(const struct import *import, struct error *err)
{
    const char *missing = part_dedup_missing(import->dedup);
    if (!missing)
        return true;
    (void) error_set(err, ERROR_USAGE, "no row has a column '%s' to be told apart by", missing);
    return error_hint(err, "names are case-sensitive: --dedup _ItemId, --dedup A,B, --dedup '*'");
}

/* The first reading: which rows are there already. *again: an input was held after all. */
static bool read_keys(struct import *import, bool *again, struct error *err)
{
    const struct partition_options *options = import->options;
    struct part_machine_options machine = machine_options(import);
    struct part_machine_result *found = &import->machine;
    char id[LAKE_IMPORT_ID_MAX];
    uint64_t dropped;
    if (!new_dedup(import, err))
        return false;
    machine.keys = import->dedup;
    if (!part_machine_run(&machine, found, err) || !has_columns(import, err) ||
        !part_givens_take(&import->givens, found, again, err) || !make_id(import, id, err))
        return false;
    struct part_held held = {.store = options->store,
                             .place = options->place,
                             .from = found->from,
                             .to = found->to,
                             .but = id,
                             .replaced = options->replace ? import->replace.id : NULL,
                             .memory = import->memory / 4,
                             .stop = options->stop};
    return *again || (part_dedup_lake(import->dedup, &held, NULL, err) &&
                      part_dedup_finish(import->dedup, &dropped, err) &&
                      part_givens_list(&import->givens, err));
}

/* The scratch folder may have been used before. */
static bool make_folder(struct import *import, struct error *err)
{
    int failed = EEXIST;
    for (int i = 0; failed == EEXIST && i < FOLDERS_MAX; i++) {
        buf_reset(&import->folder);
        buf_printf(&import->folder, "%s/%d", buf_text(&import->scratch), i);
        if (!buf_ok(&import->folder, "a path", err))
            return false;
        failed = mkdir(buf_text(&import->folder), 0777) == 0 ? 0 : errno;
    }
    return failed == 0 ||
           error_set_errno(err, ERROR_IO, failed, "cannot make %s", buf_text(&import->folder));
}

/* The first of two readings; *first, to be freed with mem_free, is what it read. *again: an input was held after all. */
static bool read_first(struct import *import, struct part_machine_source **first, bool *again,
                       struct error *err)
{
    if (!read_keys(import, again, err))
        return false;
    *first = import->machine.sources;
    import->machine.sources = NULL;
    return true;
}

static bool read_rows(struct import *import, struct error *err)
{
    struct part_machine_options machine = machine_options(import);
    machine.dropped = import->dedup;
    machine.reject = on_reject;
    machine.reject_context = import;
    return part_machine_run(&machine, &import->machine, err);
}

/* One attempt. *again: an input was held after all, or changed between two readings. */
static bool read_once(struct import *import, bool *again, struct error *err)
{
    struct part_machine_source *first = NULL;
    *again = false;
    part_machine_release(&import->machine);
    part_reject_file_clear(&import->rejects);
    if (!make_folder(import, err) || !part_givens_list(&import->givens, err) ||
        (import->options->dedup && !read_first(import, &first, again, err)))
        return false;
    bool ok = *again || read_rows(import, err);
    if (ok && !*again && first)
        *again = !part_machine_same(first, &import->machine, import->givens.source_count);
    mem_free(first);
    return ok && (*again || part_givens_take(&import->givens, &import->machine, again, err));
}

static bool read_all(struct import *import, struct error *err)
{
    bool again = true;
    for (int i = 0; again && i < AGAINS_MAX && any_new(&import->givens); i++)
        if (!read_once(import, &again, err))
            return false;
    if (again && any_new(&import->givens))
        return error_set(err, ERROR_IO, "the inputs keep changing while they are read");
    return true;
}

/* --- what is told of it --- */

/* The inputs that were read, in order; free the list with mem_free. */
static struct lake_import_input *read_inputs(const struct import *import, size_t *count,
                                             struct error *err)
{
    const struct part_givens *givens = &import->givens;
    struct lake_import_input *inputs = mem_alloc(givens->n, sizeof *inputs, err);
    size_t n = 0;
    for (size_t i = 0; inputs && i < givens->n; i++)
        if (givens->v[i].state == PART_GIVEN_NEW)
            inputs[n++] = givens->v[i].record;
    *count = n;
    return inputs;
}

static bool make_id(struct import *import, char id[LAKE_IMPORT_ID_MAX], struct error *err)
{
    size_t n;
    struct lake_import_input *inputs = read_inputs(import, &n, err);
    bool ok = inputs && lake_import_id(inputs, n, import->options->dedup, id, err);
    mem_free(inputs);
    return ok;
}

static void say_left_out(const struct import *import, const struct columns *columns)
{
    const struct partition_watch *watch = import->options->watch;
    char line[NOTE_MAX];
    size_t n = part_seen_left_out(import->seen, columns);
    if (n == 0 || !watch || !watch->note)
        return;
    (void) snprintf(line, sizeof line,
                    "%zu keys of the rows are no columns of %s: schema.json has %zu, and gets no "
                    "more by itself; they are in the lake all the same",
                    n, import->options->place->table, columns->n);
    watch->note(watch->context, line);
}

/* Before the first row shows: who reads it knows its columns, and where its time is. Rules of an import that is replaced stay
 * until it is: its rows count as long as the new record is not there. */
static bool update_schema(const struct import *import, struct error *err)
{
    const struct partition_options *options = import->options;
    struct columns known, columns = {0};
    const struct part_givens *givens = &import->givens;
    const struct lake_from_change times = {.add = givens->from + givens->held,
                                           .n_add = givens->n_from - givens->held};
    bool ok =
        known_columns(import, &known, err) &&
        part_seen_columns(import->seen, &known, import->givens.source.custom, &columns, err) &&
        lake_schema_update_from(options->store, options->place,
                                import->has_schema ? import->schema.query : NULL, &columns, &times,
                                NULL, err);
    if (ok)
        say_left_out(import, &columns);
    columns_release(&known);
    columns_release(&columns);
    return ok;
}

static bool finish(struct import *import, struct error *err)
{
    const struct partition_options *options = import->options;
    struct part_finish how = {.store = options->store,
                              .place = options->place,
                              .scratch = buf_text(&import->folder),
                              .files = import->machine.files,
                              .threads = import->threads,
                              .sync = options->sync,
                              .stop = options->stop,
                              .watch = options->watch};
    struct lake_import *record = &import->record;
    record->by = options->by ? options->by : "weir";
    record->started = import->started;
    record->dedup = options->dedup;
    record->rejected = import->machine.rejected;
    record->dropped = import->machine.dropped;
    record->inputs = read_inputs(import, &record->n_inputs, err);
    if (!record->inputs)
        return false;
    if (options->replace)
        part_replace_tell(&import->replace, record);
    return part_reject_file_end(&import->rejects, options->place->table, record->id, err) &&
           update_schema(import, err) && part_finish(&how, record, err);
}

/* True when nothing is to be written: all is held, or the import that this would be is the one to be replaced. */
static bool check_replaced(struct import *import, const struct lake_import *same, struct error *err)
{
    return !import->options->replace ||
           part_replace_check(&import->replace, same, &import->done, err);
}

static bool write_new(struct import *import, struct error *err)
{
    if (!read_all(import, err))
        return false;
    if (!any_new(&import->givens)) {
        import->done = true;
        return check_replaced(import, holder(&import->givens), err);
    }
    if (!make_id(import, import->record.id, err) ||
        !check_replaced(import, lake_imports_find(&import->imports, str_of(import->record.id)),
                        err))
        return false;
    return import->done || finish(import, err);
}

static void say_kept(const struct import *import, size_t kept)
{
    const struct partition_watch *watch = import->options->watch;
    char line[NOTE_MAX];
    if (kept == 0 || !watch || !watch->note)
        return;
    (void) snprintf(line, sizeof line,
                    "%zu import%s that %s replaced %s where nothing can be deleted: no reader "
                    "reads %s any more",
                    kept, kept == 1 ? "" : "s", kept == 1 ? "was" : "were",
                    kept == 1 ? "stays" : "stay", kept == 1 ? "it" : "them");
    watch->note(watch->context, line);
}

static bool run(struct import *import, struct error *err)
{
    const struct partition_options *options = import->options;
    struct part_replaced replaced;
    if (!begin(import, err))
        return false;
    import->done = !any_new(&import->givens);
    bool ok = import->done ? check_replaced(import, holder(&import->givens), err)
                           : write_new(import, err);
    ok = ok && part_replace_finish(options->store, options->place, options->stop, &replaced, err);
    if (ok)
        say_kept(import, replaced.kept);
    return ok;
}

/* --- the result --- */

static char *keep(struct partition_result *out, const char *text, struct error *err)
{
    return text ? arena_copy(out->memory, text, strlen(text), err) : NULL;
}

static bool tell_inputs(const struct import *import, struct error *err)
{
    const struct part_givens *givens = &import->givens;
    struct partition_result *out = import->out;
    out->inputs = arena_alloc(out->memory, givens->n, sizeof *out->inputs, err);
    if (!out->inputs)
        return false;
    for (size_t i = 0; i < givens->n; i++) {
        const struct part_given *given = &givens->v[i];
        out->inputs[i] = (struct partition_input){
            .name = keep(out, given->input->name, err),
            .bytes = given->hashed ? given->record.bytes : given->input->size,
            .rows = given->record.rows,
            .rejected = given->held_as ? given->held_as->rejected : given->record.rejected,
            .blank = given->blank,
            .kind = given->kind,
            .held_by = given->held_by ? keep(out, given->held_by->id, err) : NULL,
            .twice = given->state == PART_GIVEN_TWICE};
        memcpy(out->inputs[i].hash, given->record.hash, sizeof out->inputs[i].hash);
        if (!out->inputs[i].name)
            return false;
        out->read += given->state == PART_GIVEN_NEW;
        out->rejected_before += given->held_as ? given->held_as->rejected : 0;
    }
    out->input_count = givens->n;
    return true;
}

/* Where lines are to be found that were rejected before: an import whose reject file was named keeps its place to itself. */
static void tell_rejected(const struct import *import, struct error *err)
{
    const struct part_givens *givens = &import->givens;
    struct buf path = BUF_INIT(PART_REJECT_PATH_MAX);
    size_t i = 0;
    while (i < givens->n && !(givens->v[i].held_as && givens->v[i].held_as->rejected > 0))
        i++;
    if (i < givens->n &&
        part_reject_file_usual(import->options->place->table, givens->v[i].held_by->id, &path,
                               NULL) &&
        access(buf_text(&path), F_OK) == 0)
        import->out->rejected_file = keep(import->out, buf_text(&path), err);
    buf_release(&path);
}

static void tell_time(const struct import *import, struct error *err)
{
    const struct part_givens *givens = &import->givens;
    for (size_t i = 0; i < givens->n; i++) {
        const struct part_given *given = &givens->v[i];
        if (given->state != PART_GIVEN_NEW || import->out->time_column)
            continue;
        import->out->time_column = keep(import->out, given->record.time.key, err);
        import->out->time_format = keep(import->out, given->record.time.format, err);
        if (given->record.time.zone[0])
            import->out->time_zone = keep(import->out, given->record.time.zone, err);
        import->out->guessed = given->guessed;
    }
}

static bool tell(const struct import *import, struct error *err)
{
    struct partition_result *out = import->out;
    if (!tell_inputs(import, err))
        return false;
    tell_rejected(import, err);
    out->seconds = (double) (tick_now() - import->started) / (double) TICK_SECOND;
    if (import->done)
        return true;
    const struct lake_import *record = &import->record;
    memcpy(out->id, record->id, sizeof out->id);
    out->rows = record->rows;
    out->bytes = record->bytes;
    out->rejected = record->rejected;
    out->dropped = record->dropped;
    out->partitions = record->n_parts;
    out->first = record->from;
    out->last = record->n_parts > 0 ? record->to - TICK_PARTITION : 0;
    out->spilled = import->machine.spilled;
    for (int i = 0; i < PART_REASON_COUNT; i++)
        out->reasons[i] = import->machine.reasons[i];
    if (import->rejects.made)
        out->reject_file = keep(out, buf_text(&import->rejects.path), err);
    tell_time(import, err);
    return true;
}

static void release(struct import *import)
{
    part_machine_release(&import->machine);
    part_dedup_free(import->dedup);
    part_reject_file_release(&import->rejects);
    part_givens_release(&import->givens);
    part_seen_free(import->seen);
    if (import->has_schema)
        lake_schema_release(&import->schema);
    lake_imports_release(&import->imports);
    store_lock_free(import->lock);
    mem_free(import->record.inputs);
    buf_release(&import->scratch);
    buf_release(&import->folder);
}

static bool make_result(struct partition_result *out, struct error *err)
{
    *out = (struct partition_result){0};
    out->memory = mem_alloc(1, sizeof *out->memory, err);
    if (out->memory)
        arena_init(out->memory, RESULT_MAX);
    return out->memory != NULL;
}

bool partition_run(const struct partition_options *options, struct partition_result *out,
                   struct error *err)
{
    _Static_assert((int) PART_REASON_COUNT <= (int) PARTITION_REASON_MAX, "reasons are counted");
    _Static_assert((int) LAKE_IMPORT_ID_MAX == PARTITION_ID + 1, "an id is one");
    struct import import = {.options = options,
                            .out = out,
                            .threads = threads_of(options),
                            .memory = memory_of(options),
                            .started = tick_now()};
    if (!make_result(out, err))
        return false;
    buf_init(&import.scratch, PATH_ROOM);
    buf_init(&import.folder, PATH_ROOM);
    bool ok = part_reject_file_init(&import.rejects, options->reject_file, err) &&
              run(&import, err) && tell(&import, err);
    release(&import);
    return ok;
}

void partition_result_release(struct partition_result *result)
{
    if (!result->memory)
        return;
    arena_release(result->memory);
    mem_free(result->memory);
    result->memory = NULL;
}
