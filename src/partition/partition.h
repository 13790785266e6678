/* Partition: log files into the lake, at the speed at which the machine copies (docs/formats.md: imports).
 *
 *     struct partition_options options = {.store = store, .place = &place, .inputs = paths, .input_count = n};
 *     struct partition_result result;
 *     bool ok = partition_run(&options, &result, &err);
 *     ...
 *     partition_result_release(&result);
 *
 * One call is one import: of those inputs that the lake does not hold yet. Lines go to temporary files in the store's
 * scratch folder; when all are whole each takes its name in one step, then the import's record is put
 * (lake/import.h). So a run that is killed or stopped leaves nothing that shows, or whole partitions, and the
 * same call finishes them: id, names and bytes follow from the inputs alone, whatever the number of threads.
 *
 * The machine is told in machine.h, inputs in source.h.
 */
#ifndef WEIR_PARTITION_PARTITION_H
#define WEIR_PARTITION_PARTITION_H

#include "base/stop.h"
#include "lake/layout.h"
#include "store/store.h"

enum {
    PARTITION_ID = 12, /* hex digits of an import's id */
    PARTITION_INPUTS_MAX = 1 << 20,
    PARTITION_THREADS_MAX = 64,
    PARTITION_MEMORY_MIN = 64 << 20, /* bytes; less is raised to it */
    PARTITION_TIME_MAX = 256,        /* of a column's name, a format, a zone */
    PARTITION_REASON_MAX = 32        /* kinds of reject */
};

struct columns;

/* What goes on. Figures only grow, `total` may too: 0 while it is not known (a pipe). */
struct partition_progress {
    const char *phase;     /* "read", "sort", "name" */
    uint64_t bytes, total; /* of the inputs as they are stored; in "sort": of what was set aside */
    uint64_t rows, rejected;
    uint64_t partitions, partitions_done; /* "name" */
};

struct partition_watch {
    void (*progress)(void *context,
                     const struct partition_progress *progress); /* NULL: nobody looks */
    /* One line that the user should know: what was guessed, skipped, counted once. From the calling thread. */
    void (*note)(void *context, const char *line);
    void *context;
};

/* All lent; zero is the default. */
struct partition_options {
    struct store *store;
    const struct lake_place *place;
    /* Files, folders, globs, "-" (standard input), blobs of a lake (their address), as the user gave them, in order. */
    const char *const *inputs;
    size_t input_count;
    /* What inputs that are blobs of a remote lake are opened with; its address does not count. NULL: none can be read. */
    const struct store_options *remote;

    const char *time_column; /* NULL: guessed (guess.h) */
    const char
        *time_format; /* iso, us, epoch-s, epoch-ms; NULL: iso, or what the file's kind says */
    const char *
        time_zone; /* IANA, Windows' or the portal's name, of times that name none; NULL: they are rejected */
    const struct columns *known; /* columns of the table that are known beforehand; NULL: none */

    /* bytes; 0: a quarter of the machine's, at least 256 MiB. Uploads of a remote store come to it, and lines of many MB. */
    uint64_t memory;
    unsigned threads;    /* 0: as many as processors */
    bool sync;           /* on the disk before the first name shows, and again at the end */
    const char *dedup;   /* columns, "A,B" or "*"; NULL: none */
    const char *replace; /* id of the import that this one replaces; NULL: none */

    const char *reject_file;    /* NULL: <table>-<id>.jsonl in the state folder (reject.h) */
    const char *const *outputs; /* files that the caller writes meanwhile; NULL entries are fine */
    size_t output_count;
    const char *by;                      /* program and version, for the record */
    const struct partition_watch *watch; /* NULL: nobody */
    const struct stop *stop; /* NULL: never; else ERROR_INTERRUPTED, and nothing shows */

    /* For tests: small figures, so that little data meets every path. 0: the usual. */
    struct partition_small {
        size_t slots;   /* files open at once */
        size_t scatter; /* mean bytes of a run below which rows are set aside */
        size_t lay;     /* mean bytes of a run from which on what was set aside is laid down */
        size_t held;    /* bytes set aside in memory before they are spilled */
        size_t load;    /* bytes of a bucket that a thread puts in order at once */
        size_t run;     /* mean bytes of such a run below which a bucket is split */
    } small;
};

/* One input that was given. */
struct partition_input {
    const char *name; /* as in the record: path or address */
    uint64_t bytes;   /* as stored */
    unsigned char hash[16];
    uint64_t rows, rejected, blank; /* of one that is held `rejected` alone: as it was then */
    const char *kind;               /* "JSON lines", "CSV", ... (source.h) */
    const char
        *held_by; /* id of the import that holds it already: it was skipped; NULL: it was read */
    bool twice;   /* an equal one stands before it in this command: it was skipped */
};

struct partition_result {
    char id[PARTITION_ID + 1]; /* "": nothing was left to do */
    struct partition_input *inputs;
    size_t input_count, read; /* read: how many were */
    uint64_t rows, bytes;     /* in the lake now by this import */
    uint64_t rejected;
    uint64_t reasons[PARTITION_REASON_MAX]; /* by enum part_reject of reject.h */
    uint64_t rejected_before; /* of the inputs that are held: by the imports that have them */
    const char
        *rejected_file; /* of the first of these imports, at its usual place; NULL: none is there */
    uint64_t dropped;   /* by dedup */
    size_t partitions;
    int64_t first, last;     /* ticks of the first and the last partition's begin */
    const char *time_column; /* as it was given or guessed */
    bool guessed;
    const char *time_format, *time_zone; /* NULL: none */
    const char *reject_file;             /* NULL: none was made */
    uint64_t spilled;                    /* bytes that went through bucket files */
    double seconds;
    struct arena *memory; /* owns all of the above */
};

/* Runs one import. False: nothing shows, or (a failure while names are taken) whole partitions without a record.
 * ERROR_INTERRUPTED after a stop; ERROR_USAGE, ERROR_SETTINGS for what can never work, before anything is written;
 * ERROR_EXISTS where a blob of that name cannot be replaced. Lines that are rejected are no failure: see
 * result->rejected. *out is to be released either way. */
bool partition_run(const struct partition_options *options, struct partition_result *out,
                   struct error *err);
void partition_result_release(struct partition_result *result);

#endif
