/* The command line: commands are data, `main` is a table and a loop.
 *
 * To add a command: one file cmd_<name>.c with one const struct cli_command, one line in commands.c. A test
 * fails when its help, manual or example is missed.
 */
#ifndef WEIR_CLI_CLI_H
#define WEIR_CLI_CLI_H

#include "base/memory.h"
#include "base/stop.h"
#include "base/tick.h"
#include "cli/options.h"

#include <stdio.h>

/* As many arguments as a shell makes of a folder of files. */
enum {
    CLI_ARGS_MAX = 1 << 17,
    CLI_VALUE_MAX = 1 << 20,
    CLI_COMMAND_OPTIONS_MAX = 40,
    CLI_THREADS_MAX = 64
};

enum cli_source {
    CLI_UNSET,
    CLI_FROM_DEFAULT,
    CLI_FROM_SETTINGS,
    CLI_FROM_ENVIRONMENT,
    CLI_FROM_COMMAND
};

struct cli;

struct cli_command {
    const char *name;      /* "export", "lake ls" */
    const char *arguments; /* "TABLE" or "" */
    const char *purpose;   /* one line, lower case, no full stop */
    const char *
        about; /* for the manual: what the line does not say; paragraphs divided by an empty line */
    const char *example;     /* works as typed on the emulator */
    const char *interrupted; /* what is said when a signal ends it; NULL: as of an export */
    int args_min, args_max;
    bool parquet; /* takes --output parquet; the others refuse it */
    enum cli_option_id
        options[CLI_COMMAND_OPTIONS_MAX]; /* ends with CLI_OPTION_COUNT; shared ones are implied */
    int (*run)(struct cli *cli, struct error *err); /* exit status, or -1 with err */
};

/* Terminated by NULL. */
extern const struct cli_command *const cli_commands[];

struct cli {
    const struct cli_command *command;
    const char *values[CLI_OPTION_COUNT];
    enum cli_source sources[CLI_OPTION_COUNT];
    const char *args[CLI_ARGS_MAX];
    int arg_count;
    struct arena arena; /* owns values that came from settings and environment */
    struct stop *stop;  /* set by SIGINT, SIGTERM */
    FILE *out;          /* results */
    bool terminal_out, terminal_err;
    bool leave; /* by _exit: threads are at work, and what they use was not freed */
};

/* Reads argv, environment and settings file, in this order of force. ERROR_USAGE or ERROR_SETTINGS. When the
 * line asks for help, cli->values[CLI_HELP] is set and nothing else was checked. */
bool cli_parse(struct cli *cli, int argc, char **argv, struct error *err);
/* After a line that cannot be read: whether its errors are wanted as JSON all the same. */
void cli_parse_log_format(struct cli *cli, int argc, char **argv);

/* Values. Text is NULL when there is none; numbers were checked when they were read. */
const char *cli_text(const struct cli *cli, enum cli_option_id id);
bool cli_flag(const struct cli *cli, enum cli_option_id id);
bool cli_given(const struct cli *cli, enum cli_option_id id); /* not just the default */
uint64_t cli_number(const struct cli *cli, enum cli_option_id id, uint64_t otherwise);
double cli_decimal(const struct cli *cli, enum cli_option_id id, double otherwise);
uint64_t cli_size(const struct cli *cli, enum cli_option_id id, uint64_t otherwise);
/* --threads, or 0: as many as processors. ERROR_USAGE beyond CLI_THREADS_MAX. */
bool cli_threads(const struct cli *cli, unsigned *out, struct error *err);
int64_t cli_duration(const struct cli *cli, enum cli_option_id id, int64_t otherwise);

/* The settings file: profile's values into cli where neither command line nor environment has one. */
bool cli_settings_read(struct cli *cli, struct error *err);

/* Messages on stderr: notes unless --quiet, details with --verbose, the last lines and errors always. With --log-format
 * json each is one object a line: time, level, event, message, and members for machines (cli/members.h; NULL: none).
 * Text is made safe for a terminal. */
enum cli_level { CLI_DEBUG, CLI_INFO, CLI_LAST, CLI_ERROR };
void cli_tell(const struct cli *cli, enum cli_level level, const char *event,
              const struct buf *members, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_detail(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cli_last(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool cli_log_is_json(const struct cli *cli);
/* Text that is one line, and may hold the name of a file: its line feeds become visible. */
void cli_put_line(struct buf *out, const char *text);
/* `text`: what the error points into, or empty. */
void cli_show_error(const struct cli *cli, const struct error *err, struct str text);

/* "1 partition", "2,016 partitions". */
enum { CLI_COUNT_TEXT = TEXT_NUMBER_MAX + 32 };
const char *cli_count_text(uint64_t n, const char *noun, char out[CLI_COUNT_TEXT]);

/* Asks on the terminal; --yes says yes; without a terminal it is no, with a hint. */
bool cli_confirm(const struct cli *cli, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Help of a command on one screen (NULL: of the program), manual in roff, completion. */
void cli_help(FILE *out, const struct cli_command *command);
bool cli_help_group(FILE *out,
                    const char *word); /* "lake": lines of lake ls, lake stat; false: none */
void cli_manual(FILE *out, const struct cli_command *command);
bool cli_completion(FILE *out, const char *shell, struct error *err);

/* The text of --query, read from @FILE where it says so; NULL without one. Lent by the arena. */
bool cli_query_text(struct cli *cli, const char *value, const char **out, struct error *err);

#endif
