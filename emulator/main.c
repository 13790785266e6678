/* weir-emulator: a workspace, and the rest of Azure that weir talks to, on this machine. */

#include "emulator/generate.h"
#include "emulator/serve.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct command {
    const char *name, *purpose;
    int (*run)(int argc, char **argv);
};

enum { HELP_MAX = 65536 };

static int fail(const struct error *err)
{
    struct buf text = BUF_INIT(HELP_MAX);
    text_put_safe(&text, str_of(err->message));
    if (err->hint[0]) {
        buf_puts(&text, "\n  hint: ");
        text_put_safe(&text, str_of(err->hint));
    }
    fprintf(stderr, "weir-emulator: %s\n", buf_text(&text));
    buf_release(&text);
    return error_exit_status(err->code);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static int show_help(const char *head, const struct option_row *rows, size_t count)
{
    struct buf text = BUF_INIT(HELP_MAX);
    buf_puts(&text, head);
    options_put_help(&text, rows, count);
    bool done = fputs(buf_text(&text), stdout) >= 0;
    buf_release(&text);
    return done ? 0 : 1;
}

static int run_serve(int argc, char **argv)
{
    size_t count;
    const struct option_row *rows = serve_rows(&count);
    if (wants_help(argc, argv))
        return show_help("weir-emulator serve --data DIR [--ready-file F] [--tls]\n"
                         "Makes a workspace of the files of DIR and answers its query API until it "
                         "is ended.\n\n",
                         rows, count);
    struct serve_options options = {0};
    struct error err = ERROR_INIT;
    if (!options_parse(rows, count, argc, argv, &options, &err) || !serve(&options, &err))
        return fail(&err);
    return 0;
}

#define AT(field) offsetof(struct generate_options, field)

static const struct option_row generate_rows[] = {
    {"table", "T,...", OPTION_TEXT, AT(tables), NULL, "which tables"},
    {"days", "N", OPTION_COUNT, AT(days), "7", "length of the range"},
    {"rows", "N", OPTION_COUNT, AT(rows), "100000", "of each table"},
    {"seed", "N", OPTION_COUNT, AT(seed), "1", "other numbers, other logs"},
    {"end", "TIME", OPTION_TIME, AT(end), "2021-11-18", "of the range"},
    {"shuffle", NULL, OPTION_FLAG, AT(shuffle), NULL, "the same lines in no order"},
    {"out", "DIR", OPTION_TEXT, AT(out), NULL, "gets <Table>.jsonl and truth.json"},
};

#undef AT

/* The one thing that a signal handler may touch. */
static struct stop generate_stop;

static void ask_to_stop(int signal)
{
    stop_set(&generate_stop, signal);
}

static void show_progress(void *context, const char *table, uint64_t rows, uint64_t of)
{
    char done[TEXT_NUMBER_MAX], all[TEXT_NUMBER_MAX];
    (void) context;
    fprintf(stderr, "\r%s: %s of %s rows%s", table, text_grouped(rows, done), text_grouped(of, all),
            rows == of ? "\n" : "");
}

static bool generate(struct generate_options *options, struct error *err)
{
    struct sigaction action = {.sa_handler = ask_to_stop};
    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);
    options->stop = &generate_stop;
    if (isatty(STDERR_FILENO))
        options->progress = show_progress;
    struct generate_report report = {0};
    if (!options->tables || !options->out) {
        error_set(err, ERROR_USAGE, "generate needs --table and --out");
        return error_hint(
            err, "weir-emulator generate --table Syslog --days 7 --rows 100000 --out data");
    }
    if (!generate_run(options, &report, err))
        return false;
    char rows[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX];
    fprintf(stderr, "%s rows, %s in %s\n", text_grouped(report.rows, rows),
            text_bytes(report.bytes, bytes), options->out);
    return true;
}

static int run_generate(int argc, char **argv)
{
    size_t count = sizeof generate_rows / sizeof generate_rows[0];
    if (wants_help(argc, argv))
        return show_help("weir-emulator generate --table T,... --out DIR\n"
                         "Writes believable security logs, and beside them what is in them.\n\n",
                         generate_rows, count);
    struct generate_options options = {0};
    struct error err = ERROR_INIT;
    if (!options_parse(generate_rows, count, argc, argv, &options, &err) ||
        !generate(&options, &err))
        return fail(&err);
    return 0;
}

static const struct command commands[] = {
    {"serve", "a workspace whose tables are the files of a folder", run_serve},
    {"generate", "believable security logs, with known truth", run_generate},
};

static int show_commands(FILE *to)
{
    fputs("weir-emulator: a Log Analytics workspace on this machine\n\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(to, "  weir-emulator %-10s %s\n", commands[i].name, commands[i].purpose);
    fputs("\n  weir-emulator COMMAND --help   its options\n"
          "\n  weir-emulator serve --data tests/data/portal --ready-file ready.json\n",
          to);
    return to == stdout ? 0 : error_exit_status(ERROR_USAGE);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return puts("weir-emulator " WEIR_VERSION) >= 0 ? 0 : 1;
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    }
    if (argc > 1 && !wants_help(1, argv + 1)) {
        struct error err = ERROR_INIT;
        const char *names[] = {commands[0].name, commands[1].name};
        const char *nearest = text_nearest(str_of(argv[1]), names, sizeof names / sizeof names[0]);
        error_set(&err, ERROR_USAGE, "no command '%s'", argv[1]);
        if (nearest)
            error_hint(&err, "did you mean %s?", nearest);
        return fail(&err);
    }
    return show_commands(wants_help(argc - 1, argv + 1) ? stdout : stderr);
}
