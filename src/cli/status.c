/* Status: see status.h. */
#include "cli/status.h"

static const uint64_t every_terminal = 200000000, every_line = 15000000000;

static bool is_drawn(const struct cli *cli)
{
    return cli->terminal_err && !cli_log_is_json(cli);
}

void cli_status_begin(struct cli_status *status, const struct cli *cli)
{
    *status = (struct cli_status){.cli = cli, .shown = clock_ns()};
}

bool cli_status_due(struct cli_status *status)
{
    uint64_t now = clock_ns();
    if (cli_flag(status->cli, CLI_QUIET) ||
        now - status->shown < (is_drawn(status->cli) ? every_terminal : every_line))
        return false;
    status->shown = now;
    return true;
}

void cli_status_show(struct cli_status *status, const struct buf *members, const char *line)
{
    if (!is_drawn(status->cli)) {
        cli_tell(status->cli, CLI_INFO, members ? "progress" : "note", members, "%s", line);
        return;
    }
    (void) fprintf(stderr, "\r\x1b[K %s", line);
    (void) fflush(stderr);
    status->drawn = true;
}

void cli_status_wipe(struct cli_status *status)
{
    if (status->drawn)
        (void) fputs("\r\x1b[K", stderr);
    status->drawn = false;
}
