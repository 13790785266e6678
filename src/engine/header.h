/* Headers of portal exports: a column "TimeGenerated [UTC]" names the time zone of its values, in the words of
 * the portal's menu ("Pacific Time (US and Canada) Tijuana"), not those of the IANA database.
 */
#ifndef WEIR_ENGINE_HEADER_H
#define WEIR_ENGINE_HEADER_H

#include "base/text.h"

/* Splits "TimeGenerated [UTC]" into name "TimeGenerated" and zone "UTC"; a header without brackets is all
 * name, its zone is empty. Both lent from `header`. */
void engine_header_split(struct str header, struct str *name, struct str *zone);

/* The IANA name for a zone as the portal (or Windows, or IANA) writes it; NULL when it is not known. */
const char *engine_header_zone(struct str zone);

#endif
