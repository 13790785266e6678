/* has and its kin: words between the boundaries of terms; see kql/duckdb_functions.h. */
#include "engine/duckdb/call.h"

/* Which boundaries are asked for. */
enum sides { LEFT = 1, RIGHT = 2, BOTH = 3 };

static bool in_term(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool has_word(struct str text, struct str word, enum sides sides, bool fold)
{
    if (word.n == 0)
        return true;
    bool left = (sides & LEFT) && in_term(word.p[0]);
    bool right = (sides & RIGHT) && in_term(word.p[word.n - 1]);
    for (size_t at = 0; (at = call_find(text, word, at, fold)) != SIZE_MAX; at++) {
        size_t end = at + word.n;
        if ((!left || at == 0 || !in_term(text.p[at - 1])) &&
            (!right || end == text.n || !in_term(text.p[end])))
            return true;
    }
    return false;
}

/* any: one of the words is enough; else all must be there. */
static bool has_words(struct call *call, const union call_value *a, bool any, bool fold, bool *out)
{
    const struct call_list *list = call_parse_list(call, a[1].s);
    if (!list)
        return false;
    *out = !any;
    for (size_t i = 0; i < list->n && *out == !any; i++)
        *out = has_word(a[0].s, list->v[i].text, BOTH, fold);
    return true;
}

#define WORD(name, sides, fold)                                                                    \
    bool call_##name(struct call *call, const union call_value *a, union call_value *out)          \
    {                                                                                              \
        (void) call;                                                                               \
        out->b = has_word(a[0].s, a[1].s, sides, fold);                                            \
        return true;                                                                               \
    }

WORD(has, BOTH, true)
WORD(has_cs, BOTH, false)
WORD(hasprefix, LEFT, true)
WORD(hasprefix_cs, LEFT, false)
WORD(hassuffix, RIGHT, true)
WORD(hassuffix_cs, RIGHT, false)

#define WORDS(name, any, fold)                                                                     \
    bool call_##name(struct call *call, const union call_value *a, union call_value *out)          \
    {                                                                                              \
        return has_words(call, a, any, fold, &out->b);                                             \
    }

WORDS(has_any, true, true)
WORDS(has_any_cs, true, false)
WORDS(has_all, false, true)
WORDS(has_all_cs, false, false)
