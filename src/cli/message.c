/* Messages: stderr, for people or as JSON lines; and questions. */
#include "cli/cli.h"

#include <unistd.h>

enum { MESSAGE_MAX = 64 * 1024, ANSWER_MAX = 64 };

bool cli_log_is_json(const struct cli *cli)
{
    const char *format = cli->values[CLI_LOG_FORMAT];
    return format && strcmp(format, "json") == 0;
}

static void show(const struct cli *cli, const char *level, struct str text)
{
    struct buf line = BUF_INIT(MESSAGE_MAX);
    if (cli_log_is_json(cli)) {
        char now[TICK_TEXT_MAX];
        (void) tick_format(tick_now(), now);
        buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"", now, level);
        text_put_json(&line, text);
        buf_puts(&line, "\"}\n");
    } else {
        struct str part;
        while (str_split(&text, '\n', &part)) {
            text_put_safe(&line, part);
            buf_putc(&line, '\n');
        }
    }
    if (line.used > 0)
        (void) fwrite(line.bytes, 1, line.used, stderr);
    buf_release(&line);
}

__attribute__((format(printf, 3, 0))) static void show_format(const struct cli *cli,
                                                              const char *level, const char *format,
                                                              va_list args)
{
    struct buf text = BUF_INIT(MESSAGE_MAX);
    buf_vprintf(&text, format, args);
    show(cli, level, buf_str(&text));
    buf_release(&text);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
    if (cli_flag(cli, CLI_QUIET))
        return;
    va_list args;
    va_start(args, format);
    show_format(cli, "info", format, args);
    va_end(args);
}

void cli_detail(const struct cli *cli, const char *format, ...)
{
    if (!cli_flag(cli, CLI_VERBOSE))
        return;
    va_list args;
    va_start(args, format);
    show_format(cli, "debug", format, args);
    va_end(args);
}

void cli_last(const struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    show_format(cli, "info", format, args);
    va_end(args);
}

void cli_event(const struct cli *cli, const char *members)
{
    if (cli_flag(cli, CLI_QUIET))
        return;
    char now[TICK_TEXT_MAX];
    (void) tick_format(tick_now(), now);
    (void) fprintf(stderr, "{\"time\":\"%s\",\"level\":\"info\",%s}\n", now, members);
}

/* The line of the text that the error points into, and carets below. */
static void put_caret(struct buf *out, const struct error *err, struct str text)
{
    struct str line = {0};
    for (int n = 0; n < err->line; n++)
        if (!str_split(&text, '\n', &line))
            return;
    buf_puts(out, "\n  ");
    text_put_safe(out, line);
    buf_puts(out, "\n  ");
    size_t at = 0, before = (size_t) (err->column > 1 ? err->column - 1 : 0);
    while (at < before && at < line.n) {
        size_t length;
        (void) text_utf8_next(line.p + at, line.n - at, &length);
        buf_putc(out, line.p[at] == '\t' ? '\t' : ' ');
        at += length;
    }
    int carets = err->length > 0 ? err->length : 1;
    for (int i = 0; i < carets && (i == 0 || at + (size_t) i < line.n); i++)
        buf_putc(out, '^');
}

void cli_show_error(const struct cli *cli, const struct error *err, struct str text)
{
    struct buf out = BUF_INIT(MESSAGE_MAX);
    if (err->code == ERROR_KQL && err->line > 0)
        buf_printf(&out, "weir: KQL is refused at %d:%d: %s", err->line, err->column, err->message);
    else
        buf_printf(&out, "weir: %s", err->message);
    if (err->code == ERROR_KQL && err->line > 0 && text.n > 0)
        put_caret(&out, err, text);
    if (err->hint[0]) {
        struct str rest = str_of(err->hint), line;
        bool first = true;
        while (str_split(&rest, '\n', &line)) {
            buf_printf(&out, first ? "\n  hint: %.*s" : "\n        %.*s", (int) line.n, line.p);
            first = false;
        }
    }
    show(cli, "error", buf_str(&out));
    buf_release(&out);
}

bool cli_confirm(const struct cli *cli, struct error *err, const char *format, ...)
{
    if (cli_flag(cli, CLI_YES))
        return true;
    struct buf question = BUF_INIT(MESSAGE_MAX);
    va_list args;
    va_start(args, format);
    buf_vprintf(&question, format, args);
    va_end(args);
    bool yes = false;
    if (cli->terminal_err && isatty(STDIN_FILENO)) {
        show(cli, "question", buf_str(&question));
        (void) fputs("Go on? [y/N] ", stderr);
        (void) fflush(stderr);
        char answer[ANSWER_MAX];
        yes = fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
        if (!yes)
            (void) error_set(err, ERROR_USAGE, "not confirmed; nothing was done");
    } else {
        (void) error_set(err, ERROR_USAGE, "%s It needs a yes", buf_text(&question));
        (void) error_hint(err, "--yes");
    }
    buf_release(&question);
    return yes;
}
