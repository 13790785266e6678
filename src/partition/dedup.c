/* Rows that are there already: see dedup.h. */
#include "partition/dedup.h"

#include "base/hash.h"
#include "base/memory.h"
#include "lake/catalog.h"
#include "lake/day.h"
#include "lake/ledger.h"
#include "lake/row.h"
#include "partition/keys.h"

#include <stdatomic.h>

enum {
    PAGE_ROWS = 1 << 16, /* of a page of the map of dropped rows */
    PAGE_WORDS = PAGE_ROWS / 64,
    PAGES_MAX = PART_DEDUP_ROWS_MAX / PAGE_ROWS,
    TAKEN_MAX = 1 << 27, /* rows of a chunk */
    BLOBS = 1024,        /* of the lake, read at a stretch */
    DAYS_NAMED = 3,      /* in a message */
    LINE_MAX = 64 << 20  /* bytes of a line of the lake; one that is longer is passed over */
};

static const char time_column[] = "TimeGenerated";

struct part_dedup {
    struct columns columns; /* the chosen ones, with their types; TimeGenerated in any case */
    bool *chosen;           /* of each; NULL: the whole row */
    bool *time;             /* of each: TimeGenerated alone */
    atomic_bool *filled;    /* of each: it is known, or a row has a value in it */
    struct lake_from *from; /* its texts in the arena */
    size_t n_from;
    struct arena arena;
    struct keys *keys;
    uint64_t memory;
    const struct stop *stop;
    uint64_t **pages; /* bits of rows that are dropped; NULL where none is */
    size_t n_pages;   /* that there is room for */
    uint64_t dropped;
};

struct taken {
    struct lake_row_key key;
    bool any; /* false: equal to none */
};

struct part_dedup_worker {
    struct part_dedup *dedup;
    struct lake_rows *rows;
    struct keys_stage *stage;
    struct taken *taken;
    size_t n, room;
    bool *filled; /* of each column: a row of the import has a value in it */
};

/* --- the columns --- */

static bool no_columns(const char *columns, struct error *err)
{
    (void) error_set(err, ERROR_USAGE, "--dedup '%.80s' is no list of columns", columns);
    (void) error_hint(err, "names with commas between, such as _ItemId; or '*', the whole row");
    return false;
}

static bool choose(struct part_dedup *dedup, const struct columns *types, struct str name,
                   struct error *err)
{
    int known = types ? columns_find(types, name) : -1;
    enum column_type type = known >= 0 ? types->v[known].type : COLUMN_DYNAMIC;
    if (str_eq(name, str_of(time_column)))
        type = COLUMN_DATETIME;
    return columns_add(&dedup->columns, name, type, err);
}

/* Names with commas between, blanks around them passed over; none twice. */
static bool choose_all(struct part_dedup *dedup, const struct part_dedup_options *options,
                       struct error *err)
{
    struct str rest = str_of(options->columns), name;
    while (str_split(&rest, ',', &name)) {
        name = str_trim(name);
        if (name.n == 0 || name.n > COLUMN_NAME_MAX || columns_find(&dedup->columns, name) >= 0 ||
            dedup->columns.n == PART_DEDUP_COLUMNS_MAX)
            return no_columns(options->columns, err);
        if (!choose(dedup, options->types, name, err))
            return false;
    }
    size_t n = dedup->columns.n;
    dedup->chosen = mem_alloc(n + 1, sizeof *dedup->chosen, err);
    if (!dedup->chosen || n == 0)
        return dedup->chosen && no_columns(options->columns, err);
    memset(dedup->chosen, true, n);
    return true;
}

static bool take_types(struct part_dedup *dedup, const struct part_dedup_options *options,
                       struct error *err)
{
    if (!str_eq(str_trim(str_of(options->columns)), STR("*"))) {
        if (!choose_all(dedup, options, err))
            return false;
    } else if (options->types && !columns_copy(options->types, &dedup->columns, err)) {
        return false;
    }
    if (columns_find(&dedup->columns, str_of(time_column)) < 0 &&
        !choose(dedup, NULL, str_of(time_column), err))
        return false;
    int time = columns_find(&dedup->columns, str_of(time_column));
    dedup->columns.v[time].type = COLUMN_DATETIME;
    dedup->time = mem_alloc(dedup->columns.n, sizeof *dedup->time, err);
    dedup->filled = mem_alloc(dedup->columns.n, sizeof *dedup->filled, err);
    if (!dedup->time || !dedup->filled)
        return false;
    dedup->time[time] = true;
    for (size_t i = 0; i < dedup->columns.n; i++)
        atomic_init(&dedup->filled[i],
                    options->types &&
                        columns_find(options->types, str_of(dedup->columns.v[i].name)) >= 0);
    return true;
}

static bool take_from(struct part_dedup *dedup, const struct part_dedup_options *options,
                      struct error *err)
{
    dedup->n_from = options->n_from;
    dedup->from = arena_alloc(&dedup->arena, options->n_from, sizeof *dedup->from, err);
    for (size_t i = 0; dedup->from && i < options->n_from; i++) {
        const struct lake_from *from = &options->from[i];
        const char *zone = from->zone ? from->zone : "";
        struct lake_from copy = {
            .key = arena_copy(&dedup->arena, from->key, strlen(from->key), err),
            .format = arena_copy(&dedup->arena, from->format, strlen(from->format), err),
            .zone = arena_copy(&dedup->arena, zone, strlen(zone), err)};
        if (!copy.key || !copy.format || !copy.zone)
            return false;
        dedup->from[i] = copy;
    }
    return dedup->from != NULL;
}

struct part_dedup *part_dedup_new(const struct part_dedup_options *options, struct error *err)
{
    enum { TEXTS_MAX = 1 << 20 };
    struct part_dedup *dedup = mem_alloc(1, sizeof *dedup, err);
    if (!dedup)
        return NULL;
    arena_init(&dedup->arena, TEXTS_MAX);
    dedup->memory =
        options->memory > PART_DEDUP_MEMORY_MIN ? options->memory : PART_DEDUP_MEMORY_MIN;
    dedup->stop = options->stop;
    if (take_types(dedup, options, err) && take_from(dedup, options, err) &&
        (dedup->keys = keys_new(options->scratch, err)) != NULL)
        return dedup;
    part_dedup_free(dedup);
    return NULL;
}

void part_dedup_free(struct part_dedup *dedup)
{
    if (!dedup)
        return;
    for (size_t i = 0; i < dedup->n_pages; i++)
        mem_free(dedup->pages[i]);
    mem_free(dedup->pages);
    mem_free(dedup->chosen);
    mem_free(dedup->time);
    mem_free(dedup->filled);
    columns_release(&dedup->columns);
    arena_release(&dedup->arena);
    keys_free(dedup->keys);
    mem_free(dedup);
}

/* --- rows --- */

struct part_dedup_worker *part_dedup_worker_new(struct part_dedup *dedup, struct error *err)
{
    struct part_dedup_worker *worker = mem_alloc(1, sizeof *worker, err);
    if (!worker)
        return NULL;
    worker->dedup = dedup;
    worker->rows = lake_rows_new(&dedup->columns, err);
    worker->stage = keys_stage_new(dedup->keys, err);
    worker->filled = mem_alloc(dedup->columns.n, sizeof *worker->filled, err);
    if (worker->rows && worker->stage && worker->filled &&
        lake_rows_from(worker->rows, dedup->from, dedup->n_from, err))
        return worker;
    part_dedup_worker_free(worker);
    return NULL;
}

void part_dedup_worker_free(struct part_dedup_worker *worker)
{
    if (!worker)
        return;
    lake_rows_free(worker->rows);
    keys_stage_free(worker->stage);
    mem_free(worker->taken);
    mem_free(worker->filled);
    mem_free(worker);
}

/* The whole row. Where times may be of zones that only other readers know, the text of its time is told apart too. */
static bool whole_of(struct part_dedup_worker *worker, struct str line, struct taken *out,
                     struct error *err)
{
    const struct part_dedup *dedup = worker->dedup;
    struct lake_row_key both[2];
    uint64_t hash[2];
    bool any;
    if (!lake_row_whole(worker->rows, line, &out->key, err))
        return false;
    if (dedup->n_from == 0)
        return true;
    both[0] = out->key;
    if (!lake_row_chosen(worker->rows, line, dedup->time, &both[1], &any, NULL, err))
        return false;
    hash_xx128((struct str){(const char *) both, sizeof both}, hash);
    out->key = (struct lake_row_key){.high = hash[1], .low = hash[0]};
    return true;
}

/* The key of a line. One that is not told (too long, too deep) is equal to none. */
static bool key_of(struct part_dedup_worker *worker, struct str line, struct taken *out,
                   struct error *err)
{
    const struct part_dedup *dedup = worker->dedup;
    struct error why = ERROR_INIT;
    *out = (struct taken){.any = true};
    if (dedup->chosen ? lake_row_chosen(worker->rows, line, dedup->chosen, &out->key, &out->any,
                                        worker->filled, &why)
                      : whole_of(worker, line, out, &why))
        return true;
    out->any = false;
    return why.code == ERROR_FORMAT || error_pass(err, &why);
}

bool part_dedup_take(struct part_dedup_worker *worker, struct str line, struct error *err)
{
    if (!mem_reserve(&worker->taken, &worker->room, worker->n, TAKEN_MAX, sizeof *worker->taken,
                     err) ||
        !key_of(worker, line, &worker->taken[worker->n], err))
        return false;
    worker->n++;
    return true;
}

bool part_dedup_put(struct part_dedup_worker *worker, uint64_t first, struct error *err)
{
    size_t n = worker->n;
    worker->n = 0;
    if (first > PART_DEDUP_ROWS_MAX - n)
        return error_set(err, ERROR_LIMIT, "--dedup takes no more than %llu rows",
                         (unsigned long long) PART_DEDUP_ROWS_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct taken *taken = &worker->taken[i];
        struct key key = {taken->key.high, taken->key.low, first + i + 1};
        if (taken->any && !keys_put(worker->stage, &key, err))
            return false;
    }
    return true;
}

bool part_dedup_end(struct part_dedup_worker *worker, struct error *err)
{
    for (size_t i = 0; i < worker->dedup->columns.n; i++)
        if (worker->filled[i])
            atomic_store(&worker->dedup->filled[i], true);
    return keys_flush(worker->stage, err);
}

const char *part_dedup_missing(const struct part_dedup *dedup)
{
    for (size_t i = 0; dedup->chosen && i < dedup->columns.n; i++)
        if (dedup->chosen[i] && !atomic_load(&dedup->filled[i]))
            return dedup->columns.v[i].name;
    return NULL;
}

/* --- what the lake has --- */

/* Blobs of the range, gathered and read in order. */
struct lake_rows_of {
    const struct part_dedup_lake *lake;
    struct part_dedup_worker *worker;
    struct lake_ledger *ledger;
    struct store_wanted *wanted; /* BLOBS; name: place in `names` until they are read */
    size_t *at;
    size_t n;
    struct buf names, line;
    struct lake_blob
        last; /* an export without a line in the ledger, until a higher number or another partition comes */
    struct buf last_name;
    struct lake_days days;
    size_t *base;  /* of each day: where its sources stand in `found` */
    bool *found;   /* of each source of a day: it is listed */
    bool listed;   /* all are */
    size_t prefix; /* bytes of the table's before a source's name */
    uint64_t rows;
};

static bool take_row(struct lake_rows_of *of, struct str line, struct error *err)
{
    struct taken taken;
    line = str_trim(line);
    if (line.n == 0)
        return true;
    if (!key_of(of->worker, line, &taken, err))
        return false;
    of->rows++;
    struct key key = {taken.key.high, taken.key.low, 0};
    return !taken.any || keys_put(of->worker->stage, &key, err);
}

/* Takes the lines of a piece. What is no whole line yet waits; an empty piece ends the blob. */
static bool take_piece(struct lake_rows_of *of, struct str piece, struct error *err)
{
    struct str line;
    bool last = piece.n == 0;
    const char *feed;
    while (piece.n > 0 && (feed = memchr(piece.p, '\n', piece.n))) {
        line = (struct str){piece.p, (size_t) (feed - piece.p)};
        piece = (struct str){feed + 1, piece.n - line.n - 1};
        if (of->line.used > 0 || of->line.over) {
            buf_put_str(&of->line, line);
            line = of->line.over ? STR("") : buf_str(&of->line);
        }
        if (!take_row(of, line, err))
            return false;
        buf_reset(&of->line);
    }
    buf_put_str(&of->line, piece);
    if (!of->line.over && !buf_ok(&of->line, "a line of the lake", err))
        return false;
    bool ok = !last || of->line.over || take_row(of, buf_str(&of->line), err);
    if (last)
        buf_reset(&of->line);
    return ok;
}

/* Packed bytes have no lines to compare, which others may have put there; readers unpack them. */
static bool check_plain(const char *name, struct str piece, struct error *err)
{
    if (!str_starts(piece, STR("\x1f\x8b")) && !str_starts(piece, STR("\x28\xb5\x2f\xfd")))
        return true;
    (void) error_set(err, ERROR_FORMAT, "%s is packed: --dedup cannot compare with its rows", name);
    return error_hint(err, "unpack it under the same name, or import without --dedup");
}

static bool read_blobs(struct lake_rows_of *of, struct error *err)
{
    struct str piece;
    size_t at = 0, checked = SIZE_MAX;
    for (size_t i = 0; i < of->n; i++)
        of->wanted[i].name = of->names.bytes + of->at[i];
    struct store_ahead *ahead =
        of->n > 0 ? store_ahead_new(of->lake->store, of->wanted, of->n, err) : NULL;
    bool ok = of->n == 0 || ahead;
    while (ok && at < of->n) {
        if (stop_asked(of->worker->dedup->stop))
            ok = error_set(err, ERROR_INTERRUPTED, "interrupted");
        ok = ok && store_ahead_next(ahead, &at, &piece, err);
        if (ok && at < of->n && at != checked)
            ok = check_plain(of->wanted[at].name, piece, err);
        checked = at;
        ok = ok && (at == of->n || take_piece(of, piece, err));
    }
    store_ahead_free(ahead);
    of->n = 0;
    buf_reset(&of->names);
    return ok;
}

static bool add_blob(struct lake_rows_of *of, struct str name, uint64_t size, struct error *err)
{
    of->at[of->n] = of->names.used;
    of->wanted[of->n++] = (struct store_wanted){.size = size};
    buf_put_str(&of->names, name);
    buf_putc(&of->names, '\0');
    return buf_ok(&of->names, "names of blobs", err) && (of->n < BLOBS || read_blobs(of, err));
}

/* The one that waits for a higher number is the one that counts. */
static bool add_last(struct lake_rows_of *of, struct error *err)
{
    bool ok = of->last_name.used == 0 || add_blob(of, buf_str(&of->last_name), of->last.size, err);
    buf_reset(&of->last_name);
    return ok;
}

/* Of weir's own the one counts that the ledger names; without a line the one of the highest number. */
static bool on_export(struct lake_rows_of *of, const struct lake_blob *blob, struct error *err)
{
    const struct lake_entry *entry = lake_ledger_find(of->ledger, blob->tick);
    if (entry)
        return blob->number != entry->number || add_blob(of, blob->name, blob->size, err);
    if (of->last_name.used > 0 && of->last.number > blob->number)
        return true;
    of->last = *blob;
    buf_reset(&of->last_name);
    buf_put_str(&of->last_name, blob->name);
    return buf_ok(&of->last_name, "the name of a blob", err);
}

/* --- days whose JSON is gone --- */

/* Whether it has rows that are to be compared. */
static bool is_wanted(const struct part_dedup_lake *lake, const struct lake_day_source *source)
{
    struct str id = lake_import_id_of(str_of(source->name));
    if (source->tick + source->span <= lake->from || source->tick >= lake->to)
        return false;
    return source->kind != LAKE_BLOB_IMPORT ||
           (lake_imports_find(lake->imports, id) && lake_imports_counts(lake->imports, id) &&
            !str_eq(id, str_of(lake->but)) && !str_eq(id, str_of(lake->replaced)));
}

/* Whether rows of the range stand in Parquet alone: weir deleted the blob, or, once all are listed, somebody did. */
static bool has_gone(const struct lake_rows_of *of, size_t d)
{
    const struct lake_day *day = &of->days.v[d];
    for (size_t i = 0; i < day->source_count; i++)
        if (is_wanted(of->lake, &day->sources[i]) &&
            (day->sources[i].gone != LAKE_DAY_KEPT || (of->listed && !of->found[of->base[d] + i])))
            return true;
    return false;
}

/* They cannot be compared: rather none is dropped than one too few. */
static bool refuse_gone(const struct lake_rows_of *of, struct error *err)
{
    struct buf named = BUF_INIT(ERROR_MESSAGE_MAX);
    char day[TICK_TEXT_MAX];
    size_t gone = 0;
    for (size_t i = 0; i < of->days.n; i++) {
        if (!has_gone(of, i) || ++gone > DAYS_NAMED)
            continue;
        (void) tick_format_short(of->days.v[i].day, day);
        buf_printf(&named, "%s%.10s", gone > 1 ? ", " : "", day);
    }
    if (gone > DAYS_NAMED)
        buf_printf(&named, " and %zu days more", gone - DAYS_NAMED);
    if (gone > 0) {
        (void) error_set(err, ERROR_SETTINGS,
                         "--dedup cannot compare with the lake's rows of %s: compacted, and their "
                         "JSON deleted",
                         buf_text(&named));
        (void) error_hint(err, "nothing was written. Give the files of other days by themselves; "
                               "those of these days without --dedup, and leave doubles out in the "
                               "query: | summarize take_any(*) by _ItemId");
    }
    buf_release(&named);
    return gone == 0;
}

/* Room to note which sources of compacted days are listed. */
static bool read_days(struct lake_rows_of *of, struct error *err)
{
    const struct part_dedup_lake *lake = of->lake;
    size_t n = 0;
    if (!lake_days_read(&of->days, lake->store, lake->place, lake->from, lake->to, err))
        return false;
    of->base = mem_alloc(of->days.n, sizeof *of->base, err);
    for (size_t i = 0; of->base && i < of->days.n; i++) {
        of->base[i] = n;
        n += of->days.v[i].source_count;
    }
    of->found = of->base ? mem_alloc(n, sizeof *of->found, err) : NULL;
    return of->found && refuse_gone(of, err);
}

static void note_found(struct lake_rows_of *of, const struct lake_blob *blob)
{
    const struct lake_day *day = lake_days_find(&of->days, blob->tick);
    struct str name = blob->name;
    if (!day || name.n <= of->prefix)
        return;
    const struct lake_day_source *source =
        lake_day_source(day, blob->tick, (struct str){name.p + of->prefix, name.n - of->prefix});
    if (source)
        of->found[of->base[day - of->days.v] + (size_t) (source - day->sources)] = true;
}

/* --- all of them --- */

static bool on_blob(void *context, const struct lake_blob *blob, struct error *err)
{
    struct lake_rows_of *of = context;
    struct str id = lake_import_id_of(blob->name);
    note_found(of, blob);
    if (of->last_name.used > 0 && of->last.tick != blob->tick && !add_last(of, err))
        return false;
    if (blob->kind == LAKE_BLOB_EXPORT)
        return on_export(of, blob, err);
    if (blob->kind == LAKE_BLOB_IMPORT &&
        (str_eq(id, str_of(of->lake->but)) || str_eq(id, str_of(of->lake->replaced)) ||
         !lake_imports_counts(of->lake->imports, id)))
        return true;
    return add_blob(of, blob->name, blob->size, err);
}

static bool of_init(struct lake_rows_of *of, struct part_dedup *dedup,
                    const struct part_dedup_lake *lake, struct error *err)
{
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    *of = (struct lake_rows_of){.lake = lake};
    lake_table_prefix(&prefix, lake->place);
    of->prefix = prefix.used + 1;
    buf_release(&prefix);
    buf_init(&of->names, (size_t) BLOBS * (STORE_NAME_MAX + 1));
    buf_init(&of->line, LINE_MAX);
    buf_init(&of->last_name, STORE_NAME_MAX + 1);
    of->worker = part_dedup_worker_new(dedup, err);
    of->ledger = lake_ledger_open(lake->store, lake->place, err);
    of->wanted = mem_alloc(BLOBS, sizeof *of->wanted, err);
    of->at = mem_alloc(BLOBS, sizeof *of->at, err);
    return of->worker && of->ledger && of->wanted && of->at && read_days(of, err);
}

static void of_release(struct lake_rows_of *of)
{
    part_dedup_worker_free(of->worker);
    lake_ledger_free(of->ledger);
    lake_days_release(&of->days);
    mem_free(of->base);
    mem_free(of->found);
    mem_free(of->wanted);
    mem_free(of->at);
    buf_release(&of->names);
    buf_release(&of->line);
    buf_release(&of->last_name);
}

bool part_dedup_lake(struct part_dedup *dedup, const struct part_dedup_lake *lake, uint64_t *rows,
                     struct error *err)
{
    struct lake_rows_of of;
    bool ok = of_init(&of, dedup, lake, err) &&
              lake_blobs(lake->store, lake->place, lake->from, lake->to, on_blob, &of, err);
    of.listed = true;
    ok = ok && refuse_gone(&of, err) && add_last(&of, err) && read_blobs(&of, err) &&
         keys_flush(of.worker->stage, err);
    if (rows)
        *rows = of.rows;
    of_release(&of);
    return ok;
}

/* --- which are dropped --- */

static uint64_t *page_of(struct part_dedup *dedup, size_t page, struct error *err)
{
    while (dedup->n_pages <= page) {
        size_t room = dedup->n_pages;
        if (!mem_reserve(&dedup->pages, &room, dedup->n_pages, PAGES_MAX, sizeof *dedup->pages,
                         err))
            return NULL;
        memset(dedup->pages + dedup->n_pages, 0, (room - dedup->n_pages) * sizeof *dedup->pages);
        dedup->n_pages = room;
    }
    if (!dedup->pages[page])
        dedup->pages[page] = mem_alloc(PAGE_WORDS, sizeof(uint64_t), err);
    return dedup->pages[page];
}

/* A row that stands somewhere before already. */
static bool drop(void *context, uint64_t place, struct error *err)
{
    struct part_dedup *dedup = context;
    uint64_t row = place - 1;
    uint64_t *page = page_of(dedup, (size_t) (row / PAGE_ROWS), err);
    if (!page)
        return false;
    uint64_t *word = &page[row % PAGE_ROWS / 64], bit = UINT64_C(1) << row % 64;
    dedup->dropped += !(*word & bit);
    *word |= bit;
    return true;
}

bool part_dedup_finish(struct part_dedup *dedup, uint64_t *dropped, struct error *err)
{
    bool ok = keys_finish(dedup->keys, dedup->memory, dedup->stop, drop, dedup, err);
    *dropped = dedup->dropped;
    return ok;
}

bool part_dedup_dropped(const struct part_dedup *dedup, uint64_t row)
{
    size_t page = (size_t) (row / PAGE_ROWS);
    return page < dedup->n_pages && dedup->pages[page] &&
           dedup->pages[page][row % PAGE_ROWS / 64] >> row % 64 & 1;
}
