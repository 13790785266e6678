/* Records of imports: see import.h. */
#include "lake/import.h"

#include <xxhash.h>

static bool not_built(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

bool lake_imports_read(struct store *store, const struct lake_place *place,
                       enum lake_imports_depth depth, struct lake_imports *out, struct error *err)
{
    (void) store;
    (void) place;
    (void) depth;
    (void) err;
    *out = (struct lake_imports){0};
    return true;
}

void lake_imports_release(struct lake_imports *imports)
{
    *imports = (struct lake_imports){0};
}

const struct lake_import *lake_imports_find(const struct lake_imports *imports, struct str id)
{
    (void) imports;
    (void) id;
    return NULL;
}

const struct lake_import *lake_imports_named(const struct lake_imports *imports, const char *id,
                                             struct error *err)
{
    (void) imports;
    (void) id;
    (void) not_built(err);
    return NULL;
}

const struct lake_import *lake_imports_replacing(const struct lake_imports *imports, struct str id)
{
    (void) imports;
    (void) id;
    return NULL;
}

const struct lake_import *lake_imports_input(const struct lake_imports *imports,
                                             const struct lake_import_input *input,
                                             const char *dedup, const char *but)
{
    (void) imports;
    (void) input;
    (void) dedup;
    (void) but;
    return NULL;
}

bool lake_imports_counts(const struct lake_imports *imports, struct str id)
{
    (void) imports;
    (void) id;
    return true;
}

struct str lake_import_id_of(struct str name)
{
    (void) name;
    return STR("");
}

bool lake_import_id(const struct lake_import_input *inputs, size_t n, const char *dedup,
                    char out[LAKE_IMPORT_ID_MAX], struct error *err)
{
    (void) inputs;
    (void) n;
    (void) dedup;
    (void) out;
    return not_built(err);
}

void lake_import_name(struct buf *out, const struct lake_place *place, int64_t tick, const char *id)
{
    lake_partition_prefix(out, place, tick);
    buf_printf(out, "/PT05M_%s.json", id);
}

static uint64_t big_endian(uint64_t word)
{
    return __builtin_bswap64(word);
}

void lake_import_sum_line(uint64_t sum[2], const char *line, size_t n, uint64_t offset)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(line, n, offset);
    const uint64_t one[2] = {hash.low64, hash.high64};
    lake_import_sum_join(sum, one);
}

void lake_import_sum_add(uint64_t sum[2], struct str lines, uint64_t offset)
{
    const char *p = lines.p, *end = lines.p + lines.n;
    while (p < end) {
        const char *feed = memchr(p, '\n', (size_t) (end - p));
        size_t n = (size_t) ((feed ? feed + 1 : end) - p);
        lake_import_sum_line(sum, p, n, offset);
        offset += n;
        p += n;
    }
}

void lake_import_sum_join(uint64_t sum[2], const uint64_t other[2])
{
    sum[0] += other[0];
    sum[1] += other[1] + (sum[0] < other[0]);
}

void lake_import_sum_end(const uint64_t sum[2], unsigned char out[LAKE_IMPORT_HASH])
{
    const uint64_t words[2] = {big_endian(sum[1]), big_endian(sum[0])};
    memcpy(out, words, LAKE_IMPORT_HASH);
}

struct lake_import_writer *lake_import_writer_new(struct store *store,
                                                  const struct lake_place *place,
                                                  const struct lake_import *import,
                                                  struct error *err)
{
    (void) store;
    (void) place;
    (void) import;
    (void) not_built(err);
    return NULL;
}

bool lake_import_writer_part(struct lake_import_writer *writer, const struct lake_import_part *part,
                             struct error *err)
{
    (void) writer;
    (void) part;
    return not_built(err);
}

bool lake_import_writer_commit(struct lake_import_writer *writer, unsigned put, struct error *err)
{
    (void) writer;
    (void) put;
    return not_built(err);
}

void lake_import_writer_abort(struct lake_import_writer *writer)
{
    (void) writer;
}

bool lake_import_remove(struct store *store, const struct lake_place *place, const char *id,
                        struct error *err)
{
    (void) store;
    (void) place;
    (void) id;
    return not_built(err);
}

void lake_imports_total(const struct lake_imports *imports, struct lake_imports_totals *out)
{
    (void) imports;
    *out = (struct lake_imports_totals){0};
}
