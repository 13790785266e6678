/* Shape: the columns of a table, from its schema and its files, and how the files are to be read.
 *
 * The schema's columns come first, in its order; then those that only the files have, with the type
 * that their suffix says in a custom table (name ends in _CL), else string. The portal's header `X
 * [UTC]` is the datetime column X; so is `X [<zone>]`. A name that differs from a known one in case
 * alone is read as that one. TenantId and Type are always there. Files of JSON are read once from
 * end to end for this. */
#ifndef WEIR_EMULATOR_SHAPE_H
#define WEIR_EMULATOR_SHAPE_H

#include "emulator/files.h"

#include <stdatomic.h>

enum { SHAPE_GROUPS_MAX = 10000 };

/* Neighbouring files of one form that can be read in one way. */
struct shape_group {
    const struct found_file *files; /* lent */
    size_t n;
    struct columns headers; /* keys or headers as they stand in the files */
    bool *filled;           /* of each header: some row has a value; NULL: take it so */
};

struct shape {
    struct columns columns;
    bool *in_file; /* of each column: some file has it */
    bool *filled;  /* of each column: some row may have a value */
    struct shape_group *groups;
    size_t n, room;
};

struct shape_options {
    const struct found_table *found;
    const char *schemas; /* folder of <Table>.columns; NULL: none */
    struct engine_task *task;
    const atomic_bool *stop; /* NULL: never */
    struct buf *notes;       /* lines for the user */
};

/* shape_release is due in any case. */
bool shape_find(const struct shape_options *options, struct shape *out, struct error *err);
void shape_release(struct shape *shape);

bool shape_has(const struct shape *shape, const char *column); /* some file has it */

/* The header under which a group's files hold a column, in the same case or else in another; NULL
 * when they do not. */
const char *shape_header(const struct shape_group *group, const char *column);

/* `X [UTC]` as column X; `zoned` says that it named a zone. False, with the zone's words in the
 * message, when the zone is not known. */
bool shape_split(struct str header, struct str *column, bool *zoned, struct error *err);

#endif
