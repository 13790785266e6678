/* Members: see members.h. */
#include "cli/members.h"

#include "base/tick.h"

#include <math.h>

/* The comma before, if one is due, and the name. */
static void begin(struct buf *out, const char *name)
{
    char last = out->used > 0 ? out->bytes[out->used - 1] : '{';
    if (last != '{' && last != '[')
        buf_putc(out, ',');
    if (name)
        buf_printf(out, "\"%s\":", name);
}

void cli_put_text(struct buf *out, const char *name, const char *text)
{
    begin(out, name);
    if (!text) {
        buf_puts(out, "null");
        return;
    }
    buf_putc(out, '"');
    text_put_json(out, str_of(text));
    buf_putc(out, '"');
}

void cli_put_number(struct buf *out, const char *name, uint64_t number)
{
    begin(out, name);
    if (number == UINT64_MAX)
        buf_puts(out, "null");
    else
        buf_printf(out, "%llu", (unsigned long long) number);
}

void cli_put_real(struct buf *out, const char *name, double number)
{
    begin(out, name);
    if (isfinite(number))
        buf_printf(out, "%.6f", number);
    else
        buf_puts(out, "null");
}

void cli_put_bool(struct buf *out, const char *name, bool value)
{
    begin(out, name);
    buf_puts(out, value ? "true" : "false");
}

void cli_put_time(struct buf *out, const char *name, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    if (tick > 0)
        (void) tick_format(tick, text);
    cli_put_text(out, name, tick > 0 ? text : NULL);
}

void cli_put_open(struct buf *out, const char *name, char bracket)
{
    begin(out, name);
    buf_putc(out, bracket);
}

void cli_put_close(struct buf *out, char bracket)
{
    buf_putc(out, bracket);
}

void cli_put_error(struct buf *out, const struct error *error)
{
    if (!error || error->code == ERROR_NONE) {
        cli_put_text(out, "error", NULL);
        return;
    }
    cli_put_open(out, "error", '{');
    cli_put_text(out, "code", error_name(error->code));
    cli_put_text(out, "message", error->message);
    cli_put_text(out, "hint", error->hint[0] ? error->hint : NULL);
    cli_put_close(out, '}');
}
