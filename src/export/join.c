/* Join: see join.h. */
#include "export/join.h"

#include <stdio.h>

enum {
    HOUR_PARTS = TICK_HOUR / TICK_PARTITION,
    CHUNK_BLOBS = 2048,        /* read in one go */
    CHUNK_NAMES = 8 << 20,     /* bytes of their names */
    GROUP_BLOBS_MAX = 1 << 16, /* of one partition or hour */
    GROUP_NAMES = 128 << 20,
    LINE_MAX = 32 << 20,  /* bytes of a line */
    PASSES_MAX = 1 << 12, /* over the blobs of one partition */
    TOLD_MAX = 20         /* damaged lines that are told one by one */
};

void export_join_release(struct export_join *join)
{
    lake_rows_free(join->rows);
    export_keys_release(&join->keys);
    buf_release(&join->carry);
    mem_free(join->v);
    *join = (struct export_join){0};
}

bool export_join_add(struct export_join *join, size_t part, struct error *err)
{
    if (!mem_reserve(&join->v, &join->room, join->n, EXPORT_PARTITIONS_MAX, sizeof *join->v, err))
        return false;
    join->v[join->n++] = (struct export_joint){.part = part};
    return true;
}

struct export_joint *export_join_find(const struct export_join *join, size_t part)
{
    size_t low = 0, high = join ? join->n : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (join->v[middle].part < part)
            low = middle + 1;
        else
            high = middle;
    }
    return join && low < join->n && join->v[low].part == part ? &join->v[low] : NULL;
}

bool export_join_whole(const struct export_join *join, const struct export_joint *joint)
{
    const struct export_counted *counted = &join->plan->parts[joint->part].counted;
    return joint->read && joint->unkeyed == 0 && counted->known && counted->rows > 0 &&
           counted->rows == joint->rows && counted->sum == joint->sum;
}

static int64_t tick_of(const struct export_join *join, const struct export_joint *joint)
{
    return export_plan_tick(join->plan, joint->part);
}

/* -- which blobs -- */

/* Blobs that are read one after the other. */
struct chunk {
    struct store_wanted *wanted;
    const struct export_theirs **theirs;
    size_t n, room, theirs_room;
    struct arena names;
};

static void chunk_init(struct chunk *chunk)
{
    *chunk = (struct chunk){0};
    arena_init(&chunk->names, CHUNK_NAMES + GROUP_NAMES);
}

static void chunk_release(struct chunk *chunk)
{
    mem_free(chunk->wanted);
    mem_free(chunk->theirs);
    arena_release(&chunk->names);
}

static bool chunk_add(struct chunk *chunk, const struct export_look *look,
                      const struct export_theirs *theirs, struct error *err)
{
    if (!mem_reserve(&chunk->wanted, &chunk->room, chunk->n, CHUNK_BLOBS + GROUP_BLOBS_MAX,
                     sizeof *chunk->wanted, err) ||
        !mem_reserve(&chunk->theirs, &chunk->theirs_room, chunk->n, CHUNK_BLOBS + GROUP_BLOBS_MAX,
                     sizeof *chunk->theirs, err))
        return false;
    const char *name =
        arena_format(&chunk->names, err, "%s%s", buf_text(&look->prefix), theirs->behind);
    chunk->wanted[chunk->n] = (struct store_wanted){.name = name, .size = theirs->size};
    chunk->theirs[chunk->n++] = theirs;
    return name != NULL;
}

/* Partitions whose blobs are read together: one, or those of an hour for which there is one blob. */
struct group {
    struct export_joint *joints[HOUR_PARTS]; /* by their five minutes; NULL: not among them */
    int64_t hour;
    size_t blobs, first; /* in the chunk */
};

static void group_put(struct group *group, const struct export_join *join,
                      struct export_joint *joint)
{
    int64_t tick = tick_of(join, joint);
    group->hour = tick_floor(tick, TICK_HOUR);
    group->joints[(tick - group->hour) / TICK_PARTITION] = joint;
}

static bool covers(const struct group *group, const struct export_theirs *theirs)
{
    for (int i = 0; i < HOUR_PARTS; i++) {
        int64_t tick = group->hour + i * TICK_PARTITION;
        if (group->joints[i] && theirs->tick <= tick && theirs->tick + theirs->span > tick)
            return true;
    }
    return false;
}

static bool group_blobs(struct group *group, const struct export_look *look, struct chunk *chunk,
                        struct error *err)
{
    size_t first, end;
    export_look_theirs(look, group->hour, group->hour + TICK_HOUR, &first, &end);
    group->first = chunk->n;
    for (size_t i = first; i < end; i++)
        if (covers(group, &look->theirs[i]) && !chunk_add(chunk, look, &look->theirs[i], err))
            return false;
    group->blobs = chunk->n - group->first;
    return true;
}

static bool hour_has_one(const struct export_look *look, int64_t tick)
{
    size_t first, end;
    int64_t hour = tick_floor(tick, TICK_HOUR);
    export_look_theirs(look, hour, hour + TICK_HOUR, &first, &end);
    for (size_t i = first; i < end; i++)
        if (look->theirs[i].span > TICK_PARTITION)
            return true;
    return false;
}

/* -- reading lines -- */

/* One reading of the blobs of a group. */
struct reading {
    struct export_join *join;
    const struct group *group;
    uint32_t pass, passes; /* of them, this reading takes keys of one share */
    bool values;           /* rows without an id are wanted too */
    bool tell;             /* damaged lines */
    bool full;             /* there were more keys than there is room */
    bool growing;
    uint64_t lines, keyed; /* rows of the group, those with an id */
    const struct export_theirs *blob;
    const char *name;
    uint64_t line; /* of the blob, from 1 */
};

static struct export_joint *joint_at(const struct reading *reading, int64_t tick)
{
    int64_t at = tick - reading->group->hour;
    return at >= 0 && at < TICK_HOUR ? reading->group->joints[at / TICK_PARTITION] : NULL;
}

static void damaged(struct reading *reading, const char *why)
{
    struct export_join *join = reading->join;
    const struct export_watch *watch = join->options->watch;
    char line[LAKE_NAME_MAX + ERROR_MESSAGE_MAX + 64];
    if (!reading->tell)
        return;
    join->report->damaged++;
    if (++join->told > TOLD_MAX || !watch || !watch->note)
        return;
    (void) snprintf(line, sizeof line, "%s, line %llu, is left out of the comparison: %s",
                    reading->name, (unsigned long long) reading->line, why);
    watch->note(watch->context, line);
}

static struct export_key key_of(const struct lake_row *row, bool keyed, size_t part)
{
    const struct lake_row_key *key = keyed ? &row->id : &row->value;
    return (struct export_key){.high = key->high,
                               .low = key->low ^ (uint64_t) part * UINT64_C(0x9E3779B97F4A7C15),
                               .value = !keyed};
}

static bool in_pass(const struct reading *reading, const struct export_key *key)
{
    return (key->high & (reading->passes - 1)) == reading->pass;
}

static bool take_row(struct reading *reading, const struct lake_row *row, struct error *err)
{
    struct export_joint *joint = joint_at(reading, row->tick);
    const struct export_theirs *blob = reading->blob;
    bool keyed = row->has_item && reading->join->snapshot->item;
    uint32_t count;
    bool inside = row->tick >= blob->tick && row->tick < blob->tick + blob->span;
    if (!inside)
        damaged(reading, "its TimeGenerated is of another time than its blob");
    if (!joint || !inside)
        return true;
    reading->lines++;
    reading->keyed += keyed;
    joint->unkeyed += !keyed && reading->pass == 0;
    struct export_key key = key_of(row, keyed, joint->part);
    if ((!keyed && !reading->values) || !in_pass(reading, &key))
        return true;
    if (!export_keys_add(&reading->join->keys, &key, &count, err))
        return false;
    reading->full = reading->full || count == 0;
    if (keyed && count == 1) {
        joint->rows++;
        joint->sum += (uint64_t) row->item;
    }
    joint->doubled += keyed && count > 1;
    return true;
}

/* The row of a line; its values too where those tell it. */
static bool read_row(struct export_join *join, struct str line, bool values, struct lake_row *row,
                     struct error *err)
{
    bool item = join->snapshot->item;
    return lake_row_read(join->rows, line, values && !item, row, err) &&
           (!values || !item || row->has_item || lake_row_read(join->rows, line, true, row, err));
}

static bool take_line(struct reading *reading, struct str line, struct error *err)
{
    struct lake_row row;
    struct error why = ERROR_INIT;
    reading->line++;
    if (str_trim(line).n == 0)
        return true;
    if (read_row(reading->join, line, reading->values, &row, &why))
        return take_row(reading, &row, err);
    if (why.code != ERROR_FORMAT)
        return error_pass(err, &why);
    damaged(reading, why.message);
    return true;
}

/* Ends the line that came in pieces. */
static bool take_carry(struct reading *reading, struct error *err)
{
    struct buf *carry = &reading->join->carry;
    bool over = carry->over, ok = true;
    if (over) {
        reading->line++;
        damaged(reading, "it is longer than a row can be");
    } else {
        ok = buf_ok(carry, "a line", err) && take_line(reading, buf_str(carry), err);
    }
    buf_reset(carry);
    return ok;
}

static bool take_piece(struct reading *reading, struct str piece, struct error *err)
{
    struct buf *carry = &reading->join->carry;
    const char *end = piece.p + piece.n;
    for (const char *at = piece.p; at < end;) {
        const char *feed = memchr(at, '\n', (size_t) (end - at));
        struct str part = {at, (size_t) ((feed ? feed : end) - at)};
        bool whole = feed && carry->used == 0 && !carry->failed;
        if (!whole)
            buf_put_str(carry, part);
        if (whole ? !take_line(reading, part, err) : feed && !take_carry(reading, err))
            return false;
        at = feed ? feed + 1 : end;
    }
    return true;
}

/* A last line without its line feed is a row, or on its way, or was left so. */
static bool take_last(struct reading *reading, struct error *err)
{
    struct buf *carry = &reading->join->carry;
    struct lake_row row;
    if (carry->used == 0 && !carry->failed)
        return true;
    bool torn =
        carry->failed || !lake_row_read(reading->join->rows, buf_str(carry), false, &row, NULL);
    if (!torn || reading->blob->modified + EXPORT_WRITING <= tick_now())
        return take_carry(reading, err);
    reading->growing = true;
    buf_reset(carry);
    return true;
}

static bool read_blob(struct reading *reading, struct store_ahead *ahead, struct error *err)
{
    struct str piece;
    size_t index;
    reading->line = 0;
    buf_reset(&reading->join->carry);
    do {
        if (stop_asked(reading->join->options->stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (!store_ahead_next(ahead, &index, &piece, err) || !take_piece(reading, piece, err))
            return false;
    } while (piece.n > 0);
    return take_last(reading, err);
}

/* -- reading groups -- */

/* Blobs that are there no more as they were listed. */
static bool is_changed(const struct error *why)
{
    return why->code == ERROR_NOT_FOUND || why->code == ERROR_PARTIAL;
}

static void group_begin(struct reading *reading)
{
    reading->tell = false;
    reading->growing = reading->full = false;
    reading->lines = reading->keyed = 0;
    for (int i = 0; i < HOUR_PARTS; i++) {
        struct export_joint *joint = reading->group->joints[i];
        if (!joint)
            continue;
        reading->tell = reading->tell || !joint->told;
        joint->rows = joint->sum = joint->doubled = joint->unkeyed = 0;
        joint->read = false;
    }
}

static void group_end(struct reading *reading)
{
    for (int i = 0; i < HOUR_PARTS; i++) {
        struct export_joint *joint = reading->group->joints[i];
        if (!joint)
            continue;
        joint->told = joint->read = true;
        joint->growing = reading->growing;
        joint->stale = joint->stale || reading->growing;
    }
}

/* One pass over the blobs of a group, whose keys are there then. */
static bool read_pass(struct reading *reading, const struct chunk *chunk, struct store_ahead *ahead,
                      struct error *err)
{
    const struct group *group = reading->group;
    export_keys_reset(&reading->join->keys);
    for (size_t i = group->first; i < group->first + group->blobs; i++) {
        reading->blob = chunk->theirs[i];
        reading->name = chunk->wanted[i].name;
        if (!read_blob(reading, ahead, err))
            return false;
    }
    reading->tell = false;
    return true;
}

/* The same with requests of its own. */
static bool read_alone(struct reading *reading, const struct chunk *chunk, struct error *err)
{
    const struct group *group = reading->group;
    struct store_ahead *ahead = store_ahead_new(reading->join->options->store,
                                                chunk->wanted + group->first, group->blobs, err);
    bool ok = ahead && read_pass(reading, chunk, ahead, err);
    store_ahead_free(ahead);
    return ok;
}

/* How many passes so many keys ask for, with some room. */
static uint32_t passes_for(const struct export_join *join, uint64_t keys)
{
    uint64_t max = join->keys.max > 0 ? join->keys.max : EXPORT_KEYS_MAX;
    uint32_t passes = 1;
    while (passes < PASSES_MAX && keys > max / 4 * 3 * passes)
        passes *= 2;
    return passes;
}

/* Counts a group whose keys do not fit at once. */
static bool count_in_passes(struct reading *reading, const struct chunk *chunk, struct error *err)
{
    reading->passes = passes_for(reading->join, reading->lines);
    group_begin(reading);
    for (reading->pass = 0; reading->pass < reading->passes && !reading->full; reading->pass++)
        if (!read_alone(reading, chunk, err))
            return false;
    return true;
}

static bool read_group(struct export_join *join, const struct group *group,
                       const struct chunk *chunk, struct store_ahead *ahead, struct error *err)
{
    struct reading reading = {.join = join, .group = group, .passes = 1};
    group_begin(&reading);
    if (!read_pass(&reading, chunk, ahead, err) ||
        (reading.full && !count_in_passes(&reading, chunk, err)))
        return false;
    if (!reading.full)
        group_end(&reading);
    return true;
}

/* -- compare -- */

struct compare {
    struct export_join *join;
    struct chunk chunk;
    struct group *groups;
    size_t n, room;
    size_t waiting, done; /* joints */
};

static bool waits(const struct compare *compare, size_t at)
{
    return compare->join->plan->parts[compare->join->v[at].part].state == EXPORT_WAITING;
}

/* Groups from joint *at on, until there are blobs enough for one go. */
static bool next_groups(struct compare *compare, size_t *at, struct error *err)
{
    struct export_join *join = compare->join;
    compare->n = 0;
    while (*at < join->n && compare->chunk.n < CHUNK_BLOBS) {
        struct group group = {0};
        int64_t tick = tick_of(join, &join->v[*at]), hour = tick_floor(tick, TICK_HOUR);
        int64_t end = hour_has_one(join->look, tick) ? hour + TICK_HOUR : tick + TICK_PARTITION;
        bool any = false;
        for (; *at < join->n && tick_of(join, &join->v[*at]) < end; ++*at)
            if (waits(compare, *at)) {
                group_put(&group, join, &join->v[*at]);
                any = true;
            }
        if (!any)
            continue;
        if (!group_blobs(&group, join->look, &compare->chunk, err) ||
            !mem_reserve(&compare->groups, &compare->room, compare->n, CHUNK_BLOBS + 1,
                         sizeof *compare->groups, err))
            return false;
        compare->groups[compare->n++] = group;
    }
    return true;
}

static void show(const struct compare *compare)
{
    const struct export_watch *watch = compare->join->options->watch;
    struct export_progress progress = {
        .phase = "compare", .partitions = compare->waiting, .partitions_done = compare->done};
    if (watch && watch->progress)
        watch->progress(watch->context, &progress);
}

/* A group whose blobs changed meanwhile is not compared: it is listed again when it was fetched. */
static void leave(const struct group *group)
{
    for (int i = 0; i < HOUR_PARTS; i++)
        if (group->joints[i])
            group->joints[i]->stale = true;
}

static size_t joints_of(const struct group *group)
{
    size_t n = 0;
    for (int i = 0; i < HOUR_PARTS; i++)
        n += group->joints[i] != NULL;
    return n;
}

/* Reads groups from *at on, up to one that changed. */
static bool read_groups(struct compare *compare, size_t *at, struct error *err)
{
    struct export_join *join = compare->join;
    struct chunk *chunk = &compare->chunk;
    struct error why = ERROR_INIT;
    size_t first = compare->groups[*at].first;
    struct store_ahead *ahead =
        store_ahead_new(join->options->store, chunk->wanted + first, chunk->n - first, err);
    bool ok = ahead != NULL, read = true;
    for (; ok && read && *at < compare->n; ++*at) {
        const struct group *group = &compare->groups[*at];
        read = read_group(join, group, chunk, ahead, &why);
        ok = read || is_changed(&why);
        if (!read)
            leave(group);
        compare->done += joints_of(group);
        show(compare);
    }
    store_ahead_free(ahead);
    return ok || error_pass(err, &why);
}

static bool compare_all(struct compare *compare, struct error *err)
{
    for (size_t i = 0; i < compare->join->n; i++)
        compare->waiting += waits(compare, i);
    for (size_t at = 0; at < compare->join->n;) {
        chunk_release(&compare->chunk);
        chunk_init(&compare->chunk);
        if (!next_groups(compare, &at, err))
            return false;
        for (size_t i = 0; i < compare->n;)
            if (!read_groups(compare, &i, err))
                return false;
    }
    return true;
}

/* The columns' types are those of the first answer: they are taken anew for what was fetched. */
static bool make_rows(struct export_join *join, bool fetched, struct error *err)
{
    if (join->rows && join->typed == fetched)
        return true;
    lake_rows_free(join->rows);
    join->rows = lake_rows_new(&join->snapshot->columns, err);
    join->carry.max = LINE_MAX;
    join->typed = fetched;
    return join->rows != NULL;
}

bool export_join_compare(struct export_join *join, struct error *err)
{
    struct compare compare = {.join = join};
    chunk_init(&compare.chunk);
    bool ok = make_rows(join, false, err) && compare_all(&compare, err);
    chunk_release(&compare.chunk);
    mem_free(compare.groups);
    return ok;
}

/* -- filter -- */

struct sieve {
    struct reading *reading;
    struct lake_pile *missing;
    struct export_joined *out;
    struct export_joint *joint;
    bool by_value; /* several passes: no line there has an id */
};

/* Whether a row of ours stands there. *now: it is this pass that says so. */
static bool stands_there(const struct sieve *sieve, const struct lake_row *row, bool *now)
{
    const struct reading *reading = sieve->reading;
    struct export_keys *keys = &reading->join->keys;
    bool keyed = row->has_item && reading->join->snapshot->item && !sieve->by_value;
    struct export_key id = key_of(row, true, sieve->joint->part),
                      value = key_of(row, false, sieve->joint->part);
    *now = in_pass(reading, keyed ? &id : &value);
    return *now && ((keyed && export_keys_take(keys, &id)) || export_keys_take(keys, &value));
}

static bool sift_line(struct sieve *sieve, struct str line, struct error *err)
{
    struct export_join *join = sieve->reading->join;
    struct lake_row row;
    bool now, values = !join->snapshot->item || sieve->reading->keyed < sieve->reading->lines;
    if (!lake_row_read(join->rows, line, values, &row, err))
        return false;
    bool there = stands_there(sieve, &row, &now);
    int64_t item = join->snapshot->item ? row.item : 0;
    if (!now)
        return true;
    if (!there)
        return lake_pile_add_line(sieve->missing, row.tick, item, line, err);
    sieve->out->rows++;
    sieve->out->sum += (uint64_t) item;
    return true;
}

static bool sift(void *context, struct str lines, struct error *err)
{
    while (lines.n > 0) {
        const char *feed = memchr(lines.p, '\n', lines.n);
        size_t n = feed ? (size_t) (feed - lines.p) + 1 : lines.n;
        if (!sift_line(context, (struct str){lines.p, n}, err))
            return false;
        lines.p += n;
        lines.n -= n;
    }
    return true;
}

/* What nobody took: lines that the service wrote again, or rows that the workspace does not have. */
static void count_left(const struct export_keys *keys, struct export_joined *out)
{
    for (uint32_t i = 0; i < keys->room; i++) {
        const struct export_key_slot *slot = &keys->slots[i];
        if (slot->count == 0)
            continue;
        if (slot->taken == 0)
            out->strangers += slot->value ? slot->count : 1;
        else if (slot->value)
            out->doubled += slot->count - slot->taken;
    }
}

static bool wait_for(char why[EXPORT_REASON_MAX], const struct reading *reading, const char *what)
{
    const char *slash = reading->name ? strrchr(reading->name, '/') : NULL;
    (void) snprintf(why, EXPORT_REASON_MAX, "the service's %s %s", slash ? slash + 1 : "blob",
                    what);
    return true;
}

/* All passes, with as many as there are. *again: they were too few. */
static bool sieve_in_passes(struct sieve *sieve, const struct chunk *chunk,
                            struct lake_pile *const *piles, size_t n, char why[EXPORT_REASON_MAX],
                            struct error *err)
{
    struct reading *reading = sieve->reading;
    group_begin(reading);
    for (reading->pass = 0; reading->pass < reading->passes; reading->pass++) {
        reading->lines = reading->keyed = 0;
        if (!read_alone(reading, chunk, err))
            return false;
        sieve->joint->growing = reading->growing;
        if (reading->growing)
            return wait_for(why, reading, "ends in a torn line: it is being written");
        sieve->by_value = reading->keyed == 0;
        if (reading->passes > 1 && reading->keyed > 0 && reading->keyed < reading->lines)
            return wait_for(why, reading, "has too many rows, some of them without _ItemId");
        if (reading->full)
            return true;
        if (!lake_piles_merge(piles, n, sift, sieve, err))
            return false;
        count_left(&reading->join->keys, sieve->out);
    }
    group_end(reading);
    return true;
}

static bool sieve_all(struct sieve *sieve, const struct chunk *chunk, struct lake_pile **missing,
                      struct lake_pile *const *piles, size_t n, char why[EXPORT_REASON_MAX],
                      struct error *err)
{
    struct reading *reading = sieve->reading;
    for (;;) {
        *sieve->out = (struct export_joined){0};
        lake_pile_free(*missing);
        *missing = sieve->missing = lake_pile_new(reading->join->pool, err);
        if (!*missing || !sieve_in_passes(sieve, chunk, piles, n, why, err))
            return false;
        if (why[0] || !reading->full)
            return true;
        if (reading->passes == PASSES_MAX)
            return wait_for(why, reading, "has more rows than can be compared");
        uint32_t passes = passes_for(reading->join, reading->lines);
        reading->passes = passes > reading->passes ? passes : reading->passes * 2;
    }
}

/* The blobs of one partition as they were listed, or are by now. */
static bool list_blobs(struct export_join *join, const struct export_joint *joint,
                       struct group *group, struct export_look *fresh, struct chunk *chunk,
                       struct error *err)
{
    int64_t tick = tick_of(join, joint);
    if (joint->stale && !export_look(fresh, join->options->store, &join->options->source.place,
                                     NULL, tick, tick + TICK_PARTITION, err))
        return false;
    return group_blobs(group, joint->stale ? fresh : join->look, chunk, err);
}

bool export_join_filter(struct export_join *join, struct export_joint *joint,
                        struct lake_pile *const *piles, size_t n, struct lake_pile **missing,
                        struct export_joined *out, char why[EXPORT_REASON_MAX], struct error *err)
{
    struct error changed = ERROR_INIT;
    struct export_look fresh = {0};
    struct chunk chunk;
    struct group group = {0};
    struct reading reading = {.join = join, .group = &group, .values = true};
    struct sieve sieve = {.reading = &reading, .out = out, .joint = joint};
    *missing = NULL;
    why[0] = '\0';
    chunk_init(&chunk);
    group_put(&group, join, joint);
    reading.passes = joint->read ? passes_for(join, joint->rows + joint->unkeyed) : 1;
    bool ok = make_rows(join, true, &changed) &&
              list_blobs(join, joint, &group, &fresh, &chunk, &changed) &&
              sieve_all(&sieve, &chunk, missing, piles, n, why, &changed);
    if (!ok && is_changed(&changed))
        ok = wait_for(why, &reading, "is gone or became shorter");
    const struct export_look *listed = joint->stale && fresh.ours ? &fresh : join->look;
    out->at = listed->at;
    out->bytes = export_look_bytes(listed, tick_of(join, joint));
    out->doubled += joint->doubled;
    joint->stale = joint->stale || why[0];
    joint->told = true;
    chunk_release(&chunk);
    export_look_release(&fresh);
    return ok || error_pass(err, &changed);
}
