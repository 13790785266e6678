/* Parquet in place of blobs: see stand.h. */
#include "lake/stand.h"

enum { PIECE = 1 << 20 };

/* --- the files -------------------------------------------------------------------------------------------- */

/* *whole is false when it is missing or another; false is returned when that cannot be told. */
static bool look_at(struct store *store, const char *name, const struct lake_day_file *file,
                    bool read, const struct stop *stop, bool *whole, struct error *err)
{
    struct error why = ERROR_INIT;
    unsigned char sha256[HASH_SHA256_SIZE];
    uint64_t bytes = 0;
    bool ok = read ? lake_hash_blob(store, name, stop, sha256, &bytes, &why)
                   : store_stat(store, name, &bytes, &why);
    *whole =
        ok && bytes == file->bytes && (!read || memcmp(sha256, file->sha256, sizeof sha256) == 0);
    return ok || why.code == ERROR_NOT_FOUND || error_pass(err, &why);
}

static bool look_at_day(const struct lake_stand *stand, struct store *store,
                        const struct lake_day *day, bool read, const struct stop *stop, bool *whole,
                        struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    bool ok = true;
    *whole = true;
    for (size_t i = 0; ok && *whole && i < day->file_count; i++) {
        lake_parquet_prefix(&name, stand->place);
        buf_printf(&name, "/%s", day->files[i].name);
        ok = buf_ok(&name, "the name of a file", err) &&
             look_at(store, buf_text(&name), &day->files[i], read, stop, whole, err);
    }
    buf_release(&name);
    return ok;
}

bool lake_stand_find(struct lake_stand *stand, struct store *store, const struct lake_place *place,
                     int64_t from, int64_t to, bool read, const struct stop *stop,
                     struct error *err)
{
    *stand = (struct lake_stand){.place = place};
    if (!lake_days_read(&stand->days, store, place, from, to, err))
        return false;
    stand->whole = mem_alloc(stand->days.n, sizeof *stand->whole, err);
    for (size_t i = 0; stand->whole && i < stand->days.n; i++)
        if (!look_at_day(stand, store, &stand->days.v[i], read, stop, &stand->whole[i], err))
            return false;
    return stand->whole != NULL;
}

void lake_stand_release(struct lake_stand *stand)
{
    lake_days_release(&stand->days);
    mem_free(stand->whole);
    *stand = (struct lake_stand){0};
}

/* --- what stands ------------------------------------------------------------------------------------------ */

/* The source under that full name, and whether its day is whole. */
static const struct lake_day_source *find(const struct lake_stand *stand, int64_t tick,
                                          const struct buf *name, bool *whole)
{
    const struct lake_day *day = lake_days_find(&stand->days, tick);
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    const struct lake_day_source *source = NULL;
    lake_table_prefix(&prefix, stand->place);
    if (day && !name->failed && !prefix.failed && name->used > prefix.used)
        source = lake_day_source(
            day, tick, (struct str){name->bytes + prefix.used + 1, name->used - prefix.used - 1});
    *whole = day && stand->whole[day - stand->days.v];
    buf_release(&prefix);
    return source && source->gone != LAKE_DAY_KEPT ? source : NULL;
}

enum lake_stands lake_stand_export(const struct lake_stand *stand, const struct lake_entry *entry)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    bool whole;
    lake_export_name(&name, stand->place, entry->partition, entry->number);
    const struct lake_day_source *source = find(stand, entry->partition, &name, &whole);
    buf_release(&name);
    if (!source)
        return LAKE_STANDS_NOT;
    if (source->size != entry->bytes ||
        memcmp(source->sha256, entry->sha256, sizeof source->sha256) != 0)
        return LAKE_STANDS_OTHER;
    return whole ? LAKE_STANDS : LAKE_STANDS_BROKEN;
}

enum lake_stands lake_stand_import(const struct lake_stand *stand, const char *id,
                                   const struct lake_import_part *part)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    bool whole;
    lake_import_name(&name, stand->place, part->partition, id);
    const struct lake_day_source *source = find(stand, part->partition, &name, &whole);
    buf_release(&name);
    if (!source)
        return LAKE_STANDS_NOT;
    if (source->size != part->bytes)
        return LAKE_STANDS_OTHER;
    return whole ? LAKE_STANDS : LAKE_STANDS_BROKEN;
}

size_t lake_stand_beside(const struct lake_stand *stand, int64_t tick, uint64_t *bytes)
{
    const struct lake_day *day = lake_days_find(&stand->days, tick);
    *bytes = 0;
    if (!day || !stand->whole[day - stand->days.v])
        return 0;
    return lake_days_gone(&stand->days, tick, LAKE_BLOB_SERVICE, bytes);
}

bool lake_stand_broken(const struct lake_stand *stand, size_t day)
{
    return !stand->whole[day];
}

bool lake_hash_blob(struct store *store, const char *name, const struct stop *stop,
                    unsigned char sha256[HASH_SHA256_SIZE], uint64_t *bytes, struct error *err)
{
    struct hash_sha256 *hash = hash_sha256_new(err);
    char *piece = mem_alloc(PIECE, 1, err);
    struct store_reader *reader = hash && piece ? store_reader_new(store, name, err) : NULL;
    bool ok = reader != NULL;
    size_t n = 1;
    *bytes = 0;
    while (ok && n > 0) {
        ok = (!stop_asked(stop) || error_set(err, ERROR_INTERRUPTED, "interrupted")) &&
             store_reader_next(reader, piece, PIECE, &n, err);
        if (ok)
            hash_sha256_add(hash, piece, n);
        *bytes += n;
    }
    ok = ok && hash_sha256_end(hash, sha256, err);
    store_reader_free(reader);
    mem_free(piece);
    hash_sha256_free(hash);
    return ok;
}
