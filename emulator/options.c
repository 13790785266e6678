/* Options as data: the parser and the help made from their rows. */

#include "emulator/options.h"

#include "base/tick.h"

enum { OPTIONS_MAX = 128, HELP_NAME_WIDTH = 30 };

static const uint64_t tick_ns = 100;

static bool value_error(const struct option_row *row, struct str value, const char *wanted,
                        struct error *err)
{
    return error_set(err, ERROR_USAGE, "--%s: '%.*s' is not %s", row->name, (int) value.n, value.p,
                     wanted);
}

static bool set_span(const struct option_row *row, struct str value, uint64_t *out,
                     struct error *err)
{
    int64_t ticks;
    if (!duration_parse(value, &ticks) || ticks < 0)
        return value_error(row, value, "a duration such as 30ms, 3m or PT5M", err);
    return __builtin_mul_overflow((uint64_t) ticks, tick_ns, out)
               ? value_error(row, value, "a duration within 500 years", err)
               : true;
}

static bool set_value(const struct option_row *row, const char *text, void *out, struct error *err)
{
    char *field = (char *) out + row->offset;
    struct str value = str_of(text);
    switch (row->kind) {
    case OPTION_TEXT:
        *(const char **) (void *) field = text;
        return true;
    case OPTION_FLAG:
        *(bool *) field = true;
        return true;
    case OPTION_COUNT:
        return str_uint64(value, (uint64_t *) (void *) field) ||
               value_error(row, value, "a whole number", err);
    case OPTION_SIZE:
        return str_size(value, (uint64_t *) (void *) field) ||
               value_error(row, value, "a size such as 20MB or 64000000", err);
    case OPTION_SPAN:
        return set_span(row, value, (uint64_t *) (void *) field, err);
    case OPTION_HEADING:
        break;
    case OPTION_TIME:
        return tick_parse(value, (int64_t *) (void *) field) ||
               value_error(row, value, "a time such as 2026-11-21 or 2026-11-21T18:00:00Z", err);
    }
    return error_set(err, ERROR_INTERNAL, "--%s has no kind", row->name);
}

static const struct option_row *find_row(const struct option_row *rows, size_t count,
                                         struct str name, struct error *err)
{
    const char *names[OPTIONS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < count && n < OPTIONS_MAX; i++) {
        if (rows[i].kind == OPTION_HEADING)
            continue;
        if (str_eq(str_of(rows[i].name), name))
            return &rows[i];
        names[n++] = rows[i].name;
    }
    const char *nearest = text_nearest(name, names, n);
    error_set(err, ERROR_USAGE, "no option --%.*s", (int) name.n, name.p);
    if (nearest)
        error_hint(err, "did you mean --%s?", nearest);
    return NULL;
}

bool options_parse(const struct option_row *rows, size_t count, int argc, char *const *argv,
                   void *out, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].fallback && !set_value(&rows[i], rows[i].fallback, out, err))
            return false;
    }
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0 || argv[i][2] == '\0')
            return error_set(err, ERROR_USAGE, "'%s' is not an option", argv[i]);
        struct str name = str_of(argv[i] + 2);
        const char *equals = strchr(argv[i] + 2, '=');
        if (equals)
            name.n = (size_t) (equals - name.p);
        const struct option_row *row = find_row(rows, count, name, err);
        if (!row)
            return false;
        if (row->kind == OPTION_FLAG && equals)
            return error_set(err, ERROR_USAGE, "--%s takes no value", row->name);
        const char *value = equals ? equals + 1 : NULL;
        if (row->kind != OPTION_FLAG && !value) {
            if (++i == argc)
                return error_set(err, ERROR_USAGE, "--%s needs a value (%s)", row->name,
                                 row->value);
            value = argv[i];
        }
        if (!set_value(row, value, out, err))
            return false;
    }
    return true;
}

void options_put_help(struct buf *buf, const struct option_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct option_row *row = &rows[i];
        if (row->kind == OPTION_HEADING) {
            buf_printf(buf, "\n%s\n", row->help);
            continue;
        }
        int width = (int) strlen(row->name) + (row->value ? (int) strlen(row->value) + 1 : 0) + 4;
        buf_printf(buf, "  --%s%s%s%*s%s", row->name, row->value ? " " : "",
                   row->value ? row->value : "",
                   width < HELP_NAME_WIDTH ? HELP_NAME_WIDTH - width : 2, "", row->help);
        if (row->fallback)
            buf_printf(buf, "%s(%s)", row->help[0] ? " " : "", row->fallback);
        buf_putc(buf, '\n');
    }
}
