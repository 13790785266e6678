/* The service's own blobs in a played lake, and whether the two halves are one. */
#ifndef WEIR_TESTS_EXPORT_THEIRS_H
#define WEIR_TESTS_EXPORT_THEIRS_H

#include "played.h"

enum theirs_form {
    THEIRS_PLAIN = 0,
    THEIRS_CRLF = 1,
    THEIRS_NO_ID = 2,
    THEIRS_OTHER =
        4 /* keys in another order, keys that weir does not know, numbers and times written otherwise */
};

/* A row as the service may write it; `form` is of enum theirs_form. */
void theirs_line(struct buf *out, const struct workspace *fake, const struct fake_row *row,
                 unsigned form);
/* Appends to a blob in the folder of a partition, whose name is `name`; written `age` seconds ago. */
void theirs_append(const struct played *played, int64_t tick, const char *name, struct str text,
                   int64_t age);
/* All rows of the workspace in [from, to), each `share` likely, into blobs of their partitions; a row is written again
 * with `doubled`. Returns how many different ones. */
uint64_t theirs_write(struct played *played, int64_t from, int64_t to, double share, double doubled,
                      unsigned form);
/* Every row of the workspace stands in the lake as often as it should: in one of the service's blobs or in one of ours,
 * in ours only where the service lacks it. `by_value`: rows are told by time and payload. */
void theirs_assert_one(struct played *played, bool by_value);

#endif
