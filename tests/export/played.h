/* Exports of a played workspace into a folder. See fake_workspace.h. */
#ifndef WEIR_TESTS_EXPORT_PLAYED_H
#define WEIR_TESTS_EXPORT_PLAYED_H

#include "export/export.h"
#include "fake_workspace.h"

#include "../store/folder.h"

enum { PLAYED_HOURS = 3 };

extern const struct lake_place played_place;

struct played {
    struct folder folder;
    struct store *store;
    struct workspace fake;
    struct export_options options;
    struct export_report report;
};

/* Rows over PLAYED_HOURS from 2021-11-07, a quarter of them in one tick. */
void played_begin(struct played *played, uint64_t seed, size_t rows);
void played_end(struct played *played);
bool played_run(struct played *played, struct error *err);
bool played_verify(struct played *played, struct error *err);

/* The bytes that a partition must have. */
void played_bytes(const struct workspace *fake, int64_t tick, struct buf *out);
/* Every partition of the range has them, and no other blob is there. */
void played_assert_whole(struct played *played);

#endif
