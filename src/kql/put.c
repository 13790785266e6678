/* Names and strings as KQL writes them. */

#include "kql/kql.h"

#include <ctype.h>

/* Words that the grammar keeps for itself where a name may stand. */
static bool is_keyword(struct str name)
{
    static const char *const words[] = {
        "and",          "as",        "asc",       "between",   "bool",
        "by",           "contains",  "count",     "datatable", "date",
        "datetime",     "decimal",   "desc",      "distinct",  "double",
        "dynamic",      "endswith",  "evaluate",  "extend",    "external_table",
        "externaldata", "facet",     "false",     "find",      "fork",
        "from",         "getschema", "guid",      "has",       "has_all",
        "has_any",      "in",        "int",       "join",      "kind",
        "let",          "limit",     "long",      "lookup",    "materialize",
        "nulls",        "of",        "on",        "or",        "order",
        "parse",        "partition", "pattern",   "print",     "project",
        "range",        "real",      "reduce",    "render",    "sample",
        "scan",         "search",    "serialize", "set",       "sort",
        "startswith",   "step",      "string",    "summarize", "take",
        "time",         "timespan",  "to",        "top",       "toscalar",
        "true",         "typeof",    "union",     "view",      "where",
        "with"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_eq(name, str_of(words[i])))
            return true;
    }
    return false;
}

static bool is_plain(struct str name)
{
    if (name.n == 0 || (!isalpha((unsigned char) name.p[0]) && name.p[0] != '_'))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (!isalnum((unsigned char) name.p[i]) && name.p[i] != '_')
            return false;
    }
    return !is_keyword(name);
}

static void put_escaped(struct buf *buf, struct str text, char quote)
{
    buf_putc(buf, quote);
    for (size_t i = 0; i < text.n;) {
        size_t length = 1;
        unsigned char c = (unsigned char) text.p[i];
        uint32_t code = text_utf8_next(text.p + i, text.n - i, &length);
        if (c == (unsigned char) quote || c == '\\')
            buf_printf(buf, "\\%c", c);
        else if (c == '\n' || c == '\r' || c == '\t')
            buf_printf(buf, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (code < 0x20 || code == 0x7F || code == 0x85 || code == 0x2028 || code == 0x2029)
            buf_printf(buf, "\\u%04x", (unsigned) code);
        else if (length == 1 && c >= 0x80)
            buf_puts(buf, "\xEF\xBF\xBD"); /* invalid byte */
        else
            buf_put(buf, text.p + i, length);
        i += length;
    }
    buf_putc(buf, quote);
}

void kql_put_name(struct buf *buf, struct str name)
{
    if (is_plain(name)) {
        buf_put_str(buf, name);
        return;
    }
    buf_putc(buf, '[');
    put_escaped(buf, name, '\'');
    buf_putc(buf, ']');
}

void kql_put_string(struct buf *buf, struct str text)
{
    put_escaped(buf, text, '"');
}
