/* Errors: one struct that the caller passes, one list of codes.
 *
 * A function that can fail takes `struct error *err` last and returns false (or NULL) after
 * filling it. The first error stays: a later error_set on a struct that holds one is ignored, so
 * clean-up code may call functions that fail too. A caller that does not care passes NULL.
 *
 *     struct error err = ERROR_INIT;
 *     if (!file_read("weir.yaml", LIMIT, &text, &err)) { ... err.message ... }
 *
 * `message` is one line that is enough to search for, without program name and newline. `hint`
 * says what the user can do and may hold several lines. Both are truncated, never overrun.
 * Hostile text in them is made safe by who shows them (text_safe), not by who writes them.
 */
#ifndef WEIR_BASE_ERROR_H
#define WEIR_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* code, exit status of the program, what it stands for. */
#define ERROR_CODES(X)                                                                             \
    X(NONE, 0, "no error")                                                                         \
    X(MEMORY, 1, "memory is used up")                                                              \
    X(LIMIT, 1, "a named limit is reached")                                                        \
    X(IO, 1, "a file or device refused")                                                           \
    X(NOT_FOUND, 1, "a named thing is not there")                                                  \
    X(EXISTS, 1, "a thing is there that must not be")                                              \
    X(USAGE, 2, "the command line is wrong")                                                       \
    X(SETTINGS, 2, "the settings are wrong")                                                       \
    X(KQL, 2, "KQL is refused")                                                                    \
    X(FORMAT, 1, "data is not in the form it must have")                                           \
    X(NETWORK, 1, "the other side cannot be reached or broke off")                                 \
    X(THROTTLED, 1, "the other side asks for patience")                                            \
    X(TIMEOUT, 1, "the other side took too long")                                                  \
    X(TOO_LARGE, 1, "an answer is larger than the service gives")                                  \
    X(PARTIAL, 1, "an answer is not whole")                                                        \
    X(AUTH, 1, "sign-in failed or access is refused")                                              \
    X(SERVICE, 1, "the service refuses or fails")                                                  \
    X(LOCKED, 1, "another run holds the lock")                                                     \
    X(INCOMPLETE, 3, "finished, but something is missing or does not verify")                      \
    X(INTERRUPTED, 130, "interrupted; can be resumed")                                             \
    X(INTERNAL, 1, "a promise inside the program is broken")

enum error_code {
#define X(name, status, text) ERROR_##name,
    ERROR_CODES(X)
#undef X
};

enum { ERROR_MESSAGE_MAX = 1024, ERROR_HINT_MAX = 1024 };

struct error {
    enum error_code code;
    int line, column,
        length; /* position in a text (KQL, settings), from 1; 0: none. length in bytes */
    char message[ERROR_MESSAGE_MAX];
    char hint[ERROR_HINT_MAX];
};

#define ERROR_INIT                                                                                 \
    {                                                                                              \
        .code = ERROR_NONE                                                                         \
    }

/* Sets code and message unless one is set already or err is NULL. Always returns false, so that
 * `return error_set(err, ...)` is the way to fail. */
bool error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": " and the text of errno value `number` behind the message. */
bool error_set_errno(struct error *err, enum error_code code, int number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sets a position in the text that the user gave. Returns false. */
bool error_at(struct error *err, int line, int column, int length);

/* Sets the hint. Returns false. */
bool error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts words before the message of an error on its way up: "context: message". Returns false. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hands on what another struct holds, unless one is set already or err is NULL. Returns false. */
bool error_pass(struct error *err, const struct error *why);

void error_clear(struct error *err);

/* The exit status of the program for a code; its name ("THROTTLED") for logs. */
int error_exit_status(enum error_code code);
const char *error_name(enum error_code code);

#endif
