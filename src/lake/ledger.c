/* The ledger: reads the chain of segments, keeps the latest line of each partition, adds segments.
 *
 * In memory a ledger is a sorted list of days, each with an entry for every partition of it: a find is a
 * binary search among days, an iteration is in order of time by itself, and no order of adding is slow.
 */
#include "lake/ledger.h"

#include "base/memory.h"
#include "base/search.h"
#include "lake/segment.h"

#include <stdio.h>

enum {
    DAY_PARTITIONS = 288,
    BITS = 64,
    SEGMENT_NUMBER_MAX = 99999999,
    SEGMENT_NAME = 32,
    ARENA_MAX = 64 << 20, /* texts of all runs */
    SEGMENTS_MAX = 1 << 20,
    NAMES_MAX = SEGMENTS_MAX * 256, /* bytes of all their names */
    TEXT_MAX = 4096,
    ID_MAX = 64
};

struct day {
    int64_t number; /* days since 0001-01-01 */
    uint64_t present[(DAY_PARTITIONS + BITS - 1) / BITS];
    struct lake_entry *entries; /* DAY_PARTITIONS */
};

struct lake_ledger {
    struct store *store;
    char prefix[LAKE_NAME_MAX + 1]; /* weir/<guid>/<table>/ledger */
    char *workspace_id, *table;
    struct day *days;
    size_t n_days, room_days, count;
    struct lake_run *runs; /* texts in the arena */
    size_t n_runs, room_runs;
    struct arena arena;
    bool begun;
    uint64_t segments;
    char previous[HASH_SHA256_HEX];
    struct lake_entry *waiting; /* LAKE_LEDGER_WAITING; the first n_flying are on their way */
    size_t n_waiting, n_flying;
    char flying[HASH_SHA256_HEX]; /* of the segment that is on its way */
    uint64_t flown;               /* clock_ns when the last one set out */
    size_t full;                  /* lines from which one sets out by itself */
    bool broken;                  /* a flush failed: what waits is in doubt */
};

/* --- the index --- */

/* The position of the first day at or after `number`. */
static size_t day_at(const struct lake_ledger *ledger, int64_t number)
{
    return search_first(ledger->days, ledger->n_days, sizeof *ledger->days,
                        offsetof(struct day, number), number);
}

static struct day *day_make(struct lake_ledger *ledger, int64_t number, struct error *err)
{
    size_t at = day_at(ledger, number);
    if (at < ledger->n_days && ledger->days[at].number == number)
        return &ledger->days[at];
    if (!mem_reserve(&ledger->days, &ledger->room_days, ledger->n_days, LAKE_LEDGER_DAYS_MAX,
                     sizeof *ledger->days, err))
        return NULL;
    struct lake_entry *entries = mem_alloc(DAY_PARTITIONS, sizeof *entries, err);
    if (!entries)
        return NULL;
    memmove(&ledger->days[at + 1], &ledger->days[at], (ledger->n_days - at) * sizeof *ledger->days);
    ledger->days[at] = (struct day){.number = number, .entries = entries};
    ledger->n_days++;
    return &ledger->days[at];
}

static bool is_present(const struct day *day, size_t slot)
{
    return day->present[slot / BITS] >> (slot % BITS) & 1;
}

static size_t slot_of(int64_t tick)
{
    return (size_t) (tick % TICK_DAY / TICK_PARTITION);
}

static bool index_put(struct lake_ledger *ledger, const struct lake_entry *entry, struct error *err)
{
    struct day *day = day_make(ledger, entry->partition / TICK_DAY, err);
    if (!day)
        return false;
    size_t slot = slot_of(entry->partition);
    if (!is_present(day, slot))
        ledger->count++;
    day->present[slot / BITS] |= UINT64_C(1) << (slot % BITS);
    day->entries[slot] = *entry;
    return true;
}

/* --- runs --- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* A copy in the arena; the run's before when it is the same, as it nearly always is. */
static bool keep(struct lake_ledger *ledger, const char *text, const char *before, size_t max,
                 const char **out, struct error *err)
{
    if (same_text(text, before)) {
        *out = before;
        return true;
    }
    size_t n = text ? strlen(text) : 0;
    if (n > max)
        return error_set(err, ERROR_LIMIT, "a text of %zu bytes is too long for the ledger", n);
    *out = text ? arena_copy(&ledger->arena, text, n, err) : NULL;
    return !text || *out;
}

static bool run_add(struct lake_ledger *ledger, const struct lake_run *run, struct error *err)
{
    static const struct lake_run none = {0};
    if (!mem_reserve(&ledger->runs, &ledger->room_runs, ledger->n_runs, LAKE_LEDGER_RUNS_MAX,
                     sizeof *ledger->runs, err))
        return false;
    const struct lake_run *last = ledger->n_runs > 0 ? &ledger->runs[ledger->n_runs - 1] : &none;
    struct lake_run copy = *run;
    if (!keep(ledger, run->id, last->id, ID_MAX, &copy.id, err) ||
        !keep(ledger, run->by, last->by, TEXT_MAX, &copy.by, err) ||
        !keep(ledger, run->identity ? run->identity : "", last->identity, TEXT_MAX, &copy.identity,
              err) ||
        !keep(ledger, run->query, last->query, LAKE_QUERY_MAX, &copy.query, err))
        return false;
    ledger->runs[ledger->n_runs++] = copy;
    return true;
}

/* --- opening --- */

static bool way_out(const struct lake_ledger *ledger, const char *name, struct error *err)
{
    (void) error_prefix(err, "ledger segment %s", name);
    if (err && err->code == ERROR_FORMAT && err->hint[0] == '\0')
        (void) error_hint(err,
                          "no data was touched. Move that segment and every one behind it out of "
                          "%s in %s: partitions whose lines were in them are fetched again",
                          ledger->prefix, store_address(ledger->store));
    return false;
}

static void segment_name(char out[SEGMENT_NAME], uint64_t number)
{
    (void) snprintf(out, SEGMENT_NAME, "%08llu.jsonl", (unsigned long long) number);
}

/* Reads 00000001.jsonl; false for what else may lie in the folder. */
static bool segment_number(struct str name, uint64_t *number)
{
    enum { DIGITS = 8 };
    return name.n == DIGITS + strlen(".jsonl") && str_ends(name, STR(".jsonl")) &&
           str_uint64((struct str){name.p, DIGITS}, number) && *number > 0;
}

/* A folder that has a segment's name would never be listed, and its name never be free. */
static bool no_segment(void *context, struct str name, struct error *err)
{
    uint64_t number;
    if (!segment_number(name, &number))
        return true;
    char text[SEGMENT_NAME];
    segment_name(text, number);
    (void) error_set(err, ERROR_FORMAT, "it is a folder");
    return way_out(context, text, err);
}

/* What is there to be read. */
struct names {
    struct lake_ledger *ledger;
    struct store_wanted *wanted;
    size_t n, room;
    struct arena arena;
};

static bool add_segment(struct names *names, const struct store_blob *blob, struct error *err)
{
    if (blob->size > LAKE_SEGMENT_MAX) {
        char name[SEGMENT_NAME];
        segment_name(name, names->n + 1);
        (void) error_set(err, ERROR_FORMAT, "it is longer than any segment, %d bytes",
                         LAKE_SEGMENT_MAX);
        return way_out(names->ledger, name, err);
    }
    if (!mem_reserve(&names->wanted, &names->room, names->n, SEGMENTS_MAX, sizeof *names->wanted,
                     err))
        return false;
    char *name = arena_copy(&names->arena, blob->name.p, blob->name.n, err);
    names->wanted[names->n] = (struct store_wanted){.name = name, .size = blob->size};
    names->n += name != NULL;
    names->ledger->segments = names->n;
    return name != NULL;
}

static bool find_segment(void *context, const struct store_blob *blob, struct error *err)
{
    struct names *names = context;
    struct lake_ledger *ledger = names->ledger;
    size_t skip = strlen(ledger->prefix) + 1;
    uint64_t number;
    if (blob->name.n < skip) {
        (void) error_set(err, ERROR_FORMAT, "%s in lake %s is a file, where a folder must be",
                         ledger->prefix, store_address(ledger->store));
        return error_hint(err, "no data was touched. Move it away: what is in the lake is then "
                               "fetched again");
    }
    if (!segment_number((struct str){blob->name.p + skip, blob->name.n - skip}, &number))
        return true;
    if (number == ledger->segments + 1)
        return add_segment(names, blob, err);
    char name[SEGMENT_NAME], missing[SEGMENT_NAME];
    segment_name(name, number);
    segment_name(missing, ledger->segments + 1);
    (void) error_set(err, ERROR_FORMAT, "%s is there, but %s before it is not", name, missing);
    return way_out(ledger, name, err);
}

static bool read_entry(void *context, const struct lake_entry *entry, struct error *err)
{
    struct lake_ledger *ledger = context;
    struct lake_entry copy = *entry;
    copy.run = (uint32_t) (ledger->n_runs - 1);
    return index_put(ledger, &copy, err);
}

/* Is this segment number `number` of our table? */
static bool check_place(const struct lake_ledger *ledger, const struct lake_segment *segment,
                        uint64_t number, struct error *err)
{
    if (segment->number != number)
        return error_set(err, ERROR_FORMAT, "it says it is segment %llu",
                         (unsigned long long) segment->number);
    if (strcmp(segment->workspace_id, ledger->workspace_id) == 0 &&
        strcmp(segment->table, ledger->table) == 0)
        return true;
    (void) error_set(err, ERROR_FORMAT, "it is of table %.80s in workspace %.40s, not of %s in %s",
                     segment->table, segment->workspace_id, ledger->table, ledger->workspace_id);
    return error_hint(err, "two tables cannot share the folder %s of a lake", ledger->prefix);
}

/* The lines of a segment are read into the index as they are checked, so its run comes first. */
struct opening {
    struct lake_ledger *ledger;
    const struct lake_segment *segment;
    uint64_t number;
    bool checked;
};

static bool check_segment(struct opening *opening, struct error *err)
{
    struct lake_ledger *ledger = opening->ledger;
    const struct lake_segment *segment = opening->segment;
    if (!check_place(ledger, segment, opening->number, err))
        return false;
    opening->checked = true;
    struct lake_run *last = ledger->n_runs > 0 ? &ledger->runs[ledger->n_runs - 1] : NULL;
    if (last && strcmp(last->id, segment->run.id) == 0) {
        last->access = segment->run.access; /* known better later */
        return true;
    }
    return run_add(ledger, &segment->run, err);
}

static bool read_first(void *context, const struct lake_entry *entry, struct error *err)
{
    struct opening *opening = context;
    return (opening->checked || check_segment(opening, err)) &&
           read_entry(opening->ledger, entry, err);
}

/* Does it go on where the one before ended? */
static bool check_chain(struct lake_ledger *ledger, const struct lake_segment *segment,
                        struct error *err)
{
    if (strcmp(segment->previous, ledger->previous) == 0)
        return true;
    char name[SEGMENT_NAME];
    segment_name(name, segment->number - 1);
    if (segment->number == 1) {
        segment_name(name, 1);
        (void) error_set(err, ERROR_FORMAT, "it is the first, but names one before it");
        return way_out(ledger, name, err);
    }
    (void) error_set(err, ERROR_FORMAT,
                     "it was changed or replaced: the next segment names the "
                     "hash %.12s..., its bytes have %.12s...",
                     segment->previous, ledger->previous);
    return way_out(ledger, name, err);
}

static bool read_segment(struct lake_ledger *ledger, uint64_t number, const struct buf *text,
                         struct error *err)
{
    char last[SEGMENT_NAME];
    struct arena arena;
    struct lake_segment segment;
    struct opening opening = {.ledger = ledger, .segment = &segment, .number = number};
    segment_name(last, number);
    arena_init(&arena, LAKE_SEGMENT_MAX);
    bool ok = lake_segment_read(buf_str(text), &arena, &segment, read_first, &opening, err) &&
              (opening.checked || check_segment(&opening, err));
    if (!ok)
        (void) way_out(ledger, last, err);
    ok = ok && check_chain(ledger, &segment, err) &&
         hash_sha256_hex(buf_str(text), ledger->previous, err);
    arena_release(&arena);
    return ok;
}

/* The segments' bytes come in order, each in pieces with an empty one behind. */
static bool take_piece(struct lake_ledger *ledger, uint64_t number, struct str piece,
                       struct buf *text, struct error *err)
{
    if (piece.n > 0) {
        buf_put_str(text, piece);
        return buf_ok(text, "a segment of the ledger", err);
    }
    bool ok = read_segment(ledger, number, text, err);
    buf_reset(text);
    return ok;
}

static bool read_segments(struct lake_ledger *ledger, const struct names *names, struct error *err)
{
    struct buf text = BUF_INIT(LAKE_SEGMENT_MAX);
    struct str piece;
    size_t at = 0, n = (size_t) ledger->segments;
    struct store_ahead *ahead = store_ahead_new(ledger->store, names->wanted, n, err);
    bool ok = ahead != NULL;
    while (ok && (ok = store_ahead_next(ahead, &at, &piece, err)) && at < n)
        ok = take_piece(ledger, at + 1, piece, &text, err);
    store_ahead_free(ahead);
    buf_release(&text);
    return ok;
}

static bool read_all(struct lake_ledger *ledger, struct error *err)
{
    struct names names = {.ledger = ledger};
    arena_init(&names.arena, NAMES_MAX);
    /* Where there are no folders but in names, none can take a segment's. */
    bool ok = (store_remote(ledger->store) ||
               store_folders(ledger->store, ledger->prefix, no_segment, ledger, err)) &&
              store_list(ledger->store, ledger->prefix, find_segment, &names, err) &&
              (ledger->segments == 0 || read_segments(ledger, &names, err));
    mem_free(names.wanted);
    arena_release(&names.arena);
    return ok;
}

static bool ledger_init(struct lake_ledger *ledger, struct store *store,
                        const struct lake_place *place, struct error *err)
{
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    ledger->store = store;
    arena_init(&ledger->arena, ARENA_MAX);
    lake_own_name(&prefix, place, "ledger");
    bool ok = buf_ok(&prefix, "the name of a folder", err);
    if (ok)
        memcpy(ledger->prefix, buf_text(&prefix), prefix.used + 1);
    buf_release(&prefix);
    ledger->table = mem_copy(place->table, strlen(place->table), err);
    ledger->workspace_id = mem_copy(place->workspace_id, strlen(place->workspace_id), err);
    ledger->full = store_remote(store) ? LAKE_LEDGER_LINES : LAKE_LEDGER_LINES / 2;
    if (!ok || !ledger->table || !ledger->workspace_id)
        return false;
    for (char *c = ledger->workspace_id; *c; c++)
        if (*c >= 'A' && *c <= 'F')
            *c = (char) (*c - 'A' + 'a');
    return true;
}

struct lake_ledger *lake_ledger_open(struct store *store, const struct lake_place *place,
                                     struct error *err)
{
    if (!lake_place_check(place, err))
        return NULL;
    struct lake_ledger *ledger = mem_alloc(1, sizeof *ledger, err);
    if (ledger && ledger_init(ledger, store, place, err) && read_all(ledger, err))
        return ledger;
    lake_ledger_free(ledger);
    return NULL;
}

void lake_ledger_free(struct lake_ledger *ledger)
{
    if (!ledger)
        return;
    if (ledger->n_flying > 0)
        (void) store_follow_ask(ledger->store, true, NULL);
    for (size_t i = 0; i < ledger->n_days; i++)
        mem_free(ledger->days[i].entries);
    mem_free(ledger->days);
    mem_free(ledger->runs);
    mem_free(ledger->waiting);
    mem_free(ledger->table);
    mem_free(ledger->workspace_id);
    arena_release(&ledger->arena);
    mem_free(ledger);
}

/* --- adding --- */

static bool id_ok(const char *id)
{
    size_t n = id ? strlen(id) : 0;
    return n > 0 && n <= ID_MAX &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == n;
}

bool lake_ledger_begin(struct lake_ledger *ledger, const struct lake_run *run, struct error *err)
{
    if (ledger->begun || !id_ok(run->id) || !run->by || (unsigned) run->access >= LAKE_ACCESS_COUNT)
        return error_set(err, ERROR_INTERNAL, "a run of the ledger is not begun rightly");
    if (ledger->n_runs > 0 && !same_text(ledger->runs[ledger->n_runs - 1].query, run->query)) {
        (void) error_set(err, ERROR_SETTINGS, "%s in the lake was exported with another query",
                         ledger->table);
        return error_hint(err, "give the new query a name of its own: --as NAME");
    }
    if (!ledger->waiting)
        ledger->waiting = mem_alloc(LAKE_LEDGER_WAITING, sizeof *ledger->waiting, err);
    ledger->begun = ledger->waiting && run_add(ledger, run, err);
    ledger->flown = clock_ns();
    return ledger->begun;
}

void lake_ledger_access(struct lake_ledger *ledger, enum lake_access access)
{
    if (ledger->begun)
        ledger->runs[ledger->n_runs - 1].access = access;
}

static bool check_entry(const struct lake_ledger *ledger, const struct lake_entry *entry,
                        struct error *err)
{
    bool ok = ledger->begun && entry->partition >= 0 && entry->partition <= TICK_MAX &&
              entry->partition % TICK_PARTITION == 0 && entry->at >= 0 && entry->at <= TICK_MAX &&
              entry->verdict < LAKE_VERDICT_COUNT && entry->proof < LAKE_PROOF_COUNT &&
              entry->number != 1 && entry->number <= LAKE_NUMBER_MAX;
    return ok || error_set(err, ERROR_INTERNAL, "a line of the ledger is not filled rightly");
}

/* What the segment does not keep is not kept here: both must say the same. */
static struct lake_entry clean(const struct lake_ledger *ledger, const struct lake_entry *entry)
{
    struct lake_entry copy = *entry;
    copy.run = (uint32_t) (ledger->n_runs - 1);
    copy.has_md5 = copy.has_md5 && copy.bytes > 0;
    if (!copy.joined)
        copy.beside_rows = copy.beside_sum = copy.beside_bytes = copy.doubled = 0;
    if (copy.proof != LAKE_PROOF_SUM)
        copy.sum = copy.sum_expected = copy.beside_sum = 0;
    if (copy.bytes == 0)
        memset(copy.sha256, 0, sizeof copy.sha256);
    if (!copy.has_md5)
        memset(copy.md5, 0, sizeof copy.md5);
    return copy;
}

bool lake_ledger_add(struct lake_ledger *ledger, const struct lake_entry *entry, struct error *err)
{
    if (!check_entry(ledger, entry, err))
        return false;
    if (ledger->n_waiting == LAKE_LEDGER_WAITING && !lake_ledger_flush(ledger, err))
        return false;
    struct lake_entry copy = clean(ledger, entry);
    if (!index_put(ledger, &copy, err))
        return false;
    ledger->waiting[ledger->n_waiting++] = copy;
    return ledger->n_waiting < ledger->full || lake_ledger_flush_soon(ledger, err);
}

/* Something has the name that the next segment should have. */
static bool name_taken(const struct lake_ledger *ledger, const char *name, const char *last,
                       const struct error *why, struct error *err)
{
    uint64_t size;
    if (store_stat(ledger->store, name, &size, NULL)) {
        (void) error_set(err, ERROR_LOCKED,
                         "ledger segment %s appeared meanwhile: another program "
                         "writes this ledger",
                         last);
        return error_hint(err, "wait until it has ended, and run the same command again");
    }
    if (store_remote(ledger->store)) /* told here, but of what was committed before */
        return error_pass(err, why);
    (void) error_set(err, ERROR_FORMAT, "it is a symbolic link, or no file");
    return way_out(ledger, last, err);
}

/* The next segment: where it goes, and its text with as many lines of what waits as it may have. */
struct next {
    size_t lines;
    char last[SEGMENT_NAME], name[LAKE_NAME_MAX + SEGMENT_NAME + 2], hash[HASH_SHA256_HEX];
    struct buf text;
};

static bool next_init(struct next *next, const struct lake_ledger *ledger, struct error *err)
{
    buf_init(&next->text, LAKE_SEGMENT_MAX);
    if (ledger->segments == SEGMENT_NUMBER_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d segments in the ledger of %s",
                         SEGMENT_NUMBER_MAX, ledger->table);
    struct lake_segment segment = {.number = ledger->segments + 1,
                                   .workspace_id = ledger->workspace_id,
                                   .table = ledger->table,
                                   .run = ledger->runs[ledger->n_runs - 1]};
    memcpy(segment.previous, ledger->previous, sizeof segment.previous);
    next->lines = ledger->n_waiting < LAKE_LEDGER_LINES ? ledger->n_waiting : LAKE_LEDGER_LINES;
    segment_name(next->last, segment.number);
    (void) snprintf(next->name, sizeof next->name, "%s/%s", ledger->prefix, next->last);
    return lake_segment_write(&segment, ledger->waiting, next->lines, &next->text, err) &&
           hash_sha256_hex(buf_str(&next->text), next->hash, err);
}

/* The first n of what waits are in the ledger. */
static void landed(struct lake_ledger *ledger, size_t n, const char hash[HASH_SHA256_HEX])
{
    ledger->segments++;
    ledger->n_waiting -= n;
    memmove(ledger->waiting, ledger->waiting + n, ledger->n_waiting * sizeof *ledger->waiting);
    memcpy(ledger->previous, hash, HASH_SHA256_HEX);
}

/* A store tells once that it lost bytes: a second sync might find nothing wrong, and lines of blobs that are not there
 * would be written. So the first failure is the last word. */
static bool broke(struct lake_ledger *ledger, const struct error *why, struct error *err)
{
    char name[LAKE_NAME_MAX + SEGMENT_NAME + 2], last[SEGMENT_NAME];
    ledger->broken = true;
    segment_name(last, ledger->segments + 1);
    (void) snprintf(name, sizeof name, "%s/%s", ledger->prefix, last);
    if (why->code == ERROR_EXISTS)
        return name_taken(ledger, name, last, why, err);
    return error_pass(err, why);
}

static bool check_whole(const struct lake_ledger *ledger, struct error *err)
{
    return !ledger->broken ||
           error_set(err, ERROR_IO, "the ledger of %s could not be written before", ledger->table);
}

/* Takes note of the segment that is on its way, if it is there or `wait`. */
static bool land(struct lake_ledger *ledger, bool wait, struct error *err)
{
    struct error why = ERROR_INIT;
    size_t n = ledger->n_flying;
    enum store_follow_state state =
        n > 0 ? store_follow_ask(ledger->store, wait, &why) : STORE_FOLLOW_BUSY;
    if (state == STORE_FOLLOW_BUSY)
        return true;
    ledger->n_flying = 0;
    if (state == STORE_FOLLOW_FAILED)
        return broke(ledger, &why, err);
    landed(ledger, n, ledger->flying);
    return true;
}

static bool put_next(struct lake_ledger *ledger, struct error *err)
{
    struct next next;
    struct error why = ERROR_INIT;
    bool ok = next_init(&next, ledger, err);
    if (ok && !store_put_new(ledger->store, next.name, buf_str(&next.text), &why))
        ok = broke(ledger, &why, err);
    if (ok)
        landed(ledger, next.lines, next.hash);
    buf_release(&next.text);
    return ok;
}

bool lake_ledger_flush(struct lake_ledger *ledger, struct error *err)
{
    struct error why = ERROR_INIT;
    if (!check_whole(ledger, err) || !land(ledger, true, err))
        return false;
    if (ledger->n_waiting > 0 && !store_sync(ledger->store, &why))
        return broke(ledger, &why, err);
    while (ledger->n_waiting > 0)
        if (!put_next(ledger, err))
            return false;
    return true;
}

/* Is there enough for a segment, or has it waited long enough? */
static bool is_due(const struct lake_ledger *ledger)
{
    static const uint64_t pause = LAKE_LEDGER_SECONDS * UINT64_C(1000000000);
    return !store_remote(ledger->store) || ledger->n_waiting >= ledger->full ||
           clock_ns() - ledger->flown >= pause;
}

bool lake_ledger_flush_soon(struct lake_ledger *ledger, struct error *err)
{
    struct next next;
    if (!check_whole(ledger, err) || !land(ledger, false, err))
        return false;
    if (ledger->n_waiting == 0 || ledger->n_flying > 0 || !is_due(ledger))
        return true;
    bool ok = next_init(&next, ledger, err), started = false;
    if (ok) {
        started = store_follow(ledger->store, next.name, &next.text, NULL);
        if (started) {
            ledger->n_flying = next.lines;
            ledger->flown = clock_ns();
            memcpy(ledger->flying, next.hash, sizeof next.hash);
        }
    }
    buf_release(&next.text);
    return ok && (started || lake_ledger_flush(ledger, err));
}

size_t lake_ledger_waiting(const struct lake_ledger *ledger)
{
    return ledger->n_waiting;
}

/* --- asking --- */

const struct lake_entry *lake_ledger_next(const struct lake_ledger *ledger, int64_t tick)
{
    if (tick < 0)
        tick = 0;
    if (tick > TICK_MAX)
        return NULL;
    int64_t number = tick / TICK_DAY;
    size_t first = (size_t) ((tick % TICK_DAY + TICK_PARTITION - 1) / TICK_PARTITION);
    for (size_t at = day_at(ledger, number); at < ledger->n_days; at++) {
        const struct day *day = &ledger->days[at];
        for (size_t slot = day->number == number ? first : 0; slot < DAY_PARTITIONS; slot++)
            if (is_present(day, slot))
                return &day->entries[slot];
    }
    return NULL;
}

const struct lake_entry *lake_ledger_find(const struct lake_ledger *ledger, int64_t tick)
{
    int64_t partition = tick_floor(tick, TICK_PARTITION);
    const struct lake_entry *entry = lake_ledger_next(ledger, partition);
    return entry && entry->partition == partition ? entry : NULL;
}

void lake_ledger_range(const struct lake_ledger *ledger, int64_t *from, int64_t *to)
{
    const struct lake_entry *entry = lake_ledger_next(ledger, 0);
    *from = *to = entry ? entry->partition : 0;
    for (; entry; entry = lake_ledger_next(ledger, entry->partition + 1))
        *to = entry->partition + TICK_PARTITION;
}

size_t lake_ledger_count(const struct lake_ledger *ledger)
{
    return ledger->count;
}

size_t lake_ledger_segments(const struct lake_ledger *ledger)
{
    return (size_t) ledger->segments;
}

size_t lake_ledger_runs(const struct lake_ledger *ledger)
{
    return ledger->n_runs;
}

const struct lake_run *lake_ledger_run(const struct lake_ledger *ledger, size_t index)
{
    return index < ledger->n_runs ? &ledger->runs[index] : NULL;
}

struct store_lock *lake_lock_new(struct store *store, const struct lake_place *place,
                                 const char *owner, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    if (!lake_place_check(place, err))
        return NULL;
    lake_own_name(&name, place, "lock");
    struct store_lock *lock = buf_ok(&name, "the name of a lock", err)
                                  ? store_lock_new(store, buf_text(&name), owner, err)
                                  : NULL;
    buf_release(&name);
    return lock;
}
