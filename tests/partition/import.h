/* A lake, files to bring into it, and what must stand in it then by the plainest way there is. */
#ifndef WEIR_TESTS_PARTITION_IMPORT_H
#define WEIR_TESTS_PARTITION_IMPORT_H

#include "lake/import.h"
#include "partition/partition.h"

#include "../store/folder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { IMPORT_PARTITIONS = 4096 };

struct import {
    struct folder folder;
    struct store *store;
    struct error err;
    struct partition_options options; /* of the next run: inputs are set by import_file */
    struct partition_result result;   /* of the last */
    const char *inputs[8];
    char paths[8][300];
    struct buf file;  /* of the input that is being made */
    struct buf *want; /* by partition from IMPORT_BEGIN on: what its blob must be */
    uint64_t want_rows;
    struct buf seen;
};

extern const struct lake_place import_place;
#define IMPORT_BEGIN INT64_C(637718400000000000) /* 2021-11-07 */

int import_set_up(void **state);
int import_tear_down(void **state);

/* One line of the next file: at `second` from IMPORT_BEGIN, with so many bytes of padding, and `end` behind it. */
void import_line(struct import *im, unsigned second, size_t padding, const char *end);
/* A line that is no row. */
void import_junk(struct import *im, const char *line);
/* The file as the next input. */
void import_file(struct import *im);
/* The same file, other rows: what is wanted begins anew. */
void import_clear(struct import *im);

/* Runs, which must go well, and checks what there is then. */
void import_all(struct import *im);
bool import_run(struct import *im);
/* Every partition that is there is as it is wanted; `whole`: all are there, and the record vouches for them. Returns how many
 * blobs there are. */
size_t import_check(struct import *im, bool whole);
/* A new lake, empty. */
void import_again(struct import *im);

#endif
