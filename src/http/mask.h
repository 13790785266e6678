/* Masks: takes what a request sent as a secret out of what came back. Internal to this room.
 *
 * Answers quote in many forms: with characters escaped for XML, JSON or a URL, in part, in another case of hex. So not
 * the secret as a whole is looked for but each run of MASK_RUN or more letters and digits of it, which no form changes.
 */
#ifndef WEIR_HTTP_MASK_H
#define WEIR_HTTP_MASK_H

#include "base/text.h"

enum { MASK_RUN = 6 /* bytes; shorter runs are let stand */ };

/* Puts '*' over what `text` has of a header's value ("Authorization: SCHEME WORD": of the word alone). */
void http_mask_header(struct buf *text, struct str header);
/* The same of a query: of its signature (`sig`). */
void http_mask_query(struct buf *text, struct str query);

#endif
