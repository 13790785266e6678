/* Errors: see error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    const char *name;
} codes[] = {
#define X(name, status, text) {status, #name},
    ERROR_CODES(X)
#undef X
};

/* vsnprintf that leaves a valid string whatever happens and cuts at a whole UTF-8 character. */
__attribute__((format(printf, 3, 0))) static void put(char *to, size_t size, const char *format,
                                                      va_list args)
{
    int n = vsnprintf(to, size, format, args);
    if (n < 0)
        to[0] = '\0';
    if (n < 0 || (size_t) n < size)
        return;
    size_t end = size - 1;
    while (end > 0 && ((unsigned char) to[end - 1] & 0xC0) == 0x80)
        end--;
    if (end > 0 && (unsigned char) to[end - 1] >= 0xC0)
        end--;
    to[end] = '\0';
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    if (!err || err->code != ERROR_NONE)
        return false;
    err->code = code;
    va_list args;
    va_start(args, format);
    put(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool error_set_errno(struct error *err, enum error_code code, int number, const char *format, ...)
{
    if (!err || err->code != ERROR_NONE)
        return false;
    err->code = code;
    va_list args;
    va_start(args, format);
    put(err->message, sizeof err->message, format, args);
    va_end(args);
    char reason[128];
    const char *text = strerror_r(number, reason, sizeof reason);
    size_t used = strlen(err->message);
    (void) snprintf(err->message + used, sizeof err->message - used, ": %s", text);
    return false;
}

bool error_pass(struct error *err, const struct error *why)
{
    if (err && err->code == ERROR_NONE)
        *err = *why;
    return false;
}

bool error_at(struct error *err, int line, int column, int length)
{
    if (err) {
        err->line = line;
        err->column = column;
        err->length = length;
    }
    return false;
}

bool error_hint(struct error *err, const char *format, ...)
{
    if (!err)
        return false;
    va_list args;
    va_start(args, format);
    put(err->hint, sizeof err->hint, format, args);
    va_end(args);
    return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
    if (!err || err->code == ERROR_NONE)
        return false;
    char old[ERROR_MESSAGE_MAX];
    memcpy(old, err->message, sizeof old);
    va_list args;
    va_start(args, format);
    put(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    (void) snprintf(err->message + used, sizeof err->message - used, ": %s", old);
    return false;
}

void error_clear(struct error *err)
{
    if (err)
        *err = (struct error) ERROR_INIT;
}

int error_exit_status(enum error_code code)
{
    return codes[code].status;
}

const char *error_name(enum error_code code)
{
    return codes[code].name;
}
