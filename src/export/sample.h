/* Samples: a few rows of a range, to learn what a row costs as JSON before the first batch. Internal to this room. */
#ifndef WEIR_EXPORT_SAMPLE_H
#define WEIR_EXPORT_SAMPLE_H

#include "export/snapshot.h"
#include "lake/line.h"

struct export_sample {
    const struct export_snapshot *snapshot;
    struct lake_line *line;
    struct buf text;
    unsigned left;            /* queries that were not answered yet */
    uint64_t rows;            /* of the answers */
    uint64_t lines, response; /* bytes of them: as the lake keeps them, as the service sends them */
};

/* Queues its queries: they are answered by whatever runs the workspace next. The sample must stay where it is until
 * export_sample_wait. */
bool export_sample_start(struct export_sample *sample, const struct export_options *options,
                         const struct export_snapshot *snapshot, struct error *err);
/* A part of the range that does not answer is left out, or all of them: it is a guess anyway. Nothing was started: true
 * at once. */
bool export_sample_wait(struct export_sample *sample, const struct export_options *options,
                        struct error *err);
void export_sample_release(struct export_sample *sample);

#endif
