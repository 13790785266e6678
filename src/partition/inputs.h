/* Inputs: what stands on the command line, as the list of what is read: files, folders, globs, standard input, and
 * blobs of a lake.
 *
 *     access.json               a file
 *     logs/                     all files below it that are logs by their names, sorted by name
 *     'logs/2021-*.json.gz'     a glob, for a shell that did not expand it; a file of that very name goes first
 *     -                         standard input
 *     https://NAME.blob.core.windows.net/CONTAINER/FOLDER      blobs (also abfss://, and http:// to this machine)
 */
#ifndef WEIR_PARTITION_INPUTS_H
#define WEIR_PARTITION_INPUTS_H

#include "base/text.h"
#include "store/store.h"

#include <sys/types.h>

enum {
    PART_INPUTS_MAX = 1 << 20,
    PART_INPUT_DEPTH_MAX = 64, /* folders below a folder */
    PART_INPUT_NAME_MAX = 4096,
    PART_OUTPUTS_MAX = 8
};

enum part_input_kind {
    PART_INPUT_FILE,
    PART_INPUT_STDIN, /* read once, as is */
    PART_INPUT_PIPE,  /* a named pipe or a device */
    PART_INPUT_BLOB
};

struct part_input {
    enum part_input_kind kind;
    char *name;    /* as messages, rejects and the record name it; owned */
    char *path;    /* file: what to open; blob: its name in `store`; owned; NULL: standard input */
    uint64_t size; /* bytes when it was listed; 0 for standard input */
    struct store *store; /* blob: lent from the list */
};

struct part_inputs {
    struct part_input *v;
    size_t n, room;
    struct store **stores; /* owned */
    size_t store_count, store_room;
    size_t passed;    /* files of folders that are no logs by their names */
    size_t links;     /* links and devices in folders: they are not followed */
    size_t outputs;   /* files of folders that this very run writes */
    size_t compacted; /* lakes with days in Parquet, which is not read */
    char *first_passed, *first_link, *first_output, *first_compacted;
    char *lake; /* the lake of the import, where it lay in a folder: it is not read; NULL */
    struct part_own {
        dev_t device;
        ino_t number;
    } own[PART_OUTPUTS_MAX + 1]; /* that lake and the outputs, as far as they are there */
    size_t own_count;
};

void part_inputs_release(struct part_inputs *inputs);

/* What a run writes and does not read, where it lies in a folder that is given. */
struct part_outputs {
    const char *lake; /* a folder; NULL: it has none */
    const char *const
        *files; /* at most PART_OUTPUTS_MAX; an entry may be NULL, or not be there yet */
    size_t file_count;
};

/* Expands arguments in their order. A file that is named twice stands twice: the machine tells equal inputs by their
 * hashes. ERROR_NOT_FOUND names the argument that is not there or matches nothing; ERROR_USAGE for `-` twice.
 * `remote` has all but the address of the stores to open for blobs; NULL: blobs are refused. `outputs` may be NULL. */
bool part_inputs_expand(const char *const *arguments, size_t n, const struct part_outputs *outputs,
                        const struct store_options *remote, struct part_inputs *out,
                        struct error *err);

/* Says in a line what of the folders is passed over; false: nothing. */
bool part_inputs_say_passed(const struct part_inputs *inputs, struct buf *line);

#endif
