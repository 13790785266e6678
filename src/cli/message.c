/* Messages: stderr, for people or as JSON lines; and questions. */
#include "cli/cli.h"
#include "cli/members.h"

#include <unistd.h>

/* A line of JSON may be longer than its message: each byte of it becomes up to six. */
enum { MESSAGE_MAX = 64 * 1024, OBJECT_MAX = 8 * MESSAGE_MAX, ANSWER_MAX = 64 };

bool cli_log_is_json(const struct cli *cli)
{
    const char *format = cli->values[CLI_LOG_FORMAT];
    return format && strcmp(format, "json") == 0;
}

static const char *level_text(enum cli_level level)
{
    static const char *const texts[] = {
        [CLI_DEBUG] = "debug", [CLI_INFO] = "info", [CLI_LAST] = "info", [CLI_ERROR] = "error"};
    return texts[level];
}

static void put_object(struct buf *line, enum cli_level level, const char *event,
                       const struct buf *members, const char *text)
{
    cli_put_open(line, NULL, '{');
    cli_put_time(line, "time", tick_now());
    cli_put_text(line, "level", level_text(level));
    cli_put_text(line, "event", event);
    cli_put_text(line, "message", text);
    if (members && members->used > 0) {
        buf_putc(line, ',');
        buf_put_str(line, buf_str(members));
    }
    cli_put_close(line, '}');
    buf_putc(line, '\n');
}

static void show(const struct cli *cli, enum cli_level level, const char *event,
                 const struct buf *members, const char *message)
{
    struct buf line = BUF_INIT(OBJECT_MAX);
    struct str text = str_of(message), part;
    if (cli_log_is_json(cli)) {
        put_object(&line, level, event, members, message);
    } else {
        while (str_split(&text, '\n', &part)) {
            text_put_safe(&line, part);
            buf_putc(&line, '\n');
        }
    }
    if (line.used > 0 && !(line.failed && cli_log_is_json(cli)))
        (void) fwrite(line.bytes, 1, line.used, stderr);
    buf_release(&line);
}

static bool is_silent(const struct cli *cli, enum cli_level level)
{
    return (level == CLI_INFO && cli_flag(cli, CLI_QUIET)) ||
           (level == CLI_DEBUG && !cli_flag(cli, CLI_VERBOSE));
}

__attribute__((format(printf, 5, 0))) static void tell(const struct cli *cli, enum cli_level level,
                                                       const char *event, const struct buf *members,
                                                       const char *format, va_list args)
{
    if (is_silent(cli, level))
        return;
    struct buf text = BUF_INIT(MESSAGE_MAX);
    buf_vprintf(&text, format, args);
    show(cli, level, event, members, buf_text(&text));
    buf_release(&text);
}

void cli_tell(const struct cli *cli, enum cli_level level, const char *event,
              const struct buf *members, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(cli, level, event, members, format, args);
    va_end(args);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(cli, CLI_INFO, "note", NULL, format, args);
    va_end(args);
}

void cli_detail(const struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(cli, CLI_DEBUG, "detail", NULL, format, args);
    va_end(args);
}

void cli_last(const struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(cli, CLI_LAST, "note", NULL, format, args);
    va_end(args);
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

static void put_hint(struct buf *out, const struct error *err)
{
    struct str rest = str_of(err->hint), line;
    bool first = true;
    while (err->hint[0] && str_split(&rest, '\n', &line)) {
        buf_printf(out, first ? "\n  hint: %.*s" : "\n        %.*s", (int) line.n, line.p);
        first = false;
    }
}

static void show_error_object(const struct cli *cli, const struct error *err, struct str text)
{
    struct buf members = BUF_INIT(OBJECT_MAX), copy = BUF_INIT(MESSAGE_MAX / 8);
    cli_put_text(&members, "code", error_name(err->code));
    cli_put_number(&members, "exit", (uint64_t) error_exit_status(err->code));
    if (err->hint[0])
        cli_put_text(&members, "hint", err->hint);
    if (err->line > 0) {
        cli_put_number(&members, "line", (uint64_t) err->line);
        cli_put_number(&members, "column", (uint64_t) err->column);
        cli_put_number(&members, "length", (uint64_t) (err->length > 0 ? err->length : 0));
    }
    buf_put(&copy, text.p, text.n < copy.max / 2 ? text.n : copy.max / 2);
    if (text.n > 0)
        cli_put_text(&members, "text", buf_text(&copy));
    show(cli, CLI_ERROR, "error", &members, err->message);
    buf_release(&copy);
    buf_release(&members);
}

void cli_put_line(struct buf *out, const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c == '\n')
            buf_puts(out, "\\x0a");
        else
            buf_putc(out, *c);
}

void cli_show_error(const struct cli *cli, const struct error *err, struct str text)
{
    if (cli_log_is_json(cli)) {
        show_error_object(cli, err, text);
        return;
    }
    struct buf out = BUF_INIT(MESSAGE_MAX);
    buf_puts(&out, "weir: ");
    if (err->code == ERROR_KQL && err->line > 0)
        buf_printf(&out, "KQL is refused at %d:%d: ", err->line, err->column);
    cli_put_line(&out, err->message);
    if (err->code == ERROR_KQL && err->line > 0 && text.n > 0)
        put_caret(&out, err, text);
    put_hint(&out, err);
    show(cli, CLI_ERROR, "error", NULL, buf_text(&out));
    buf_release(&out);
}

const char *cli_count_text(uint64_t n, const char *noun, char out[CLI_COUNT_TEXT])
{
    char number[TEXT_NUMBER_MAX];
    (void) snprintf(out, CLI_COUNT_TEXT, "%s %s%s", text_grouped(n, number), noun,
                    n == 1 ? "" : "s");
    return out;
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
        show(cli, CLI_LAST, "question", NULL, buf_text(&question));
        if (!cli_log_is_json(cli))
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
