/* A small import: blobs of a few partitions, and their record. */
#ifndef WEIR_TESTS_LAKE_SMALL_IMPORT_H
#define WEIR_TESTS_LAKE_SMALL_IMPORT_H

#include "lake/import.h"

#include "place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SMALL_RECORDS PLACE_OWN "/imports/"

enum { SMALL_PARTS_MAX = 16 };

struct small_part {
    const char *partition, *lines;
};

/* What is brought in. The record follows from it. */
struct small_import {
    const char *id;
    const char *started; /* "2021-11-18" if NULL */
    const char *input;   /* its name, of which its hash is made; "a.json" if NULL */
    const char *key;     /* of its time; "ts" if NULL */
    const char *dedup;
    const struct lake_import *replaces;
    const struct small_part *parts;
    size_t n;
};

static inline struct lake_import_input small_input(const char *name)
{
    struct lake_import_input input = {
        .name = name,
        .time = {.key = "ts", .format = "epoch-s", .zone = "UTC"},
        .bytes = 1000 + strlen(name),
        .rows = 7,
        .rejected = 1,
    };
    uint64_t sum[2] = {0};
    lake_import_sum_line(sum, name, strlen(name), 0);
    lake_import_sum_end(sum, input.hash);
    return input;
}

static inline void small_part_of(const struct small_part *from, struct lake_import_part *out)
{
    uint64_t sum[2] = {0};
    *out = (struct lake_import_part){.partition = tick_of(from->partition),
                                     .bytes = strlen(from->lines)};
    for (const char *c = from->lines; *c; c++)
        out->rows += *c == '\n';
    lake_import_sum_add(sum, str_of(from->lines), 0);
    lake_import_sum_end(sum, out->hash);
}

static inline bool small_import_blobs(struct store *store, const struct small_import *small,
                                      struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < small->n; i++) {
        lake_import_name(&name, &place_of_tests, tick_of(small->parts[i].partition), small->id);
        ok = store_put(store, buf_text(&name), str_of(small->parts[i].lines), err);
    }
    buf_release(&name);
    return ok;
}

static inline bool small_import_record(struct store *store, const struct small_import *small,
                                       struct error *err)
{
    struct lake_import_part parts[SMALL_PARTS_MAX];
    struct lake_import_input input = small_input(small->input ? small->input : "a.json");
    input.time.key = small->key ? small->key : input.time.key;
    struct lake_import import = {.by = "weir 0.1.0",
                                 .started = tick_of(small->started ? small->started : "2021-11-18"),
                                 .dedup = small->dedup,
                                 .rejected = input.rejected,
                                 .dropped = 3,
                                 .inputs = &input,
                                 .n_inputs = 1,
                                 .n_parts = small->n};
    (void) snprintf(import.id, sizeof import.id, "%s", small->id);
    if (small->replaces) {
        memcpy(import.replaces, small->replaces->id, sizeof import.replaces);
        import.replaced = small->replaces->started;
    }
    for (size_t i = 0; i < small->n; i++) {
        small_part_of(&small->parts[i], &parts[i]);
        import.rows += parts[i].rows;
        import.bytes += parts[i].bytes;
    }
    if (small->n > 0) {
        import.from = parts[0].partition;
        import.to = parts[small->n - 1].partition + TICK_PARTITION;
    }
    struct lake_import_writer *writer =
        lake_import_writer_new(store, &place_of_tests, &import, err);
    bool ok = writer != NULL;
    for (size_t i = 0; ok && i < small->n; i++)
        ok = lake_import_writer_part(writer, &parts[i], err);
    if (ok)
        return lake_import_writer_commit(writer, STORE_PUT_DURABLE, err);
    lake_import_writer_abort(writer);
    return false;
}

static inline void small_import_put(struct fixture *f, const struct small_import *small)
{
    if (!small_import_blobs(f->store, small, &f->err) ||
        !small_import_record(f->store, small, &f->err))
        fail_msg("%s", f->err.message);
}

static inline void small_imports_read(struct fixture *f, enum lake_imports_depth depth,
                                      struct lake_imports *out)
{
    if (!lake_imports_read(f->store, &place_of_tests, depth, out, &f->err))
        fail_msg("%s (%s)", f->err.message, f->err.hint);
}

/* The bytes of a record, past all that checks them; the text is f->text. */
static inline void small_record_set(struct fixture *f, const char *id, struct str bytes)
{
    char name[FOLDER_PATH];
    (void) snprintf(name, sizeof name, SMALL_RECORDS "%s.jsonl", id);
    assert_true(store_put(f->store, name, bytes, &f->err));
}

static inline struct str small_record_get(struct fixture *f, const char *id)
{
    char name[FOLDER_PATH];
    (void) snprintf(name, sizeof name, SMALL_RECORDS "%s.jsonl", id);
    assert_true(store_get(f->store, name, &f->text, &f->err));
    return buf_str(&f->text);
}

#endif
