/* An import from its inputs to its record; see partition.h. */
#include "partition/partition.h"

#include "base/memory.h"

bool partition_run(const struct partition_options *options, struct partition_result *out,
                   struct error *err)
{
    (void) options;
    *out = (struct partition_result){0};
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

void partition_result_release(struct partition_result *result)
{
    if (!result->memory)
        return;
    arena_release(result->memory);
    mem_free(result->memory);
    result->memory = NULL;
}
