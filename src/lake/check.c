/* A lake against its own ledger: see check.h. */
#include "lake/check.h"

#include "base/memory.h"
#include "json/lines.h"
#include "json/value.h"

enum {
    PIECE = 256 * 1024,
    WINDOW_MAX = JSON_ROW_MAX + PIECE,
    ITEM_MAX = 4096 /* bytes of an _ItemId */
};

/* What a check needs from blob to blob. */
struct check {
    struct store *store;
    const struct lake_ledger *ledger;
    const struct lake_check_options *options;
    struct lake_check_totals *totals;
    int64_t next, to; /* ledger partitions from here on have not been looked at; end of the range */
    struct buf own;   /* the one name that a partition's blob may have */
    const struct lake_place *place;
    struct hash_sha256 *hash;
    struct json_lines *lines;
    struct buf window, item;
};

const char *lake_finding_text(enum lake_finding finding)
{
    static const char *const texts[] = {
#define X(name, text) text,
        LAKE_FINDINGS(X)
#undef X
    };
    return (unsigned) finding < LAKE_FINDING_COUNT ? texts[finding] : "?";
}

static bool stopped(const struct check *check, struct error *err)
{
    return stop_asked(check->options->stop) && !error_set(err, ERROR_INTERRUPTED, "interrupted");
}

static bool tell(struct check *check, const struct lake_checked *checked, struct error *err)
{
    check->totals->partitions++;
    check->totals->rows += checked->rows;
    check->totals->bytes += checked->bytes;
    check->totals->findings[checked->finding]++;
    if (stopped(check, err))
        return false;
    return !check->options->fn || check->options->fn(check->options->context, checked, err);
}

/* --- what a blob says --- */

/* The hash of the row's _ItemId. A line leaves out an empty one, and KQL, which has no null string, counts the
 * hash of the empty string for it. (It matters where sums are compared, so where the table has the column.) */
static int64_t item_hash(struct check *check, const struct json_object *object)
{
    if (!object->present[0] || object->cells[0].kind != JSON_KIND_STRING)
        return hash_xx64(STR(""));
    struct str text = {object->bytes.p + object->cells[0].start, object->cells[0].length};
    if (!object->cells[0].escaped)
        return hash_xx64(text);
    buf_reset(&check->item);
    return json_unescape(text, &check->item) ? hash_xx64(buf_str(&check->item)) : 0;
}

/* Takes the objects that are whole out of the window. False: a line is no object. */
static bool take_lines(struct check *check, bool last, struct lake_checked *checked)
{
    size_t at = 0;
    struct json_object object;
    int found;
    while ((found = json_lines_next(check->lines, buf_str(&check->window), &at, last, &object,
                                    NULL)) > 0) {
        checked->rows++;
        checked->sum += (uint64_t) item_hash(check, &object);
    }
    memmove(check->window.bytes, check->window.bytes + at, check->window.used - at);
    check->window.used -= at;
    return found == 0;
}

/* Reads a blob once: bytes, hash, rows, sum. *sound is false when its lines are not JSON; then only bytes and
 * hash are told. */
static bool read_blob(struct check *check, struct store_reader *reader,
                      struct lake_checked *checked, unsigned char sha256[HASH_SHA256_SIZE],
                      struct error *err)
{
    bool sound = true;
    size_t n;
    hash_sha256_reset(check->hash);
    json_lines_reset(check->lines);
    buf_reset(&check->window);
    do {
        if (!sound)
            buf_reset(&check->window);
        if (!buf_reserve(&check->window, PIECE))
            return buf_ok(&check->window, "a line", err);
        char *to = check->window.bytes + check->window.used;
        if (stopped(check, err) || !store_reader_next(reader, to, PIECE, &n, err))
            return false;
        hash_sha256_add(check->hash, to, n);
        check->window.used += n;
        checked->bytes += n;
        sound = sound && take_lines(check, n == 0, checked);
    } while (n > 0);
    return hash_sha256_end(check->hash, sha256, err);
}

/* --- one partition --- */

static enum lake_finding verdict_of(const struct lake_entry *entry)
{
    return entry->verdict == LAKE_VERDICT_UNVERIFIED || entry->verdict == LAKE_VERDICT_MISSING
               ? LAKE_FINDING_UNVERIFIED
               : LAKE_FINDING_OK;
}

static enum lake_finding compare(const struct lake_entry *entry, const struct lake_checked *is,
                                 const unsigned char sha256[HASH_SHA256_SIZE])
{
    if (is->bytes != entry->bytes)
        return LAKE_FINDING_SIZE;
    if (memcmp(sha256, entry->sha256, HASH_SHA256_SIZE) != 0)
        return LAKE_FINDING_CHANGED;
    if (is->rows != entry->rows)
        return LAKE_FINDING_ROWS;
    if (entry->proof == LAKE_PROOF_SUM && is->sum != entry->sum)
        return LAKE_FINDING_SUM;
    return verdict_of(entry);
}

/* A partition of the ledger whose blob is there. */
static bool check_blob(struct check *check, const struct lake_entry *entry,
                       const struct lake_blob *blob, struct error *err)
{
    struct lake_checked checked = {.partition = entry->partition, .entry = entry};
    unsigned char sha256[HASH_SHA256_SIZE];
    if (blob->size != entry->bytes) { /* no need to read it */
        checked.finding = LAKE_FINDING_SIZE;
        return tell(check, &checked, err);
    }
    struct store_reader *reader = store_reader_new(check->store, buf_text(&check->own), err);
    bool ok = reader && read_blob(check, reader, &checked, sha256, err);
    store_reader_free(reader);
    if (!ok)
        return false;
    checked.finding = compare(entry, &checked, sha256);
    return tell(check, &checked, err);
}

/* The partitions of the ledger before `tick`, which have no blob. */
static bool check_without(struct check *check, int64_t tick, struct error *err)
{
    const struct lake_entry *entry;
    while ((entry = lake_ledger_next(check->ledger, check->next)) && entry->partition < tick) {
        struct lake_checked checked = {.partition = entry->partition, .entry = entry};
        checked.finding = entry->bytes > 0 ? LAKE_FINDING_GONE : verdict_of(entry);
        check->next = entry->partition + 1;
        if (!tell(check, &checked, err))
            return false;
    }
    return true;
}

static bool check_one(void *context, const struct lake_blob *blob, struct error *err)
{
    struct check *check = context;
    if (blob->kind != LAKE_BLOB_EXPORT)
        return true;
    if (!check_without(check, blob->tick, err))
        return false;
    lake_export_name(&check->own, check->place, blob->tick, 0);
    const struct lake_entry *entry = lake_ledger_find(check->ledger, blob->tick);
    bool own = str_eq(blob->name, buf_str(&check->own));
    if (own)
        check->next = blob->tick + 1;
    if (!own || !entry || entry->bytes == 0) {
        struct lake_checked checked = {.partition = blob->tick, .finding = LAKE_FINDING_UNKNOWN};
        return tell(check, &checked, err);
    }
    return check_blob(check, entry, blob, err);
}

/* --- the whole --- */

static bool check_init(struct check *check, struct error *err)
{
    static const struct str key = {"_ItemId", 7};
    const struct json_lines_options options = {.keys = &key, .count = 1};
    buf_init(&check->own, LAKE_NAME_MAX);
    buf_init(&check->window, WINDOW_MAX);
    buf_init(&check->item, ITEM_MAX);
    check->hash = hash_sha256_new(err);
    check->lines = json_lines_new(&options, err);
    return check->hash && check->lines;
}

static void check_release(struct check *check)
{
    buf_release(&check->own);
    buf_release(&check->window);
    buf_release(&check->item);
    hash_sha256_free(check->hash);
    json_lines_free(check->lines);
}

bool lake_check(struct store *store, const struct lake_place *place,
                const struct lake_ledger *ledger, const struct lake_check_options *options,
                struct lake_check_totals *out, struct error *err)
{
    bool all = options->from == 0 && options->to == 0;
    struct check check = {.store = store,
                          .place = place,
                          .ledger = ledger,
                          .options = options,
                          .totals = out,
                          .next = options->from,
                          .to = all ? TICK_MAX : options->to};
    *out = (struct lake_check_totals){0};
    bool ok = check_init(&check, err) &&
              lake_blobs(store, place, check.next, check.to, check_one, &check, err) &&
              check_without(&check, check.to, err);
    check_release(&check);
    return ok;
}
