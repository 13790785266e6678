/* Survey: one pass over files of JSON that tells which keys their objects have, and which ever hold
 * a value. Wide tables are mostly empty: what never holds a value need not be kept. */
#ifndef WEIR_EMULATOR_SURVEY_H
#define WEIR_EMULATOR_SURVEY_H

#include "base/column.h"

#include <stdatomic.h>

enum { SURVEY_THREADS_MAX = 16 };

struct survey {
    struct columns
        keys; /* all string: first those given, then what was found beside them, by their bytes */
    bool *filled; /* of each key: some object has a value for it that is neither null nor "" */
};

/* `known` keys come first in the result. Ends with ERROR_INTERRUPTED when *stop is set (NULL:
 * never). ERROR_FORMAT names the file and line that are no JSON. survey_release is due in any
 * case. */
bool survey_lines(const char *const *paths, size_t count, const struct columns *known,
                  const atomic_bool *stop, struct survey *out, struct error *err);
void survey_release(struct survey *survey);

#endif
