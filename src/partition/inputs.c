/* Inputs; see inputs.h. */
#include "partition/inputs.h"

#include "base/memory.h"

void part_inputs_release(struct part_inputs *inputs)
{
    for (size_t i = 0; i < inputs->n; i++) {
        mem_free(inputs->v[i].name);
        mem_free(inputs->v[i].path);
    }
    for (size_t i = 0; i < inputs->store_count; i++)
        store_free(inputs->stores[i]);
    mem_free(inputs->v);
    mem_free(inputs->stores);
    mem_free(inputs->first_passed);
    *inputs = (struct part_inputs){0};
}

bool part_inputs_expand(const char *const *arguments, size_t n, const struct store_options *remote,
                        struct part_inputs *out, struct error *err)
{
    (void) arguments;
    (void) n;
    (void) remote;
    (void) out;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}
