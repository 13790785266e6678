/* Seen; see seen.h. */
#include "partition/seen.h"

#include "base/memory.h"

struct part_seen {
    size_t source;
    uint64_t piece;
};

struct part_seen *part_seen_new(struct error *err)
{
    return mem_alloc(1, sizeof(struct part_seen), err);
}

void part_seen_free(struct part_seen *seen)
{
    mem_free(seen);
}

void part_seen_at(struct part_seen *seen, size_t source, uint64_t piece)
{
    seen->source = source;
    seen->piece = piece;
}

bool part_seen_line(struct part_seen *seen, struct str line, struct error *err)
{
    (void) seen;
    (void) line;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

bool part_seen_merge(struct part_seen *into, const struct part_seen *from, struct error *err)
{
    (void) into;
    (void) from;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

bool part_seen_columns(const struct part_seen *seen, const struct columns *known, bool custom,
                       struct columns *out, struct error *err)
{
    (void) seen;
    (void) known;
    (void) custom;
    (void) out;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}
