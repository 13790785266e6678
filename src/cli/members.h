/* Members: JSON put together name by name, for reports and for lines of a log.
 *
 *     cli_put_open(out, NULL, '{');
 *     cli_put_number(out, "rows", 5);
 *     cli_put_close(out, '}');
 *
 * Commas come by themselves. A name of NULL is an element of an array. Text may be hostile: it is escaped, and what
 * is not UTF-8 is replaced.
 */
#ifndef WEIR_CLI_MEMBERS_H
#define WEIR_CLI_MEMBERS_H

#include "base/error.h"
#include "base/text.h"

void cli_put_text(struct buf *out, const char *name, const char *text);  /* NULL: null */
void cli_put_number(struct buf *out, const char *name, uint64_t number); /* UINT64_MAX: null */
void cli_put_real(struct buf *out, const char *name, double number);     /* NaN, infinite: null */
void cli_put_bool(struct buf *out, const char *name, bool value);
void cli_put_time(struct buf *out, const char *name, int64_t tick); /* ISO 8601; 0: null */
void cli_put_open(struct buf *out, const char *name, char bracket);
void cli_put_close(struct buf *out, char bracket);
/* "error": code, message and hint; null for NULL and for none. */
void cli_put_error(struct buf *out, const struct error *error);

#endif
