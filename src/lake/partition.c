/* Partitions: see partition.h. */
#include "lake/partition.h"

#include "base/memory.h"

struct lake_writer {
    struct store_writer *to;
    struct hash_sha256 *hash;
    struct lake_written written;
    unsigned put; /* enum store_put */
    char last;    /* byte added */
};

struct lake_writer *lake_writer_new(struct store *store, const char *name, struct error *err)
{
    struct lake_writer *writer = mem_alloc(1, sizeof *writer, err);
    if (!writer)
        return NULL;
    writer->last = '\n';
    writer->hash = hash_sha256_new(err);
    writer->to = writer->hash ? store_writer_new(store, name, err) : NULL;
    if (writer->to)
        return writer;
    hash_sha256_free(writer->hash);
    mem_free(writer);
    return NULL;
}

static uint64_t count_lines(struct str lines)
{
    uint64_t n = 0;
    const char *p = lines.p, *end = lines.p + lines.n;
    while (p < end && (p = memchr(p, '\n', (size_t) (end - p)))) {
        p++;
        n++;
    }
    return n;
}

bool lake_writer_add(struct lake_writer *writer, struct str lines, struct error *err)
{
    if (lines.n == 0)
        return true;
    hash_sha256_add(writer->hash, lines.p, lines.n);
    writer->written.rows += count_lines(lines);
    writer->written.bytes += lines.n;
    writer->last = lines.p[lines.n - 1];
    return store_writer_add(writer->to, lines.p, lines.n, err);
}

static void writer_free(struct lake_writer *writer)
{
    hash_sha256_free(writer->hash);
    mem_free(writer);
}

bool lake_writer_commit(struct lake_writer *writer, struct lake_written *out, struct error *err)
{
    struct store_written stored = {0};
    bool ok = writer->last == '\n' ||
              error_set(err, ERROR_INTERNAL, "the last line of a blob does not end");
    ok = ok && hash_sha256_end(writer->hash, writer->written.sha256, err);
    if (ok)
        ok = store_writer_commit(writer->to, writer->put, &stored, err);
    else
        store_writer_abort(writer->to);
    writer->written.has_md5 = ok && stored.has_md5;
    if (writer->written.has_md5)
        memcpy(writer->written.md5, stored.md5, sizeof stored.md5);
    *out = writer->written;
    writer_free(writer);
    return ok;
}

void lake_writer_abort(struct lake_writer *writer)
{
    if (!writer)
        return;
    store_writer_abort(writer->to);
    writer_free(writer);
}

static bool add_piece(void *context, struct str lines, struct error *err)
{
    return lake_writer_add(context, lines, err);
}

/* The piles' own count is a second opinion on what went through the merge. */
static bool check_rows(const struct lake_writer *writer, uint64_t rows, struct error *err)
{
    return writer->written.rows == rows ||
           error_set(err, ERROR_INTERNAL, "a merge of %llu rows gave %llu lines",
                     (unsigned long long) rows, (unsigned long long) writer->written.rows);
}

static bool write_rows(struct store *store, const char *name, unsigned put,
                       struct lake_pile *const *piles, size_t n, uint64_t rows,
                       struct lake_written *out, struct error *err)
{
    struct lake_writer *writer = lake_writer_new(store, name, err);
    if (!writer)
        return false;
    writer->put = put;
    if (lake_piles_merge(piles, n, add_piece, writer, err) && check_rows(writer, rows, err))
        return lake_writer_commit(writer, out, err);
    lake_writer_abort(writer);
    return false;
}

bool lake_partition_write(struct store *store, const struct lake_place *place, int64_t tick,
                          uint32_t number, unsigned put, struct lake_pile *const *piles, size_t n,
                          struct lake_written *out, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    uint64_t rows = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        rows += lake_pile_rows(piles[i]);
        sum += lake_pile_sum(piles[i]);
    }
    *out = (struct lake_written){0};
    lake_export_name(&name, place, tick, number);
    bool ok = buf_ok(&name, "the name of a blob", err);
    if (ok && rows == 0)
        ok = number > 0 || store_delete(store, buf_text(&name), err);
    else if (ok)
        ok = write_rows(store, buf_text(&name), put | (number > 0 ? STORE_PUT_NEW : 0), piles, n,
                        rows, out, err);
    out->sum = sum;
    buf_release(&name);
    return ok;
}
