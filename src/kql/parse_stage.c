/* One parse function for each shape of operator. */

#include "kql/parse.h"
#include "kql/stage.h"

bool kql_parse_source(struct kql_parser *p, struct kql_stage *stage)
{
    (void) stage;
    return kql_unexpected(p, "an operator");
}

bool kql_parse_where(struct kql_parser *p, struct kql_stage *stage)
{
    return kql_parse_expr(p, &stage->list);
}

bool kql_parse_columns(struct kql_parser *p, struct kql_stage *stage)
{
    return kql_parse_list(p, kql_parse_named, &stage->list);
}

bool kql_parse_patterns(struct kql_parser *p, struct kql_stage *stage)
{
    return kql_parse_list(p, kql_parse_name_pattern, &stage->list);
}

/* [asc | desc], as the flags of the node. */
static bool parse_direction(struct kql_parser *p, bool *given, bool *descending)
{
    bool asc = false;
    if (!kql_accept(p, "asc", &asc) || !kql_accept(p, "desc", descending))
        return false;
    *given = asc || *descending;
    return true;
}

static bool parse_reordered(struct kql_parser *p, struct kql_node **out)
{
    bool given = false, descending = false;
    if (!kql_parse_name_pattern(p, out) || !parse_direction(p, &given, &descending))
        return false;
    (*out)->flag = given;
    (*out)->other = descending;
    return true;
}

bool kql_parse_reorder(struct kql_parser *p, struct kql_stage *stage)
{
    return kql_parse_list(p, parse_reordered, &stage->list);
}

/* name = value, hint.name = value, ...: read as long as they come. The value is a name or a literal. */
static bool parse_param(struct kql_parser *p, struct kql_node **out)
{
    struct kql_node *node = *out = kql_node_new(p, KQL_NODE_NAMED, p->lexer.token.at);
    bool dot = false;
    if (!node || !kql_parse_name(p, &node->text, &node->at) || !kql_accept(p, ".", &dot))
        return false;
    if (dot && !kql_advance(p)) /* hint.x: the name stays "hint" */
        return false;
    if (!kql_expect(p, "="))
        return false;
    node->first = kql_node_new(p, KQL_NODE_NAME, p->lexer.token.at);
    if (!node->first)
        return false;
    node->first->text = p->lexer.token.text;
    return kql_advance(p);
}

static bool is_param(const struct kql_parser *p)
{
    return kql_is_name(p) && (kql_peek(p, "=") || (kql_is(p, "hint") && kql_peek(p, ".")));
}

/* Only the names of parameters: summarize's `count_ = count()` is none. */
static bool parse_params(struct kql_parser *p, struct kql_stage *stage)
{
    static const char *const names[] = {"hint",    "kind",         "withsource",  "with_source",
                                        "isfuzzy", "decodeblocks", "expandoutput"};
    struct kql_node **tail = &stage->params;
    bool more = true;
    while (more) {
        more = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            more |= kql_is(p, names[i]);
        more = more && is_param(p);
        if (more && !parse_param(p, tail))
            return false;
        if (more)
            tail = &(*tail)->next;
    }
    return true;
}

/* hint.x = y, before operators that know no other parameter. */
static bool parse_hints(struct kql_parser *p, struct kql_stage *stage)
{
    struct kql_node **tail = &stage->params;
    while (kql_is(p, "hint") && is_param(p)) {
        if (!parse_param(p, tail))
            return false;
        tail = &(*tail)->next;
    }
    return true;
}

bool kql_parse_summarize(struct kql_parser *p, struct kql_stage *stage)
{
    bool by = false;
    if (!parse_hints(p, stage))
        return false;
    if (!kql_is(p, "by") && !kql_parse_list(p, kql_parse_named, &stage->list))
        return false;
    if (!kql_accept(p, "by", &by))
        return false;
    return !by || kql_parse_list(p, kql_parse_named, &stage->by);
}

bool kql_parse_distinct(struct kql_parser *p, struct kql_stage *stage)
{
    return parse_hints(p, stage) && kql_parse_list(p, kql_parse_named, &stage->list);
}

static bool parse_sorted(struct kql_parser *p, struct kql_node **out)
{
    bool given = false, descending = false, nulls = false, first = false;
    if (!kql_parse_expr(p, out) || !parse_direction(p, &given, &descending) ||
        !kql_accept(p, "nulls", &nulls))
        return false;
    descending = descending || !given;
    (*out)->flag = descending;
    (*out)->other = !descending;
    if (!nulls)
        return true;
    if (!kql_accept(p, "first", &first))
        return false;
    (*out)->other = first;
    return first || kql_expect(p, "last");
}

bool kql_parse_sort(struct kql_parser *p, struct kql_stage *stage)
{
    return parse_hints(p, stage) && kql_expect(p, "by") &&
           kql_parse_list(p, parse_sorted, &stage->list);
}

bool kql_parse_top(struct kql_parser *p, struct kql_stage *stage)
{
    return parse_hints(p, stage) && kql_parse_expr(p, &stage->list) && kql_expect(p, "by") &&
           kql_parse_list(p, parse_sorted, &stage->list->next);
}

bool kql_parse_take(struct kql_parser *p, struct kql_stage *stage)
{
    return kql_parse_expr(p, &stage->list);
}

bool kql_parse_nothing(struct kql_parser *p, struct kql_stage *stage)
{
    (void) p;
    (void) stage;
    return true;
}

bool kql_parse_join(struct kql_parser *p, struct kql_stage *stage)
{
    return parse_params(p, stage) && kql_parse_expr(p, &stage->list) && parse_params(p, stage) &&
           kql_expect(p, "on") && kql_parse_list(p, kql_parse_expr, &stage->by);
}

/* A table name, perhaps with stars; a call; a query in parentheses. */
static bool parse_union_item(struct kql_parser *p, struct kql_node **out)
{
    if (kql_is(p, "(") || kql_peek(p, "(") || kql_peek(p, "."))
        return kql_parse_expr(p, out);
    return kql_parse_name_pattern(p, out);
}

bool kql_parse_union(struct kql_parser *p, struct kql_stage *stage)
{
    return parse_params(p, stage) && kql_parse_list(p, parse_union_item, &stage->list);
}

bool kql_parse_as(struct kql_parser *p, struct kql_stage *stage)
{
    return parse_hints(p, stage) && kql_parse_name_pattern(p, &stage->list);
}

static bool stage_ends(const struct kql_parser *p)
{
    return p->lexer.token.kind == KQL_END || kql_is(p, "|") || kql_is(p, ")") || kql_is(p, "]") ||
           kql_is(p, "}") || kql_is(p, ";");
}

bool kql_parse_serialize(struct kql_parser *p, struct kql_stage *stage)
{
    return parse_hints(p, stage) && (stage_ends(p) || kql_parse_columns(p, stage));
}

bool kql_parse_range(struct kql_parser *p, struct kql_stage *stage)
{
    struct kql_at at;
    return kql_parse_name(p, &stage->name, &at) && kql_expect(p, "from") &&
           kql_parse_expr(p, &stage->list) && kql_expect(p, "to") &&
           kql_parse_expr(p, &stage->list->next) && kql_expect(p, "step") &&
           kql_parse_expr(p, &stage->list->next->next);
}

bool kql_parse_datatable(struct kql_parser *p, struct kql_stage *stage)
{
    if (!kql_expect(p, "(") || !kql_parse_declared(p, &stage->columns) || !kql_expect(p, "["))
        return false;
    struct kql_node **tail = &stage->list;
    bool more = true;
    while (more && !kql_is(p, "]")) {
        if (!kql_parse_expr(p, tail) || !kql_accept(p, ",", &more))
            return false;
        tail = &(*tail)->next;
    }
    return kql_expect(p, "]");
}

bool kql_parse_skipped(struct kql_parser *p, struct kql_stage *stage)
{
    (void) stage;
    unsigned open = 0;
    while (open > 0 || !stage_ends(p)) {
        if (p->lexer.token.kind == KQL_END)
            return kql_unexpected(p, "a closing bracket");
        if (kql_is(p, "(") || kql_is(p, "[") || kql_is(p, "{"))
            open++;
        else if (kql_is(p, ")") || kql_is(p, "]") || kql_is(p, "}"))
            open--;
        if (!kql_advance(p))
            return false;
    }
    return true;
}
