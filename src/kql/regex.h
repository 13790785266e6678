/* Regular expressions: KQL's (Unicode classes) written for the engine's (RE2, whose \d \w \s are ASCII's). */
#ifndef WEIR_KQL_REGEX_H
#define WEIR_KQL_REGEX_H

#include "base/text.h"

/* Appends the same expression for RE2 and counts its groups. NULL, or what is wrong with it ("has a class that is
 * not supported: ..."). */
const char *kql_regex_translate(struct str regex, struct buf *out, unsigned *groups);

#endif
