/* A lake against its own ledger: see check.h. */
#include "lake/check.h"

#include "base/memory.h"
#include "lake/beside.h"
#include "lake/expected.h"
#include "lake/stand.h"
#include "json/lines.h"
#include "json/value.h"

enum {
    PIECE = 256 * 1024,
    WINDOW_MAX = JSON_ROW_MAX + PIECE,
    ITEM_MAX = 4096, /* bytes of an _ItemId */
    ITEMS = 1024     /* partitions whose blobs are read at a stretch */
};

/* A partition that was looked at, in order of time: told as it is, or once its blob is read. */
struct item {
    struct lake_checked checked;
    size_t name; /* in `names` */
    uint64_t size;
    bool read;
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
    struct buf window, text;
    struct item *items; /* ITEMS */
    struct store_wanted *wanted;
    size_t n;
    struct buf names;
    struct lake_besides besides;
    struct lake_expected expected;
    struct lake_stand stand;
    size_t day; /* records of days from here on have not been looked at */
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

static void count(struct lake_check_totals *totals, const struct lake_checked *checked)
{
    struct lake_check_imports *imports = &totals->imports;
    if (checked->import[0]) {
        imports->partitions++;
        imports->rows += checked->rows;
        imports->bytes += checked->bytes;
        imports->findings[checked->finding]++;
        return;
    }
    totals->partitions++;
    totals->rows += checked->rows;
    totals->bytes += checked->bytes;
    totals->findings[checked->finding]++;
}

static bool tell(struct check *check, const struct lake_checked *checked, struct error *err)
{
    count(check->totals, checked);
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
    buf_reset(&check->text);
    return json_unescape(text, &check->text) ? hash_xx64(buf_str(&check->text)) : 0;
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

/* Takes the next bytes of a blob. *sound is false when its lines are not JSON; then only bytes and hash are told. */
static bool take_bytes(struct check *check, struct str bytes, bool *sound,
                       struct lake_checked *checked, struct error *err)
{
    if (!*sound)
        buf_reset(&check->window);
    hash_sha256_add(check->hash, bytes.p, bytes.n);
    buf_put_str(&check->window, bytes);
    checked->bytes += bytes.n;
    *sound = *sound && take_lines(check, bytes.n == 0, checked);
    return buf_ok(&check->window, "a line", err);
}

/* Reads the blob that comes next, once: bytes, hash, rows, sum. */
static bool read_blob(struct check *check, struct store_ahead *ahead, struct lake_checked *checked,
                      unsigned char sha256[HASH_SHA256_SIZE], struct error *err)
{
    bool sound = true, ok = true;
    struct str piece;
    size_t at;
    hash_sha256_reset(check->hash);
    json_lines_reset(check->lines);
    buf_reset(&check->window);
    do {
        if (stopped(check, err) || !store_ahead_next(ahead, &at, &piece, err))
            return false;
        struct str rest = piece;
        do {
            struct str slice = {rest.p, rest.n < PIECE ? rest.n : PIECE};
            rest = (struct str){rest.p + slice.n, rest.n - slice.n};
            ok = take_bytes(check, slice, &sound, checked, err);
        } while (ok && rest.n > 0);
    } while (ok && piece.n > 0);
    return ok && hash_sha256_end(check->hash, sha256, err);
}

/* What is known of an import's blob while it is read. */
struct sum {
    uint64_t sum[2], offset;
    bool sound; /* no line is longer than any */
};

static void take_whole(struct sum *sum, struct str lines, struct lake_checked *checked)
{
    lake_import_sum_add(sum->sum, lines, sum->offset);
    sum->offset += lines.n;
    for (const char *p = lines.p, *end = lines.p + lines.n;
         p < end && (p = memchr(p, '\n', (size_t) (end - p))); p++)
        checked->rows++;
}

/* The next bytes of an import's blob; what is no whole line yet waits in the window. None: the end. */
static bool take_piece(struct check *check, struct sum *sum, struct str piece,
                       struct lake_checked *checked, struct error *err)
{
    const char *last = piece.n > 0 ? memrchr(piece.p, '\n', piece.n) : NULL;
    size_t whole = last ? (size_t) (last - piece.p) + 1 : 0;
    checked->bytes += piece.n;
    if (last && check->window.used > 0) {
        const char *first = memchr(piece.p, '\n', piece.n);
        size_t n = (size_t) (first - piece.p) + 1;
        buf_put(&check->window, piece.p, n);
        piece = (struct str){piece.p + n, piece.n - n};
        whole -= n;
    }
    if (last || piece.n == 0) {
        sum->sound = sum->sound && !check->window.over;
        take_whole(sum, buf_str(&check->window), checked);
        buf_reset(&check->window);
    }
    take_whole(sum, (struct str){piece.p, whole}, checked);
    buf_put(&check->window, piece.p + whole, piece.n - whole);
    sum->sound = sum->sound && !check->window.over;
    return check->window.over || buf_ok(&check->window, "a line", err);
}

/* Reads an import's blob that comes next, once. *sound: its hash could be taken. */
static bool read_import(struct check *check, struct store_ahead *ahead,
                        struct lake_checked *checked, unsigned char hash[LAKE_IMPORT_HASH],
                        bool *sound, struct error *err)
{
    struct sum sum = {.sound = true};
    struct str piece;
    size_t at;
    buf_reset(&check->window);
    do {
        if (stopped(check, err) || !store_ahead_next(ahead, &at, &piece, err) ||
            !take_piece(check, &sum, piece, checked, err))
            return false;
    } while (piece.n > 0);
    lake_import_sum_end(sum.sum, hash);
    *sound = sum.sound;
    return true;
}

/* --- one partition --- */

/* Where nothing speaks against its own blob. */
static enum lake_finding verdict_of(const struct check *check, const struct lake_entry *entry)
{
    if (entry->verdict == LAKE_VERDICT_UNVERIFIED || entry->verdict == LAKE_VERDICT_MISSING)
        return LAKE_FINDING_UNVERIFIED;
    return lake_besides_lack(&check->besides, entry) ? LAKE_FINDING_BESIDE : LAKE_FINDING_OK;
}

static enum lake_finding compare(const struct check *check, const struct lake_checked *is,
                                 const unsigned char sha256[HASH_SHA256_SIZE])
{
    const struct lake_entry *entry = is->entry;
    if (is->bytes != entry->bytes)
        return LAKE_FINDING_SIZE;
    if (memcmp(sha256, entry->sha256, HASH_SHA256_SIZE) != 0)
        return LAKE_FINDING_CHANGED;
    if (is->rows != entry->rows)
        return LAKE_FINDING_ROWS;
    if (entry->proof == LAKE_PROOF_SUM && is->sum != entry->sum)
        return LAKE_FINDING_SUM;
    return verdict_of(check, entry);
}

static bool read_item(struct check *check, struct store_ahead *ahead, struct lake_checked *checked,
                      struct error *err)
{
    unsigned char sha256[HASH_SHA256_SIZE], hash[LAKE_IMPORT_HASH];
    bool sound;
    if (!checked->part) {
        bool ok = read_blob(check, ahead, checked, sha256, err);
        checked->finding = ok ? compare(check, checked, sha256) : LAKE_FINDING_OK;
        return ok;
    }
    if (!read_import(check, ahead, checked, hash, &sound, err))
        return false;
    if (checked->bytes != checked->part->bytes)
        checked->finding = LAKE_FINDING_SIZE;
    else if (!sound || memcmp(hash, checked->part->hash, sizeof hash) != 0)
        checked->finding = LAKE_FINDING_CHANGED;
    else if (checked->rows != checked->part->rows)
        checked->finding = LAKE_FINDING_ROWS;
    return true;
}

/* Reads the blobs that are to be read and tells all that waits, in order. */
static bool drain(struct check *check, struct error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < check->n; i++)
        if (check->items[i].read)
            check->wanted[n++] = (struct store_wanted){
                .name = check->names.bytes + check->items[i].name, .size = check->items[i].size};
    struct store_ahead *ahead = n > 0 ? store_ahead_new(check->store, check->wanted, n, err) : NULL;
    bool ok = n == 0 || ahead;
    for (size_t i = 0; ok && i < check->n; i++) {
        struct lake_checked *checked = &check->items[i].checked;
        ok = (!check->items[i].read || read_item(check, ahead, checked, err)) &&
             tell(check, checked, err);
    }
    store_ahead_free(ahead);
    check->n = 0;
    buf_reset(&check->names);
    return ok;
}

static bool push(struct check *check, const struct item *item, struct error *err)
{
    check->items[check->n++] = *item;
    return check->n < ITEMS || drain(check, err);
}

/* With the blob's name, if it is to be read. */
static bool push_blob(struct check *check, struct item *item, const struct lake_blob *blob,
                      struct error *err)
{
    item->name = check->names.used;
    item->size = blob->size;
    if (item->read) {
        buf_put_str(&check->names, blob->name);
        buf_put(&check->names, "", 1);
    }
    return buf_ok(&check->names, "names of blobs", err) && push(check, item, err);
}

/* What the listing alone says of a blob; OK where nothing speaks against it. */
static enum lake_finding compare_listed(const struct lake_entry *entry,
                                        const struct lake_blob *blob)
{
    if (blob->size != entry->bytes)
        return LAKE_FINDING_SIZE;
    if (entry->has_md5 && blob->md5 && memcmp(entry->md5, blob->md5, STORE_MD5) != 0)
        return LAKE_FINDING_CHANGED;
    return LAKE_FINDING_OK;
}

/* A partition of the ledger whose blob is there. */
static bool check_blob(struct check *check, const struct lake_entry *entry,
                       const struct lake_blob *blob, struct error *err)
{
    struct item item = {.checked = {.partition = entry->partition,
                                    .entry = entry,
                                    .finding = compare_listed(entry, blob)}};
    item.read = item.checked.finding == LAKE_FINDING_OK && !check->options->by_listing;
    if (item.checked.finding == LAKE_FINDING_OK && !item.read) {
        item.checked.finding = verdict_of(check, entry);
        check->totals->unread += !entry->has_md5 || !blob->md5;
    }
    return push_blob(check, &item, blob, err);
}

static const enum lake_finding finding_of[] = {[LAKE_STANDS_NOT] = LAKE_FINDING_GONE,
                                               [LAKE_STANDS] = LAKE_FINDING_OK,
                                               [LAKE_STANDS_BROKEN] = LAKE_FINDING_PARQUET,
                                               [LAKE_STANDS_OTHER] = LAKE_FINDING_GONE};

/* A partition without a blob: there was none, or Parquet stands in for it. */
static bool lack_export(struct check *check, const struct lake_entry *entry, struct error *err)
{
    struct item item = {.checked = {.partition = entry->partition, .entry = entry}};
    struct lake_checked *checked = &item.checked;
    check->next = entry->partition + 1;
    if (entry->bytes > 0)
        checked->finding = finding_of[lake_stand_export(&check->stand, entry)];
    if (checked->finding == LAKE_FINDING_OK) {
        checked->finding = verdict_of(check, entry);
        checked->rows = entry->rows;
    }
    return push(check, &item, err);
}

static bool lack_import(struct check *check, const struct lake_expected_part *part,
                        struct error *err)
{
    struct item item = {.checked = {.partition = part->tick, .part = part->part}};
    struct lake_checked *checked = &item.checked;
    memcpy(checked->import, part->import->id, sizeof checked->import);
    checked->finding = finding_of[lake_stand_import(&check->stand, part->import->id, part->part)];
    if (checked->finding == LAKE_FINDING_OK)
        checked->rows = part->part->rows;
    return push(check, &item, err);
}

/* What the ledger and the records of imports have before `tick`, and what has no blob. */
static bool check_lacking(struct check *check, int64_t tick, struct error *err)
{
    const struct lake_expected_part *part = lake_expected_unseen(&check->expected, tick);
    const struct lake_entry *entry = lake_ledger_next(check->ledger, check->next);
    entry = entry && entry->partition < tick ? entry : NULL;
    while (part || entry) {
        bool first = entry && (!part || entry->partition <= part->tick);
        if (first ? !lack_export(check, entry, err) : !lack_import(check, part, err))
            return false;
        if (!first) {
            part = lake_expected_unseen(&check->expected, tick);
            continue;
        }
        entry = lake_ledger_next(check->ledger, check->next);
        entry = entry && entry->partition < tick ? entry : NULL;
    }
    return true;
}

static bool stands_alone(const struct lake_day *day)
{
    for (size_t i = 0; i < day->source_count; i++)
        if (day->sources[i].gone != LAKE_DAY_KEPT)
            return true;
    return false;
}

/* The same, and days up to `tick` whose Parquet is broken though nothing depends on it yet. */
static bool check_without(struct check *check, int64_t tick, struct error *err)
{
    const struct lake_days *days = &check->stand.days;
    for (; check->day < days->n && days->v[check->day].day <= tick; check->day++) {
        const struct lake_day *day = &days->v[check->day];
        struct item item = {.checked = {.partition = day->day, .finding = LAKE_FINDING_PARQUET}};
        if (!lake_stand_broken(&check->stand, check->day) || stands_alone(day))
            continue;
        if (!check_lacking(check, day->day, err) || !push(check, &item, err))
            return false;
    }
    return check_lacking(check, tick, err);
}

static bool has_name(struct check *check, const struct lake_blob *blob, uint32_t number)
{
    lake_export_name(&check->own, check->place, blob->tick, number);
    return str_eq(blob->name, buf_str(&check->own));
}

/* Where nothing can be replaced: what an earlier export wrote, or one that was killed and whose partition was fetched again
 * (a lower number) or will be (a higher one beside a line that is not held). Nobody reads it. */
static bool is_left_over(struct check *check, const struct lake_entry *entry,
                         const struct lake_blob *blob)
{
    return entry &&
           (blob->number < entry->number ||
            (blob->number > entry->number && !lake_entry_held(entry))) &&
           has_name(check, blob, blob->number);
}

/* A blob of an import, unless that is replaced. */
static bool check_import(struct check *check, const struct lake_blob *blob, struct error *err)
{
    struct str id = lake_import_id_of(blob->name);
    const struct lake_import *import = lake_imports_find(check->expected.imports, id);
    if (import && import->dead)
        return true;
    struct item item = {.checked = {.partition = blob->tick, .finding = LAKE_FINDING_UNRECORDED}};
    memcpy(item.checked.import, id.p, id.n);
    lake_import_name(&check->own, check->place, blob->tick, item.checked.import);
    struct lake_expected_part *part = import && str_eq(blob->name, buf_str(&check->own))
                                          ? lake_expected_see(&check->expected, blob->tick, import)
                                          : NULL;
    if (!part)
        return push(check, &item, err);
    item.checked.part = part->part;
    item.checked.finding = blob->size == part->part->bytes ? LAKE_FINDING_OK : LAKE_FINDING_SIZE;
    item.read = item.checked.finding == LAKE_FINDING_OK && !check->options->by_listing;
    check->totals->imports.unread += item.checked.finding == LAKE_FINDING_OK && !item.read;
    return push_blob(check, &item, blob, err);
}

static bool check_one(void *context, const struct lake_blob *blob, struct error *err)
{
    struct check *check = context;
    bool import = blob->kind == LAKE_BLOB_IMPORT && check->options->imports;
    if (!import && blob->kind != LAKE_BLOB_EXPORT)
        return true;
    if (!check_without(check, blob->tick, err))
        return false;
    if (import)
        return check_import(check, blob, err);
    const struct lake_entry *entry = lake_ledger_find(check->ledger, blob->tick);
    if (is_left_over(check, entry, blob))
        return true;
    bool own = has_name(check, blob, entry ? entry->number : 0);
    if (own)
        check->next = blob->tick + 1;
    if (own && entry && entry->bytes > 0)
        return check_blob(check, entry, blob, err);
    struct item item = {.checked = {.partition = blob->tick, .finding = LAKE_FINDING_UNKNOWN}};
    return push(check, &item, err);
}

/* --- the whole --- */

static bool check_init(struct check *check, struct error *err)
{
    static const struct str key = {"_ItemId", 7};
    const struct json_lines_options options = {.keys = &key, .count = 1};
    buf_init(&check->own, LAKE_NAME_MAX);
    buf_init(&check->window, WINDOW_MAX);
    buf_init(&check->text, ITEM_MAX);
    buf_init(&check->names, (size_t) ITEMS * (STORE_NAME_MAX + 1));
    check->items = mem_alloc(ITEMS, sizeof *check->items, err);
    check->wanted = mem_alloc(ITEMS, sizeof *check->wanted, err);
    check->hash = hash_sha256_new(err);
    check->lines = json_lines_new(&options, err);
    return check->hash && check->lines && check->items && check->wanted;
}

static void check_release(struct check *check)
{
    buf_release(&check->own);
    buf_release(&check->window);
    buf_release(&check->text);
    buf_release(&check->names);
    mem_free(check->items);
    mem_free(check->wanted);
    lake_besides_release(&check->besides);
    lake_expected_release(&check->expected);
    lake_stand_release(&check->stand);
    hash_sha256_free(check->hash);
    json_lines_free(check->lines);
}

static bool found_any(const struct lake_check_totals *totals)
{
    for (size_t i = 0; i < LAKE_FINDING_COUNT; i++)
        if (i != LAKE_FINDING_OK && (totals->findings[i] > 0 || totals->imports.findings[i] > 0))
            return true;
    return false;
}

/* What is compacted or replaced while it is looked at is not lost: nothing of the kind may be told of it. */
static bool check_instant(const struct check *check, struct error *err)
{
    const struct lake_instant *begun = check->options->begun;
    struct lake_instant now;
    if (!begun || !found_any(check->totals))
        return true;
    if (!lake_instant_take(check->store, check->place, &now, err))
        return false;
    if (lake_instant_same(begun, &now))
        return true;
    (void) error_set(err, ERROR_IO,
                     "%s was compacted or imported into while it was looked at: what was "
                     "found may not be so",
                     check->place->table);
    return error_hint(err, "verify it again");
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
              lake_stand_find(&check.stand, store, place, check.next, check.to,
                              !options->by_listing, options->stop, err) &&
              lake_besides_find(&check.besides, store, place, ledger, check.next, check.to,
                                &check.stand, err) &&
              lake_expected_find(&check.expected, options->imports, check.next, check.to, err) &&
              lake_blobs(store, place, check.next, check.to, check_one, &check, err) &&
              check_without(&check, check.to, err) && drain(&check, err) &&
              check_instant(&check, err);
    check_release(&check);
    return ok;
}
