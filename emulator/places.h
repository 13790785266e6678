/* Places: where serve puts the files that clients are told of: secrets, keys, certificates. */
#ifndef WEIR_EMULATOR_PLACES_H
#define WEIR_EMULATOR_PLACES_H

#include "base/text.h"

struct places {
    const char *ready_file; /* NULL: none */
    const char *folder;     /* of the run; removed at its end */
};

/* The absolute path of a file, into out: `given`, or <ready_file><suffix>, or <folder>/<name>. */
bool places_put(const struct places *places, const char *given, const char *suffix,
                const char *name, struct buf *out, struct error *err);

/* Makes a secret of random bytes, in memory and in the file of that path. */
bool places_make_secret(const struct buf *path, struct buf *secret, struct error *err);

#endif
