/* Piles: rows kept in memory, then in a scratch file, given back in order; see pile.h.
 *
 * A pile's rows are records (head, line) one behind the other in chunks, as they came; each chunk is twice
 * as large as the one before, so that a pile of three rows costs little and one of a million has few
 * chunks. There is no index until rows are wanted in order: what it will cost is counted from the beginning
 * (SORT_COST a row), so that sorting never needs memory that the budget does not know.
 *
 * When the pool is over its budget the largest piles are sorted and written as runs of records to scratch. A
 * merge walks the sorted memory of each pile and all runs with a heap; the windows of runs share
 * MERGE_MEMORY, but none is smaller than READ_MIN or than its run's longest line.
 */
#include "lake/pile.h"

#include "base/memory.h"
#include "lake/scratch.h"

enum {
    BUDGET_DEFAULT = 96 << 20,
    CHUNK_MIN = 1 << 12,
    CHUNK_CLASSES = 7, /* 4 kB, 8 kB, ... 256 kB; a longer line has a chunk of its own */
    CHUNK_MAX = CHUNK_MIN << (CHUNK_CLASSES - 1),
    LINE_SLACK = 64, /* what lake_line_write wants behind the bound */
    LINE_MAX_BYTES = 1 << 30,
    RUNS_MAX = 1 << 16, /* of one pile */
    SOURCES_MAX = 1 << 20,
    PIECE_SIZE = 1 << 18,
    MERGE_MEMORY = 8 << 20,
    READ_MIN = 1 << 12,
    READ_MAX = 1 << 18,
    SORT_RUN = 8 /* entries sorted by insertion before they are merged */
};

/* Before each line, in memory as in a run; never aligned. */
struct head {
    int64_t tick;
    uint32_t length;
} __attribute__((packed));

struct chunk {
    struct chunk *next; /* the one filled before; the next spare one */
    size_t size, used;  /* of bytes */
    char bytes[];
};

struct lake_pile {
    struct lake_pool *pool;
    struct lake_pile *before, *after; /* in the pool's list */
    struct chunk *chunks;             /* the last one first */
    size_t held;                      /* bytes of its chunks and of sorting them */
    size_t in_memory;                 /* rows */
    uint64_t rows, bytes, sum;
    unsigned merging; /* its rows are being read: they stay where they are */
    struct scratch_run *runs;
    size_t n_runs, runs_room;
};

struct lake_pool {
    size_t budget, held, most;
    struct lake_pile *piles;
    struct chunk *spare[CHUNK_CLASSES];
    size_t spare_bytes;
    struct buf line; /* a line that might not fit where it goes */
    struct scratch *scratch;
};

/* A row in memory, for sorting. */
struct entry {
    int64_t tick;
    const char *line;
    uint32_t length;
};

static const size_t SORT_COST = 2 * sizeof(struct entry);

/* ---- memory ---- */

static void hold(struct lake_pool *pool, size_t n)
{
    pool->held += n;
    if (pool->held > pool->most)
        pool->most = pool->held;
}

/* The class whose chunks have this size, or CHUNK_CLASSES. */
static size_t class_of(size_t size)
{
    size_t class = 0;
    while (class < CHUNK_CLASSES && (size_t) CHUNK_MIN << class != size)
        class ++;
    return class;
}

static struct chunk *take_spare(struct lake_pool *pool, size_t class)
{
    struct chunk *chunk = class < CHUNK_CLASSES ? pool->spare[class] : NULL;
    if (chunk != NULL) {
        pool->spare[class] = chunk->next;
        pool->spare_bytes -= chunk->size;
        pool->held -= chunk->size;
    }
    return chunk;
}

/* Sizes are with the chunk's own head, so that a class is a power of two for the allocator. */
static struct chunk *take_chunk(struct lake_pool *pool, size_t size, struct error *err)
{
    struct chunk *chunk = take_spare(pool, class_of(size));
    if (chunk == NULL)
        chunk = mem_resize(NULL, size, 1, err);
    if (chunk == NULL)
        return NULL;
    chunk->size = size;
    chunk->used = 0;
    hold(pool, size);
    return chunk;
}

/* Keeps it for the next pile when that keeps the pool small, else gives it back. */
static void give_chunk(struct lake_pool *pool, struct chunk *chunk)
{
    size_t class = class_of(chunk->size);
    if (class < CHUNK_CLASSES && pool->spare_bytes + chunk->size <= pool->budget / 2) {
        chunk->next = pool->spare[class];
        pool->spare[class] = chunk;
        pool->spare_bytes += chunk->size;
        return;
    }
    pool->held -= chunk->size;
    mem_free(chunk);
}

static void drop_spare(struct lake_pool *pool)
{
    for (size_t class = 0; class < CHUNK_CLASSES; class ++) {
        struct chunk *chunk;
        while ((chunk = take_spare(pool, class)) != NULL)
            mem_free(chunk);
    }
}

static void drop_memory(struct lake_pile *pile)
{
    pile->pool->held -= pile->in_memory * SORT_COST;
    while (pile->chunks != NULL) {
        struct chunk *chunk = pile->chunks;
        pile->chunks = chunk->next;
        give_chunk(pile->pool, chunk);
    }
    pile->in_memory = 0;
    pile->held = 0;
}

/* Room for a record of n bytes in the pile's last chunk or in a new one; NULL without memory. */
static char *take_room(struct lake_pile *pile, size_t n, struct error *err)
{
    struct chunk *chunk = pile->chunks;
    if (chunk == NULL || chunk->size - sizeof *chunk - chunk->used < n) {
        size_t size = chunk == NULL ? CHUNK_MIN : chunk->size * 2;
        if (size > CHUNK_MAX)
            size = CHUNK_MAX;
        while (size < n + sizeof *chunk && size < CHUNK_MAX)
            size *= 2;
        if (size < n + sizeof *chunk)
            size = n + sizeof *chunk;
        chunk = take_chunk(pile->pool, size, err);
        if (chunk == NULL)
            return NULL;
        chunk->next = pile->chunks;
        pile->chunks = chunk;
        pile->held += size;
    }
    return chunk->bytes + chunk->used;
}

/* ---- order ---- */

/* The line feed counts: it is less than any byte of a line. */
static int compare(const struct entry *a, const struct entry *b)
{
    if (a->tick != b->tick)
        return a->tick < b->tick ? -1 : 1;
    return str_compare((struct str){a->line, a->length}, (struct str){b->line, b->length});
}

static void insertion_sort(struct entry *entries, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct entry entry = entries[i];
        size_t to = i;
        for (; to > 0 && compare(&entry, &entries[to - 1]) < 0; to--)
            entries[to] = entries[to - 1];
        entries[to] = entry;
    }
}

/* Merges two neighbouring sorted parts of `from` into `to`. */
static void merge_parts(const struct entry *from, size_t left, size_t n, struct entry *to)
{
    if (left >= n || compare(&from[left - 1], &from[left]) <= 0) {
        memcpy(to, from, n * sizeof *to);
        return;
    }
    for (size_t i = 0, j = left, k = 0; k < n; k++)
        to[k] = j == n || (i < left && compare(&from[i], &from[j]) <= 0) ? from[i++] : from[j++];
}

/* Sorts n entries with room for n more behind them; the result is in one of the two halves. */
static struct entry *sort(struct entry *entries, size_t n)
{
    struct entry *from = entries, *to = entries + n;
    for (size_t i = 0; i < n; i += SORT_RUN)
        insertion_sort(entries + i, n - i < SORT_RUN ? n - i : SORT_RUN);
    for (size_t part = SORT_RUN; part < n; part *= 2) {
        for (size_t i = 0; i < n; i += 2 * part) {
            size_t both = n - i < 2 * part ? n - i : 2 * part;
            merge_parts(from + i, part < both ? part : both, both, to + i);
        }
        struct entry *other = from;
        from = to;
        to = other;
    }
    return from;
}

/* One entry for each row in memory, in the order in which the rows came. */
static void list_rows(const struct lake_pile *pile, struct entry *entries)
{
    struct entry *end = entries + pile->in_memory;
    for (const struct chunk *chunk = pile->chunks; chunk != NULL; chunk = chunk->next) {
        size_t rows = 0;
        struct head head;
        for (size_t at = 0; at < chunk->used; at += sizeof head + head.length) {
            memcpy(&head, chunk->bytes + at, sizeof head);
            rows++;
        }
        end -= rows;
        struct entry *entry = end;
        for (size_t at = 0; at < chunk->used; at += sizeof head + head.length) {
            memcpy(&head, chunk->bytes + at, sizeof head);
            *entry++ = (struct entry){head.tick, chunk->bytes + at + sizeof head, head.length};
        }
    }
}

/* The rows in memory in order. The caller frees *block. */
static struct entry *sorted_rows(const struct lake_pile *pile, struct entry **block,
                                 struct error *err)
{
    *block = mem_resize(NULL, pile->in_memory * 2, sizeof **block, err);
    if (*block == NULL)
        return NULL;
    list_rows(pile, *block);
    return sort(*block, pile->in_memory);
}

/* ---- runs ---- */

static bool write_run(struct lake_pile *pile, struct scratch_run *run, struct error *err)
{
    struct entry *block, *entries = sorted_rows(pile, &block, err);
    bool ok = entries != NULL;
    for (size_t i = 0; ok && i < pile->in_memory; i++) {
        struct head head = {entries[i].tick, entries[i].length};
        ok = scratch_put(pile->pool->scratch, run, &head, sizeof head, err) &&
             scratch_put(pile->pool->scratch, run, entries[i].line, entries[i].length, err);
    }
    mem_free(block);
    return ok && scratch_end(pile->pool->scratch, run, err);
}

/* Moves what the pile has in memory to scratch; on failure it stays in memory. */
static bool spill(struct lake_pile *pile, struct error *err)
{
    struct scratch_run run = {.n = 0};
    if (!mem_reserve(&pile->runs, &pile->runs_room, pile->n_runs, RUNS_MAX, sizeof *pile->runs,
                     err))
        return false;
    if (!write_run(pile, &run, err)) {
        scratch_drop(pile->pool->scratch, &run);
        return false;
    }
    pile->runs[pile->n_runs++] = run;
    drop_memory(pile);
    return true;
}

/* What it could give to scratch now. A merge hands rows out while others, of other piles, come in. */
static size_t may_give(const struct lake_pile *pile)
{
    return pile->merging > 0 ? 0 : pile->held;
}

/* Bytes in memory of the pile that has most. */
static size_t most_held(const struct lake_pool *pool)
{
    size_t most = 0;
    for (const struct lake_pile *pile = pool->piles; pile != NULL; pile = pile->after)
        if (may_give(pile) > most)
            most = may_give(pile);
    return most;
}

/* Brings the pool under its budget, and then some, so that this does not happen for every row. All piles at
 * least half as large as the largest go at once: there may be thousands, and each search looks at all. */
static bool make_room(struct lake_pool *pool, struct error *err)
{
    size_t enough = pool->budget / 4 * 3, most;
    drop_spare(pool);
    while (pool->held > enough && (most = most_held(pool)) > 0)
        for (struct lake_pile *pile = pool->piles; pile != NULL && pool->held > enough;
             pile = pile->after) {
            if (may_give(pile) > 0 && pile->held >= most / 2 && !spill(pile, err))
                return false;
            drop_spare(pool);
        }
    return true;
}

/* ---- merging ---- */

/* Where rows come from in order: sorted memory (entries), or a run read through a window. */
struct source {
    struct entry now;
    struct entry *block, *next, *end;
    const struct scratch *scratch;
    const struct scratch_run *run;
    uint64_t at; /* of the run: behind the window */
    char *window;
    size_t room, begin, filled; /* of the window */
};

struct merge {
    struct source *sources;
    size_t n_sources, read_size;
    struct source **heap;
    size_t n_heap;
    struct buf piece;
    lake_piece_fn *fn;
    void *context;
};

/* Ensures n bytes of the run behind window + begin; false with an error. */
static bool fill(struct source *source, size_t n, struct error *err)
{
    size_t have = source->filled - source->begin;
    if (have >= n)
        return true;
    if (n > source->room) {
        char *window = mem_resize(source->window, n, 1, err);
        if (window == NULL)
            return false;
        source->window = window;
        source->room = n;
    }
    memmove(source->window, source->window + source->begin, have);
    uint64_t left = source->run->length - source->at;
    size_t part = left < source->room - have ? (size_t) left : source->room - have;
    if (have + part < n)
        return error_set(err, ERROR_INTERNAL, "a run ends inside a row");
    if (!scratch_read(source->scratch, source->run, source->at, source->window + have, part, err))
        return false;
    source->at += part;
    source->begin = 0;
    source->filled = have + part;
    return true;
}

/* Moves to the source's next row; *end when there is none. */
static bool advance(struct source *source, bool *end, struct error *err)
{
    struct head head;
    *end = false;
    if (source->run == NULL) {
        *end = source->next == source->end;
        if (!*end)
            source->now = *source->next++;
        return true;
    }
    *end = source->at == source->run->length && source->begin == source->filled;
    if (*end)
        return true;
    if (!fill(source, sizeof head, err))
        return false;
    memcpy(&head, source->window + source->begin, sizeof head);
    if (!fill(source, sizeof head + head.length, err))
        return false;
    source->now =
        (struct entry){head.tick, source->window + source->begin + sizeof head, head.length};
    source->begin += sizeof head + head.length;
    return true;
}

static void sift_down(struct source **heap, size_t n, size_t at)
{
    struct source *source = heap[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && compare(&heap[child + 1]->now, &heap[child]->now) < 0)
            child++;
        if (compare(&source->now, &heap[child]->now) <= 0)
            break;
        heap[at] = heap[child];
    }
    heap[at] = source;
}

static bool flush(struct merge *merge, struct error *err)
{
    bool ok = merge->piece.used == 0 || merge->fn(merge->context, buf_str(&merge->piece), err);
    buf_reset(&merge->piece);
    return ok;
}

static bool emit(struct merge *merge, const struct entry *row, struct error *err)
{
    if (merge->piece.used + row->length > PIECE_SIZE && !flush(merge, err))
        return false;
    if (row->length > PIECE_SIZE)
        return merge->fn(merge->context, (struct str){row->line, row->length}, err);
    buf_put(&merge->piece, row->line, row->length);
    return buf_ok(&merge->piece, "a piece of lines", err);
}

static size_t count_sources(struct lake_pile *const *piles, size_t n)
{
    size_t sources = 0;
    for (size_t i = 0; i < n; i++)
        sources += piles[i]->n_runs + (piles[i]->in_memory > 0);
    return sources;
}

static bool add_memory(struct merge *merge, const struct lake_pile *pile, struct error *err)
{
    if (pile->in_memory == 0)
        return true;
    struct source *source = &merge->sources[merge->n_sources++];
    source->next = sorted_rows(pile, &source->block, err);
    source->end = source->next == NULL ? NULL : source->next + pile->in_memory;
    return source->next != NULL;
}

static bool add_run(struct merge *merge, const struct lake_pile *pile,
                    const struct scratch_run *run, struct error *err)
{
    struct source *source = &merge->sources[merge->n_sources++];
    source->scratch = pile->pool->scratch;
    source->run = run;
    source->room = run->length < merge->read_size ? (size_t) run->length : merge->read_size;
    source->window = mem_resize(NULL, source->room, 1, err);
    return source->window != NULL;
}

static bool merge_open(struct merge *merge, struct lake_pile *const *piles, size_t n,
                       struct error *err)
{
    size_t sources = count_sources(piles, n);
    if (sources > SOURCES_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d runs to merge", SOURCES_MAX);
    merge->sources = mem_alloc(sources, sizeof *merge->sources, err);
    merge->heap = mem_alloc(sources, sizeof(struct source *), err);
    if (merge->sources == NULL || merge->heap == NULL)
        return false;
    merge->read_size = MERGE_MEMORY / (sources + 1);
    if (merge->read_size < READ_MIN)
        merge->read_size = READ_MIN;
    if (merge->read_size > READ_MAX)
        merge->read_size = READ_MAX;
    for (size_t i = 0; i < n; i++) {
        if (!add_memory(merge, piles[i], err))
            return false;
        for (size_t k = 0; k < piles[i]->n_runs; k++)
            if (!add_run(merge, piles[i], &piles[i]->runs[k], err))
                return false;
    }
    return true;
}

static bool merge_rows(struct merge *merge, struct error *err)
{
    bool end;
    for (size_t i = 0; i < merge->n_sources; i++) {
        if (!advance(&merge->sources[i], &end, err))
            return false;
        if (!end)
            merge->heap[merge->n_heap++] = &merge->sources[i];
    }
    for (size_t i = merge->n_heap / 2; i-- > 0;)
        sift_down(merge->heap, merge->n_heap, i);
    while (merge->n_heap > 0) {
        struct source *first = merge->heap[0];
        if (!emit(merge, &first->now, err) || !advance(first, &end, err))
            return false;
        if (end)
            merge->heap[0] = merge->heap[--merge->n_heap];
        if (merge->n_heap > 0)
            sift_down(merge->heap, merge->n_heap, 0);
    }
    return flush(merge, err);
}

static void merge_close(struct merge *merge)
{
    for (size_t i = 0; i < merge->n_sources; i++) {
        mem_free(merge->sources[i].block);
        mem_free(merge->sources[i].window);
    }
    mem_free(merge->sources);
    mem_free(merge->heap);
    buf_release(&merge->piece);
}

/* ---- what others see ---- */

struct lake_pool *lake_pool_new(const struct lake_pool_options *options, struct error *err)
{
    struct lake_pool *pool = mem_alloc(1, sizeof *pool, err);
    if (pool == NULL)
        return NULL;
    pool->budget = options->budget > 0 ? options->budget : BUDGET_DEFAULT;
    buf_init(&pool->line, LINE_MAX_BYTES);
    pool->scratch = scratch_new(options->scratch, err);
    if (pool->scratch == NULL) {
        lake_pool_free(pool);
        return NULL;
    }
    return pool;
}

void lake_pool_free(struct lake_pool *pool)
{
    if (pool == NULL)
        return;
    drop_spare(pool);
    buf_release(&pool->line);
    scratch_free(pool->scratch);
    mem_free(pool);
}

size_t lake_pool_held(const struct lake_pool *pool, size_t *most)
{
    if (most != NULL)
        *most = pool->most;
    return pool->held;
}

struct lake_pile *lake_pile_new(struct lake_pool *pool, struct error *err)
{
    struct lake_pile *pile = mem_alloc(1, sizeof *pile, err);
    if (pile == NULL)
        return NULL;
    pile->pool = pool;
    pile->after = pool->piles;
    if (pile->after != NULL)
        pile->after->before = pile;
    pool->piles = pile;
    hold(pool, sizeof *pile);
    return pile;
}

void lake_pile_free(struct lake_pile *pile)
{
    if (pile == NULL)
        return;
    drop_memory(pile);
    for (size_t i = 0; i < pile->n_runs; i++)
        scratch_drop(pile->pool->scratch, &pile->runs[i]);
    mem_free(pile->runs);
    if (pile->before != NULL)
        pile->before->after = pile->after;
    else
        pile->pool->piles = pile->after;
    if (pile->after != NULL)
        pile->after->before = pile->before;
    pile->pool->held -= sizeof *pile;
    mem_free(pile);
}

/* The record at the end of the last chunk is complete: it counts from now on. */
static bool count_row(struct lake_pile *pile, int64_t tick, int64_t item, size_t length,
                      struct error *err)
{
    struct head head = {tick, (uint32_t) length};
    struct chunk *chunk = pile->chunks;
    memcpy(chunk->bytes + chunk->used, &head, sizeof head);
    chunk->used += sizeof head + length;
    pile->in_memory++;
    pile->held += SORT_COST;
    pile->rows++;
    pile->bytes += length;
    pile->sum += (uint64_t) item;
    hold(pile->pool, SORT_COST);
    return pile->pool->held <= pile->pool->budget || make_room(pile->pool, err);
}

bool lake_pile_add(struct lake_pile *pile, struct lake_line *line, const struct json_row *row,
                   int64_t tick, int64_t item, struct error *err)
{
    struct chunk *chunk = pile->chunks;
    struct lake_pool *pool = pile->pool;
    size_t length, bound = lake_line_bound(line, row) + LINE_SLACK;
    if (chunk != NULL && chunk->size - sizeof *chunk - chunk->used >= sizeof(struct head) + bound) {
        char *to = chunk->bytes + chunk->used + sizeof(struct head);
        return lake_line_write(line, row, to, &length, err) &&
               count_row(pile, tick, item, length, err);
    }
    buf_reset(&pool->line);
    size_t before = pool->line.room;
    if (!buf_reserve(&pool->line, bound))
        return buf_ok(&pool->line, "a line", err);
    hold(pool, pool->line.room - before);
    return lake_line_write(line, row, pool->line.bytes, &length, err) &&
           lake_pile_add_line(pile, tick, item, (struct str){pool->line.bytes, length}, err);
}

bool lake_pile_add_line(struct lake_pile *pile, int64_t tick, int64_t item, struct str line,
                        struct error *err)
{
    if (line.n > LINE_MAX_BYTES)
        return error_set(err, ERROR_LIMIT, "a line is longer than %d bytes", LINE_MAX_BYTES);
    char *to = take_room(pile, sizeof(struct head) + line.n, err);
    if (to == NULL)
        return false;
    memcpy(to + sizeof(struct head), line.p, line.n);
    return count_row(pile, tick, item, line.n, err);
}

uint64_t lake_pile_rows(const struct lake_pile *pile)
{
    return pile->rows;
}

uint64_t lake_pile_bytes(const struct lake_pile *pile)
{
    return pile->bytes;
}

uint64_t lake_pile_sum(const struct lake_pile *pile)
{
    return pile->sum;
}

bool lake_piles_merge(struct lake_pile *const *piles, size_t n, lake_piece_fn *fn, void *context,
                      struct error *err)
{
    struct merge merge = {.fn = fn, .context = context, .piece = BUF_INIT(PIECE_SIZE)};
    for (size_t i = 0; i < n; i++)
        piles[i]->merging++;
    bool ok = merge_open(&merge, piles, n, err) && merge_rows(&merge, err);
    merge_close(&merge);
    for (size_t i = 0; i < n; i++)
        piles[i]->merging--;
    return ok;
}
