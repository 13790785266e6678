/* Rows that are there already: see dedup.h. */
#include "partition/dedup.h"

#include "base/hash.h"
#include "base/memory.h"
#include "lake/row.h"
#include "partition/keys.h"

#include <stdatomic.h>

enum {
    PAGE_ROWS = 1 << 16, /* of a page of the map of dropped rows */
    PAGE_WORDS = PAGE_ROWS / 64,
    PAGES_MAX = PART_DEDUP_ROWS_MAX / PAGE_ROWS,
    TAKEN_MAX = 1 << 27 /* rows of a chunk */
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

struct comparing {
    struct part_dedup_worker *worker;
    uint64_t rows;
};

static bool on_held(void *context, struct str line, struct error *err)
{
    struct comparing *comparing = context;
    struct taken taken;
    if (!key_of(comparing->worker, line, &taken, err))
        return false;
    comparing->rows++;
    struct key key = {taken.key.high, taken.key.low, 0};
    return !taken.any || keys_put(comparing->worker->stage, &key, err);
}

bool part_dedup_lake(struct part_dedup *dedup, const struct part_held *held, uint64_t *rows,
                     struct error *err)
{
    struct comparing comparing = {.worker = part_dedup_worker_new(dedup, err)};
    bool ok = comparing.worker && part_held_rows(held, on_held, &comparing, err) &&
              keys_flush(comparing.worker->stage, err);
    if (rows)
        *rows = comparing.rows;
    part_dedup_worker_free(comparing.worker);
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
