/* The _ItemId of compacted rows that lines may repeat; see seeds.h. */
#include "engine/duckdb/seeds.h"

#include "engine/duckdb/reader.h"
#include "engine/duckdb/scan.h"

#include <stdlib.h>

static const char *const id_name = "_ItemId";

struct seeds {
    struct scan_seed *v;
    size_t n, room;
};

static bool put_query(struct buf *sql, const struct engine_compacted *file, struct error *err)
{
    char *path = source_absolute(file->path, err);
    if (!path)
        return false;
    buf_puts(sql, "SELECT CAST(\"" DUCK_SOURCE_COLUMN "\" AS BIGINT), CAST(");
    duck_put_name(sql, str_of(id_name));
    buf_puts(sql, " AS VARCHAR) FROM ");
    reader_put_parquet(sql, &path, 1, (struct reader_parquet){0});
    buf_puts(sql, " WHERE \"" DUCK_SOURCE_COLUMN "\" IN (");
    for (size_t i = 0; i < file->shared_count; i++)
        buf_printf(sql, "%s%u", i ? ", " : "", (unsigned) file->shared[i].source);
    buf_putc(sql, ')');
    mem_free(path);
    return buf_ok(sql, "the list of sources", err);
}

static bool add(struct seeds *seeds, const struct engine_compacted *file, int64_t source,
                struct str id, struct error *err)
{
    for (size_t i = 0; i < file->shared_count; i++) {
        if (file->shared[i].source != source)
            continue;
        if (!mem_reserve(&seeds->v, &seeds->room, seeds->n, ENGINE_GROUP_ROWS_MAX, sizeof *seeds->v,
                         err))
            return false;
        seeds->v[seeds->n++] =
            (struct scan_seed){.hash = seen_hash(id), .group = file->shared[i].group};
    }
    return true;
}

static bool add_chunk(struct seeds *seeds, const struct engine_compacted *file,
                      const struct engine_chunk *chunk, struct error *err)
{
    const struct engine_vector *source = &chunk->vectors[0], *id = &chunk->vectors[1];
    for (size_t i = 0; i < chunk->rows; i++) {
        if (!engine_valid(source, i) || !engine_valid(id, i) || engine_text(id, i).n == 0)
            continue;
        if (!add(seeds, file, ((const int64_t *) source->values)[i], engine_text(id, i), err))
            return false;
    }
    return true;
}

static bool add_file(struct seeds *seeds, struct driver_task *task,
                     const struct engine_compacted *file, struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    struct columns columns = {0};
    const struct engine_chunk *chunk = NULL;
    struct driver_result *result = NULL;
    bool ok = put_query(&sql, file, err) &&
              columns_add(&columns, STR(DUCK_SOURCE_COLUMN), COLUMN_LONG, err) &&
              columns_add(&columns, str_of(id_name), COLUMN_STRING, err);
    if (ok)
        result = result_query(task, buf_text(&sql), &columns, err);
    ok = result != NULL;
    do {
        ok = ok && result_next(result, &chunk, err) &&
             (!chunk || add_chunk(seeds, file, chunk, err));
    } while (ok && chunk);
    result_free(result);
    columns_release(&columns);
    buf_release(&sql);
    return ok;
}

static int compare_groups(const void *left, const void *right)
{
    const struct scan_seed *a = left, *b = right;
    return (a->group > b->group) - (a->group < b->group);
}

bool seeds_find(struct source *source, const struct engine_files *files, struct error *err)
{
    struct seeds seeds = {0};
    bool ok = true;
    for (size_t i = 0; ok && files->groups && i < files->compacted_count; i++) {
        const struct engine_compacted *file = &files->compacted[i];
        if (file->shared_count > 0 && columns_find(file->columns, str_of(id_name)) >= 0)
            ok = add_file(&seeds, source->task, file, err);
    }
    if (seeds.n > 1)
        qsort(seeds.v, seeds.n, sizeof *seeds.v, compare_groups);
    source->seeds = seeds.v;
    source->seed_count = seeds.n;
    return ok;
}
