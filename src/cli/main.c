/* weir: a table of commands and a loop over the line's words. */
#include "base/process.h"
#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

enum { ARENA_MAX = 64 << 20 };

/* The one mutable thing of the program: a signal handler can reach nothing else. */
static struct stop stop;

static void on_signal(int signal)
{
    /* The second time, the user means it: the default action, as soon as this returns. */
    if (stop_asked(&stop)) {
        (void) sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        (void) raise(signal);
    }
    stop_set(&stop, signal);
}

/* Who starts us may have closed these: the next file that is opened would take the place of standard error, say. */
static bool hold_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

static void catch_signals(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void) sigaction(SIGPIPE, &ignore, NULL);
}

static int interrupted(const struct cli *cli)
{
    int signal = stop_asked(&stop);
    const char *own = cli->command ? cli->command->interrupted : NULL;
    cli_tell(cli, CLI_LAST, "interrupted", NULL, "%s",
             own ? own
                 : "interrupted; what is verified stays, and the same command goes on from there");
    return signal == SIGTERM ? 143 : 130;
}

static int fail(const struct cli *cli, const struct error *err)
{
    if (stop_asked(&stop))
        return interrupted(cli);
    cli_show_error(cli, err, (struct str){0});
    return error_exit_status(err->code);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct error err = ERROR_INIT;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void) puts("weir " WEIR_VERSION);
        return 0;
    }
    if (!cli_parse(cli, argc, argv, &err)) {
        cli_parse_log_format(cli, argc, argv);
        return fail(cli, &err);
    }
    if (!cli->command || cli_flag(cli, CLI_HELP)) {
        bool asked = cli_flag(cli, CLI_HELP);
        cli_parse_log_format(cli, argc, argv);
        if (!asked && cli_log_is_json(cli)) {
            (void) error_set(&err, ERROR_USAGE, "a command is missing");
            (void) error_hint(&err, "weir --help");
            return fail(cli, &err);
        }
        cli_help(asked ? stdout : stderr, cli->command);
        return asked ? 0 : error_exit_status(ERROR_USAGE);
    }
    int status = cli->command->run(cli, &err);
    if (status < 0)
        return fail(cli, &err);
    if (fflush(stdout) != 0) {
        (void) error_set(&err, ERROR_IO, "the result cannot be written");
        return fail(cli, &err);
    }
    return status;
}

int main(int argc, char **argv)
{
    process_hide();
    if (!hold_standard())
        return error_exit_status(ERROR_IO);
    struct cli *cli = mem_alloc(1, sizeof *cli, NULL);
    if (!cli)
        return error_exit_status(ERROR_MEMORY);
    arena_init(&cli->arena, ARENA_MAX);
    cli->stop = &stop;
    cli->out = stdout;
    cli->terminal_out = isatty(STDOUT_FILENO);
    cli->terminal_err = isatty(STDERR_FILENO);
    catch_signals();
    int status = run(cli, argc, argv);
    if (stop_asked(&stop) || cli->leave) {
        /* Threads of the engine may be at work still: leave without taking the house down around them. */
        (void) fflush(NULL);
        _exit(status);
    }
    arena_release(&cli->arena);
    mem_free(cli);
    return status;
}
