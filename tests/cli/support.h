/* What tests of the command line share: a line parsed as the program would parse it. */
#ifndef WEIR_TESTS_CLI_SUPPORT_H
#define WEIR_TESTS_CLI_SUPPORT_H

#include "cli/cli.h"

/* Parses words ("export T --days 3"), divided by single blanks, with no settings file unless --config names one.
 * Release with line_release. */
struct line {
    struct cli cli;
    char *text;
    char *words[64];
    struct error err;
    bool ok;
};
void line_parse(struct line *line, const char *text);
void line_release(struct line *line);

/* A file in a temporary folder that ends with the test program. Lent. */
const char *temporary_file(const char *name, const char *content);

#endif
