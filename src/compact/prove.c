/* The left side of a day, its lines: see prove.h. */
#include "compact/prove.h"

#include "json/lines.h"
#include "json/value.h"

#include <inttypes.h>

enum {
    PACKING_BYTES = 4,
    WINDOW_MAX = 2 * JSON_ROW_MAX,
    ITEM_MAX = JSON_ROW_MAX,
    IDS_FIRST = 1024,
    STOP_EVERY = 4096 /* rows */
};

static bool stopped(const struct stop *stop, struct error *err)
{
    return stop_asked(stop) && !error_set(err, ERROR_INTERRUPTED, "interrupted");
}

struct lake_rows *compact_rows_new(const struct lake_schema *schema, struct error *err)
{
    struct lake_rows *rows = lake_rows_new(&schema->columns, err);
    if (rows && lake_rows_from(rows, schema->from, schema->n_from, err))
        return rows;
    lake_rows_free(rows);
    return NULL;
}

/* --- ids of a group --------------------------------------------------------------------------------------- */

/* A table of open places; the key of all zero is kept apart. */
struct ids {
    struct lake_row_key *v;
    size_t n, room; /* a power of two */
    bool zero;
};

static bool is_zero(const struct lake_row_key *key)
{
    return key->high == 0 && key->low == 0;
}

static struct lake_row_key *place_of(const struct ids *ids, const struct lake_row_key *key)
{
    size_t at = (size_t) key->low & (ids->room - 1);
    while (!is_zero(&ids->v[at]) && (ids->v[at].low != key->low || ids->v[at].high != key->high))
        at = (at + 1) & (ids->room - 1);
    return &ids->v[at];
}

static bool grow(struct ids *ids, struct error *err)
{
    struct ids more = {.room = ids->room ? 2 * ids->room : IDS_FIRST, .n = ids->n};
    if (ids->n > ENGINE_GROUP_ROWS_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d rows of one partition",
                         ENGINE_GROUP_ROWS_MAX);
    more.v = mem_alloc(more.room, sizeof *more.v, err);
    if (!more.v)
        return false;
    for (size_t i = 0; i < ids->room; i++)
        if (!is_zero(&ids->v[i]))
            *place_of(&more, &ids->v[i]) = ids->v[i];
    more.zero = ids->zero;
    mem_free(ids->v);
    *ids = more;
    return true;
}

/* *added is false when it was there. */
static bool ids_add(struct ids *ids, const struct lake_row_key *key, bool *added, struct error *err)
{
    if (is_zero(key)) {
        *added = !ids->zero;
        ids->zero = true;
        return true;
    }
    if (ids->n >= ids->room / 2 && !grow(ids, err))
        return false;
    struct lake_row_key *place = place_of(ids, key);
    *added = is_zero(place);
    ids->n += *added;
    *place = *key;
    return true;
}

/* What stands in the group before its lines. */
static bool ids_share(struct ids *ids, const struct compact_shared *shared, uint32_t group,
                      struct error *err)
{
    bool added;
    for (size_t i = 0; i < shared->n; i++)
        if (shared->v[i].group == group && !ids_add(ids, &shared->v[i].id, &added, err))
            return false;
    return true;
}

static void ids_clear(struct ids *ids)
{
    mem_free(ids->v);
    *ids = (struct ids){0};
}

/* --- lines ------------------------------------------------------------------------------------------------ */

struct lines_side {
    struct lake_rows *rows;
    struct json_lines *scanner;
    struct hash_sha256 *sha256;
    struct buf window, item;
    struct ids ids;
    uint32_t group;
    bool whole; /* a blob of the group holds all rows */
    const struct query_blob *blob;
    struct compact_sum *sum;
    uint64_t seen;
    const struct stop *stop;
    bool plain;     /* so far each line of the blob was one object: no need of the scanner */
    uint64_t lines; /* that were taken so */
};

static bool side_init(struct lines_side *side, struct error *err)
{
    static const struct str key = {"_ItemId", 7};
    const struct json_lines_options options = {.keys = &key, .count = 1};
    buf_init(&side->window, WINDOW_MAX);
    buf_init(&side->item, ITEM_MAX);
    side->scanner = json_lines_new(&options, err);
    side->sha256 = hash_sha256_new(err);
    return side->scanner && side->sha256;
}

static void side_release(struct lines_side *side)
{
    json_lines_free(side->scanner);
    hash_sha256_free(side->sha256);
    buf_release(&side->window);
    buf_release(&side->item);
    ids_clear(&side->ids);
}

/* The text of _ItemId; empty when there is none. */
static bool item_of(struct lines_side *side, const struct json_object *object, struct str *out,
                    struct error *err)
{
    const struct json_cell *cell = &object->cells[0];
    *out = STR("");
    if (!object->present[0] || cell->kind == JSON_KIND_NULL)
        return true;
    *out = (struct str){object->bytes.p + cell->start, cell->length};
    if (!cell->escaped)
        return true;
    buf_reset(&side->item);
    bool ok = json_unescape(*out, &side->item);
    *out = buf_str(&side->item);
    return ok || (buf_ok(&side->item, "an _ItemId", err) &&
                  error_set(err, ERROR_FORMAT, "an _ItemId that is no text"));
}

/* Whether the row stands in its group already, or in a blob that holds all. */
static bool is_double(struct lines_side *side, const struct json_object *object, bool *out,
                      struct error *err)
{
    struct str item;
    struct lake_row_key key;
    uint64_t hash[2];
    bool added = true;
    *out = false;
    if (side->group == 0)
        return true;
    if (!item_of(side, object, &item, err))
        return false;
    if (item.n == 0) {
        *out = side->whole && !side->blob->whole;
        return true;
    }
    hash_xx128(item, hash);
    key = (struct lake_row_key){.high = hash[1], .low = hash[0]};
    bool ok = ids_add(&side->ids, &key, &added, err);
    *out = !added;
    return ok;
}

static bool take_object(struct lines_side *side, const struct json_object *object,
                        struct error *err)
{
    struct lake_row_key key;
    bool doubled;
    if (side->seen++ % STOP_EVERY == 0 && stopped(side->stop, err))
        return false;
    if (!is_double(side, object, &doubled, err))
        return false;
    side->sum->doubled += doubled;
    if (doubled)
        return true;
    if (!lake_row_whole(side->rows, object->bytes, &key, err))
        return error_prefix(err, "line %" PRIu64, side->lines + object->line);
    lake_row_sum(&side->sum->hash, &key);
    side->sum->rows++;
    return true;
}

/* Takes whole lines, while each of them is one object; what is not, the scanner looks at. */
static bool take_lines(struct lines_side *side, bool last, size_t *at, struct error *err)
{
    struct str text = buf_str(&side->window);
    while (side->plain && *at < text.n) {
        struct lake_row_key key;
        struct error why = ERROR_INIT;
        const char *from = text.p + *at, *end = memchr(from, '\n', text.n - *at);
        if (!end && !last)
            return true;
        struct str line = {from, end ? (size_t) (end - from) : text.n - *at};
        if (side->seen++ % STOP_EVERY == 0 && stopped(side->stop, err))
            return false;
        if (str_trim(line).n > 0) {
            side->plain = lake_row_whole(side->rows, line, &key, &why);
            if (!side->plain)
                return why.code == ERROR_FORMAT || error_pass(err, &why);
            lake_row_sum(&side->sum->hash, &key);
            side->sum->rows++;
        }
        *at += line.n + (end != NULL);
        side->lines++;
    }
    return true;
}

static bool take_objects(struct lines_side *side, bool last, struct error *err)
{
    size_t at = 0;
    struct json_object object;
    int found = 0;
    if (!take_lines(side, last, &at, err))
        return false;
    while (!side->plain && (found = json_lines_next(side->scanner, buf_str(&side->window), &at,
                                                    last, &object, err)) > 0)
        if (!take_object(side, &object, err))
            return false;
    if (found < 0)
        return err && err->line > 0
                   ? error_prefix(err, "line %" PRIu64, side->lines + (unsigned) err->line)
                   : false;
    memmove(side->window.bytes, side->window.bytes + at, side->window.used - at);
    side->window.used -= at;
    return true;
}

static bool check_plain(struct str begin, struct error *err)
{
    const char *packing = text_packing(begin);
    return !packing ||
           error_set(err, ERROR_FORMAT, "it is packed (%s): such blobs are not compacted", packing);
}

static bool take_blob(struct lines_side *side, struct store_ahead *ahead, struct error *err)
{
    struct str piece;
    size_t index;
    uint64_t bytes = 0;
    side->plain = side->group == 0;
    side->lines = 0;
    json_lines_reset(side->scanner);
    hash_sha256_reset(side->sha256);
    buf_reset(&side->window);
    do {
        if (!store_ahead_next(ahead, &index, &piece, err))
            return false;
        if (bytes == 0 && !check_plain(piece, err))
            return false;
        hash_sha256_add(side->sha256, piece.p, piece.n);
        buf_put_str(&side->window, piece);
        bytes += piece.n;
        if (!buf_ok(&side->window, "a line", err) || !take_objects(side, piece.n == 0, err))
            return false;
    } while (piece.n > 0);
    return bytes == side->blob->size ||
           error_set(err, ERROR_PARTIAL, "it was changed while it was read");
}

bool compact_check_plain(struct store *store, const struct query_blob *blobs, size_t n,
                         struct error *err)
{
    char begin[PACKING_BYTES];
    bool plain = true;
    for (size_t i = 0; plain && i < n; i++) {
        struct store_reader *reader = store_reader_new(store, blobs[i].name, NULL);
        size_t got = 0, all = 0;
        while (reader && all < sizeof begin &&
               store_reader_next(reader, begin + all, sizeof begin - all, &got, NULL) && got > 0)
            all += got;
        store_reader_free(reader);
        plain =
            check_plain((struct str){begin, all}, err) || error_prefix(err, "%s", blobs[i].name);
    }
    return plain;
}

/* A blob that begins a group: whether one of them holds all rows. */
static bool begin_group(struct lines_side *side, const struct query_blob *blobs, size_t n,
                        const struct compact_shared *shared, struct error *err)
{
    if (blobs[0].group == side->group)
        return true;
    ids_clear(&side->ids);
    side->group = blobs[0].group;
    side->whole = false;
    for (size_t i = 0; i < n && blobs[i].group == side->group; i++)
        side->whole = side->whole || blobs[i].whole;
    return side->group == 0 || ids_share(&side->ids, shared, side->group, err);
}

bool compact_sum_lines(struct store *store, struct lake_rows *rows, const struct query_blob *blobs,
                       size_t n, const struct compact_shared *shared, const struct stop *stop,
                       unsigned char (*sha256)[HASH_SHA256_SIZE], struct compact_sum *sum,
                       struct error *err)
{
    struct lines_side side = {.rows = rows, .sum = sum, .stop = stop};
    struct store_wanted *wanted = mem_alloc(n, sizeof *wanted, err);
    struct store_ahead *ahead = NULL;
    for (size_t i = 0; wanted && i < n; i++)
        wanted[i] = (struct store_wanted){.name = blobs[i].name, .size = blobs[i].size};
    bool ok =
        wanted && side_init(&side, err) && (ahead = store_ahead_new(store, wanted, n, err)) != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        side.blob = &blobs[i];
        ok = (begin_group(&side, blobs + i, n - i, shared, err) && take_blob(&side, ahead, err) &&
              hash_sha256_end(side.sha256, sha256[i], err)) ||
             error_prefix(err, "%s", blobs[i].name);
    }
    store_ahead_free(ahead);
    side_release(&side);
    mem_free(wanted);
    return ok;
}
