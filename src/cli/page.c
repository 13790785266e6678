/* Page: see page.h. */
#include "cli/page.h"

void cli_page_head(const struct cli_page *page, const char *name, const char *type,
                   const char *help)
{
    buf_printf(page->out, "# HELP weir_%s_%s %s\n# TYPE weir_%s_%s %s\n", page->command, name, help,
               page->command, name, type);
}

/* Backslash, quote and newline, as the format wants it. */
static void put_label(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s=\"", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\\' || *c == '"')
            buf_putc(out, '\\');
        if (*c == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, *c);
    }
    buf_putc(out, '"');
}

void cli_page_value(const struct cli_page *page, const char *name, const char *table,
                    const char *verdict, double value)
{
    struct buf *out = page->out;
    buf_printf(out, "weir_%s_%s", page->command, name);
    if (table) {
        buf_putc(out, '{');
        put_label(out, "table", table);
        if (verdict) {
            buf_putc(out, ',');
            put_label(out, "verdict", verdict);
        }
        buf_putc(out, '}');
    }
    buf_printf(out, value == (double) (int64_t) value ? " %.0f\n" : " %.3f\n", value);
}

static void put_one(const struct cli_page *page, const char *name, const char *help, double value)
{
    cli_page_head(page, name, "gauge", help);
    cli_page_value(page, name, NULL, NULL, value);
}

static double unix_time(int64_t tick)
{
    return (double) (tick - TICK_UNIX_EPOCH) / (double) TICK_SECOND;
}

void cli_page_run(const struct cli_page *page, const struct cli_page_run *run)
{
    put_one(page, "running", "1: the run goes on.", run->running);
    put_one(page, "start_timestamp_seconds", "When the run began.", unix_time(run->begun));
    put_one(page, "duration_seconds", "Time that the run took so far.", run->seconds);
    put_one(page, "exit_status", "Exit status of the run; 0 while it goes on.", run->status);
}

/* weir_export_last_success_timestamp_seconds{table="Syslog"} 1637280000.123 */
static bool recall_line(struct str line, const char *command, struct str *table, double *value)
{
    struct buf start = BUF_INIT(256);
    buf_printf(&start, "weir_%s_" CLI_SUCCEEDED_NAME "{table=\"", command);
    bool ours = buf_ok(&start, "", NULL) && str_starts(line, buf_str(&start));
    line.p += ours ? start.used : 0;
    line.n -= ours ? start.used : 0;
    buf_release(&start);
    if (!ours || !str_split(&line, '"', table) || line.n < 2)
        return false;
    return str_double((struct str){line.p + 2, line.n - 2}, value);
}

double cli_page_succeeded(struct str text, const char *command, const char *table)
{
    struct str line, name;
    double value, found = 0;
    while (str_split(&text, '\n', &line))
        if (recall_line(line, command, &name, &value) && str_eq(name, str_of(table)))
            found = value;
    return found;
}
