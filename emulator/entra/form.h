/* Form: the fields of a body of application/x-www-form-urlencoded. */
#ifndef WEIR_EMULATOR_ENTRA_FORM_H
#define WEIR_EMULATOR_ENTRA_FORM_H

#include "base/text.h"

enum { FORM_VALUE_MAX = 32768 };

/* The decoded value of a field into out, which it initializes; false when it is not there or is
 * none. */
bool form_value(struct str form, const char *name, struct buf *out);

/* The field is there and has this value; the time that it takes tells nothing of it. */
bool form_is(struct str form, const char *name, const char *wanted);

#endif
