/* The reject file: the lines that were not taken, as JSON lines (reject.h), with mode 0600, made with the first of them.
 *
 * It grows under a name of its own beside its place and takes its name when the import is done; a run that fails leaves
 * none. Without a name that the user gave it is <state>/weir/rejects/<table>-<id>.jsonl, where <state> is $XDG_STATE_HOME
 * or ~/.local/state: what is in it is as secret as the logs, but it is no part of the lake. What stands at the user's name and is no
 * regular file (a device, a pipe, a link) is written as it is, each line as it comes.
 */
#ifndef WEIR_PARTITION_REJECT_FILE_H
#define WEIR_PARTITION_REJECT_FILE_H

#include "partition/reject.h"

enum { PART_REJECT_PATH_MAX = 4096 };

/* Begins as all zero. */
struct part_reject_file {
    const char *wanted; /* path, or NULL; lent */
    int fd;             /* meaning something while `made` */
    bool made;
    bool direct;      /* what it grows in is what was wanted */
    struct buf path;  /* under which it grows; then its own */
    struct buf bytes; /* not written yet */
};

/* ERROR_USAGE for a name that cannot be one: "", "-". */
bool part_reject_file_init(struct part_reject_file *rejects, const char *wanted, struct error *err);
/* Removes what has not taken its name. */
void part_reject_file_release(struct part_reject_file *rejects);

bool part_reject_file_put(struct part_reject_file *rejects, struct str file, uint64_t line,
                          enum part_reason reason, struct str text, struct error *err);
/* Begins anew, with none. */
void part_reject_file_clear(struct part_reject_file *rejects);
/* Gives it its name, rejects->path; without rejects nothing is made. A file that stands there is replaced. */
bool part_reject_file_end(struct part_reject_file *rejects, const char *table, const char *id,
                          struct error *err);

/* Where that of an import is that nobody named, whether it is there or not. */
bool part_reject_file_usual(const char *table, const char *id, struct buf *out, struct error *err);

#endif
