/* Exports of a played workspace that are joined with what the service wrote into the same lake. */
#ifndef WEIR_TESTS_EXPORT_JOINED_H
#define WEIR_TESTS_EXPORT_JOINED_H

#include "theirs.h"

#include "export/run.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

int64_t joined_tick(const char *text);
/* Else the test fails, with the error's message. */
void joined_must(bool ok, const struct error *err);

/* 600 rows; played_end ends it. */
void joined_begin(struct played *played, uint64_t seed);
/* One partition with ten rows. */
void joined_begin_ten(struct played *played);
/* Where the range begins; and its last hour, which is the service's too. */
int64_t joined_from(const struct played *played);
int64_t joined_hour(const struct played *played);
/* An export, which must end well. */
void joined_run(struct played *played);

/* Rows [first, end) of the workspace into a blob of the service in the first partition, written `age` seconds ago. */
void joined_append(struct played *played, const char *name, size_t first, size_t end, int64_t age);

/* The service writes `rest` on while the export runs: `joined_write_on` is the progress of its watch. */
struct joined_writer {
    struct played *played;
    struct buf rest;
};
void joined_write_on(void *context, const struct export_progress *progress);

#endif
