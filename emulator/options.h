/* Options as data: one row an option, from which the parser, the defaults and the help are made.
 *
 * Each row names a field of the command's own struct by offset, and the kind says what stands
 * there:
 *
 *     OPTION_TEXT   const char *   lent by argv or by the row's default; NULL without one
 *     OPTION_FLAG   bool           takes no value
 *     OPTION_COUNT  uint64_t       a whole number
 *     OPTION_SIZE   uint64_t       bytes: 20MB, 1GiB, 64000000
 *     OPTION_SPAN   uint64_t       nanoseconds: 30ms, 3m, PT5M
 *     OPTION_TIME   int64_t        a tick: 2026-11-21, 2026-11-21T18:00:00Z; 0 without one
 */
#ifndef WEIR_EMULATOR_OPTIONS_H
#define WEIR_EMULATOR_OPTIONS_H

#include "base/text.h"

enum option_kind {
    OPTION_TEXT,
    OPTION_FLAG,
    OPTION_COUNT,
    OPTION_SIZE,
    OPTION_SPAN,
    OPTION_TIME,
    OPTION_HEADING /* no option: `help` is a line above those that follow */
};

struct option_row {
    const char *name;  /* without its two dashes */
    const char *value; /* what the help calls its value; NULL for a flag */
    enum option_kind kind;
    size_t offset;
    const char *fallback; /* text of the default, parsed like a value; NULL: zero */
    const char *help;
};

/* Fills `out` with the defaults, then with what argv[0 .. argc) says: --name value or --name=value.
 * An unknown name (ERROR_USAGE with the nearest as hint), a value that is none, a word without
 * dashes: false. */
bool options_parse(const struct option_row *rows, size_t count, int argc, char *const *argv,
                   void *out, struct error *err);

/* Appends one line an option: name, value, what it does, default. */
void options_put_help(struct buf *buf, const struct option_row *rows, size_t count);

#endif
