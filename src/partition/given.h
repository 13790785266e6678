/* Given: the inputs of a command, and which of them the lake does not hold yet.
 *
 * An input is known again by its hash. To read each one twice for that would cost as much as the copy: so only those are hashed
 * beforehand of which a record, or another input of the command, has the very size. Of all others the hash is known when they
 * have been read, and should one of them be held after all (standard input, a file that changed meanwhile), the reading is
 * done again without it.
 */
#ifndef WEIR_PARTITION_GIVEN_H
#define WEIR_PARTITION_GIVEN_H

#include "lake/import.h"
#include "partition/machine.h"
#include "partition/partition.h"
#include "partition/zones.h"

enum part_given_state {
    PART_GIVEN_NEW,
    PART_GIVEN_HELD, /* a live import has it */
    PART_GIVEN_TWICE /* an equal one stands before it */
};

struct part_given {
    const struct part_input *input;
    struct part_source *source; /* open; NULL while it is not */
    const char *kind;           /* of its form */
    bool converted, guessed;
    enum part_given_state state;
    const struct lake_import *held_by;
    const struct lake_import_input *held_as; /* its line there */
    bool hashed;                             /* record.hash and record.bytes are known */
    struct lake_import_input record;         /* name and time are lent from the lists below */
    uint64_t blank;
};

struct part_givens {
    const struct partition_options *options;
    const struct lake_imports *imports;
    const char
        *but; /* id of the import that is to be replaced: what it holds is not held; NULL: none */
    struct part_source_options source;
    struct part_zones zones;
    struct part_inputs inputs;
    struct part_given *v;
    size_t n;
    struct part_source **sources; /* of those that are new, in order: for the machine */
    size_t *indexes;              /* in v, of each of them */
    size_t source_count;
    /* How readers will find times: the schema's rules, and behind its `held` those of the inputs in their order. */
    struct lake_from from[LAKE_FROM_MAX];
    size_t n_from, held;
    struct arena keys; /* of the inputs' rules */
    struct buf line;   /* of a note */
    struct buf said;   /* of time columns */
};

/* Expands and opens: what can be refused is refused here. With --dedup standard input becomes a file in the scratch folder,
 * since all is read twice. `schema` (NULL: the table has none), `scratch` and `seen` are lent. */
bool part_givens_open(struct part_givens *givens, const struct partition_options *options,
                      const struct lake_imports *imports, const struct lake_schema *schema,
                      const char *but, const char *scratch, struct part_seen *seen,
                      struct error *err);
void part_givens_release(struct part_givens *givens);

/* Looks for those that are held or stand twice, as far as that is told by sizes, and says it. */
bool part_givens_look(struct part_givens *givens, struct error *err);

/* Lists the sources of the new ones, each not read yet: it is opened again if it was. */
bool part_givens_list(struct part_givens *givens, struct error *err);

/* Takes what the machine says of them. *again: one of them is held or stands twice: all is to be done again without. */
bool part_givens_take(struct part_givens *givens, const struct part_machine_result *result,
                      bool *again, struct error *err);

#endif
