/* \d \w \s and their capitals become Unicode classes, (?<name>...) becomes (?P<name>...); the rest is the same in
 * both. Class operators (&&, --, ~~), nested classes and look-around are refused. \b stays ASCII's. */

#include "kql/regex.h"

#include <ctype.h>

static const struct {
    char letter;
    const char *inside; /* of a class */
} classes[] = {
    {'d', "\\p{Nd}"},
    {'w', "\\p{L}\\p{M}\\p{Nd}\\p{Pc}"},
    {'s', "\\s\\x0b\\x{85}\\p{Z}"},
};

/* One escape at s.p[*i]; *i moves behind it. */
static const char *put_escape(struct str s, size_t *i, bool in_class, struct buf *out)
{
    if (*i + 1 >= s.n)
        return "ends in a backslash";
    char c = s.p[*i + 1];
    *i += 2;
    for (size_t k = 0; k < sizeof classes / sizeof *classes; k++) {
        bool capital = c == classes[k].letter - 'a' + 'A';
        if (c != classes[k].letter && !capital)
            continue;
        if (in_class && capital)
            return "has a negated class (\\D, \\W, \\S) within brackets, which is not supported "
                   "yet";
        buf_puts(out, in_class ? "" : capital ? "[^" : "[");
        buf_puts(out, classes[k].inside);
        buf_puts(out, in_class ? "" : "]");
        return NULL;
    }
    buf_putc(out, '\\');
    if ((unsigned char) c >= 0x80 || c == '<' || c == '>')
        out->used--; /* needs no escape, and RE2 knows none */
    buf_putc(out, c);
    return NULL;
}

/* A class from its bracket; *i moves behind it. */
static const char *put_class(struct str s, size_t *i, struct buf *out)
{
    size_t first = *i + 1;
    buf_putc(out, s.p[(*i)++]);
    if (*i < s.n && s.p[*i] == '^') {
        buf_putc(out, s.p[(*i)++]);
        first++;
    }
    while (*i < s.n && (s.p[*i] != ']' || *i == first)) {
        const char *wrong = NULL;
        char c = s.p[*i];
        bool twice = *i + 1 < s.n && s.p[*i + 1] == c;
        if (twice && (c == '&' || c == '~'))
            return "has a class operator (&&, ~~), which is not supported yet";
        if (c == '[' && *i + 1 < s.n && s.p[*i + 1] != ':')
            return "has a class within a class, which is not supported yet; write \\[ for a "
                   "bracket";
        if (c == '\\')
            wrong = put_escape(s, i, true, out);
        else
            buf_putc(out, s.p[(*i)++]);
        if (wrong)
            return wrong;
        if (c == '[') { /* [:alpha:] */
            while (*i < s.n && s.p[*i] != ']')
                buf_putc(out, s.p[(*i)++]);
            if (*i < s.n)
                buf_putc(out, s.p[(*i)++]);
        }
    }
    if (*i >= s.n)
        return "has a class without its closing bracket";
    buf_putc(out, s.p[(*i)++]);
    return NULL;
}

/* (?flags) or (?flags: */
static bool are_flags(struct str group)
{
    size_t i = 2;
    while (i < group.n && strchr("imsU-", group.p[i]) && group.p[i] != '\0')
        i++;
    return i < group.n && (group.p[i] == ')' || group.p[i] == ':');
}

/* ( and what may follow it; *i moves behind what was read. */
static const char *put_group(struct str s, size_t *i, struct buf *out, unsigned *groups)
{
    struct str rest = {s.p + *i, s.n - *i};
    if (!str_starts(rest, STR("(?"))) {
        ++*groups;
    } else if (str_starts(rest, STR("(?=")) || str_starts(rest, STR("(?!")) ||
               str_starts(rest, STR("(?<=")) || str_starts(rest, STR("(?<!"))) {
        return "looks ahead or behind, which KQL does not have";
    } else if (str_starts(rest, STR("(?<"))) {
        ++*groups;
        buf_puts(out, "(?P<");
        *i += 3;
        return NULL;
    } else if (str_starts(rest, STR("(?P<"))) {
        ++*groups;
    } else if (!are_flags(rest)) {
        return "has a kind of group that is not known";
    }
    buf_putc(out, '(');
    ++*i;
    return NULL;
}

const char *kql_regex_translate(struct str regex, struct buf *out, unsigned *groups)
{
    const char *wrong = NULL;
    size_t open = 0;
    *groups = 0;
    if (regex.n > 0 && memchr(regex.p, '\0', regex.n))
        return "holds a NUL character";
    for (size_t i = 0; i < regex.n && !wrong;) {
        char c = regex.p[i];
        if (c == '\\')
            wrong = put_escape(regex, &i, false, out);
        else if (c == '[')
            wrong = put_class(regex, &i, out);
        else if (c == '(')
            wrong = put_group(regex, &i, out, groups);
        else
            buf_putc(out, regex.p[i++]);
        open += c == '(';
        if (c == ')' && open-- == 0)
            return "has a closing parenthesis too many";
    }
    return wrong || open == 0 ? wrong : "has a parenthesis that is not closed";
}
