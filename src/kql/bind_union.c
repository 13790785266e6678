/* union: inputs, and columns of one name and different types. */

#include "kql/bind.h"
#include "kql/stage.h"

/* A column of the result: a name and type, and where each input has it. */
struct merged {
    struct str name;
    enum column_type type;
    bool hidden, inner, alone; /* alone: no other column of that name has another type */
    bool everywhere;
    struct kql_column **from;
};

struct merge {
    struct kql_binder *b;
    struct kql_plan **inputs;
    struct str *labels; /* for withsource */
    size_t n, room;
    struct merged *columns;
    size_t n_columns, columns_room;
    bool fuzzy, inner;
    struct str source;
};

static bool add_input(struct merge *m, struct kql_plan *plan, struct str label)
{
    if (m->n == m->room) {
        size_t room = m->room * 2 + 8;
        struct kql_plan **inputs = kql_new(m->b, room, sizeof *inputs);
        struct str *labels = kql_new(m->b, room, sizeof *labels);
        if (!inputs || !labels)
            return false;
        if (m->n > 0) {
            memcpy(inputs, m->inputs, m->n * sizeof *inputs);
            memcpy(labels, m->labels, m->n * sizeof *labels);
        }
        m->inputs = inputs;
        m->labels = labels;
        m->room = room;
    }
    m->inputs[m->n] = plan;
    m->labels[m->n++] = label;
    return true;
}

/* The name of a table, or the one that `as` at the end gives; none otherwise. */
static struct str label_of(const struct kql_binder *b, const struct kql_node *node)
{
    struct str none = {NULL, 0};
    if (node->kind == KQL_NODE_NAME)
        return kql_let_find(b, node->text) ? none : node->text;
    const struct kql_stage *last = node->pipe ? node->pipe->first : NULL;
    while (last && last->next)
        last = last->next;
    return last && str_eq(last->name, STR("as")) ? last->list->text : none;
}

/* Binds one table of the list. A fuzzy union leaves out what is not there. */
static bool bind_input(struct merge *m, const struct kql_node *node)
{
    struct kql_binder *b = m->b;
    struct kql_plan *plan = NULL;
    struct error err = ERROR_INIT, *outer = b->text->err;
    if (node->kind == KQL_NODE_WILD || node->kind == KQL_NODE_STAR)
        return kql_refuse(b->text, node->at,
                          "a union over table names with stars is not supported yet");
    b->text->err = &err;
    bool good = kql_bind_tabular(b, node, &plan);
    b->text->err = outer;
    if (!good && m->fuzzy && node->kind == KQL_NODE_NAME && err.code == ERROR_KQL)
        return true;
    if (!good) {
        if (outer && outer->code == ERROR_NONE)
            *outer = err;
        return false;
    }
    struct str label = label_of(b, node);
    if (!label.p)
        label = kql_printed_str(b, "union_arg%zu", m->n);
    return label.p && add_input(m, plan, label);
}

static bool read_params(struct merge *m, const struct kql_stage *stage)
{
    for (const struct kql_node *p = stage->params; p; p = p->next) {
        struct str value = p->first->text;
        if (str_eq(p->text, STR("isfuzzy")))
            m->fuzzy = str_eq_case(value, STR("true"));
        else if (str_eq(p->text, STR("withsource")) || str_eq(p->text, STR("with_source")))
            m->source = value;
        else if (str_eq(p->text, STR("kind")) && str_eq(value, STR("inner")))
            m->inner = true;
        else if (str_eq(p->text, STR("kind")) && !str_eq(value, STR("outer")))
            return kql_refuse(m->b->text, p->at, "%s is not a kind of union",
                              kql_show(m->b->text, value));
    }
    return true;
}

static struct merged *find_merged(struct merge *m, const struct kql_column *column)
{
    for (size_t i = 0; i < m->n_columns; i++) {
        struct merged *c = &m->columns[i];
        if (c->inner == column->inner && c->type == column->type && str_eq(c->name, column->name))
            return c;
    }
    return NULL;
}

/* Where a new column goes: behind the last of its name, or, alone, at the end. */
static size_t place_of(struct merge *m, const struct kql_column *column, bool *alone)
{
    size_t place = m->n_columns;
    *alone = true;
    for (size_t i = 0; i < m->n_columns; i++) {
        if (m->columns[i].inner == column->inner && str_eq(m->columns[i].name, column->name)) {
            m->columns[i].alone = *alone = false;
            place = i + 1;
        }
    }
    return place;
}

static struct merged *insert_merged(struct merge *m, const struct kql_column *column)
{
    if (m->n_columns == m->columns_room) {
        size_t room = m->columns_room * 2 + 16;
        struct merged *bigger = kql_new(m->b, room, sizeof *bigger);
        if (!bigger)
            return NULL;
        if (m->n_columns > 0)
            memcpy(bigger, m->columns, m->n_columns * sizeof *bigger);
        m->columns = bigger;
        m->columns_room = room;
    }
    bool alone;
    size_t end = m->n_columns, place = place_of(m, column, &alone);
    memmove(m->columns + place + 1, m->columns + place, (end - place) * sizeof *m->columns);
    struct merged *c = &m->columns[place];
    *c = (struct merged){.name = column->name,
                         .type = column->type,
                         .hidden = true,
                         .inner = column->inner,
                         .alone = alone,
                         .from = kql_new(m->b, m->n, sizeof(struct kql_column *))};
    m->n_columns++;
    return c->from ? c : NULL;
}

/* An inner column that can be handed through a union: the ingestion time, not keys of an order. */
static bool takes_part(const struct kql_column *column)
{
    return !column->inner || str_eq(column->name, STR("_weir_ingestion"));
}

static bool merge_columns(struct merge *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct kql_scope *in = &m->inputs[i]->out;
        for (size_t k = 0; k < in->n; k++) {
            if (!takes_part(in->v[k]))
                continue;
            struct merged *c = find_merged(m, in->v[k]);
            if (!c)
                c = insert_merged(m, in->v[k]);
            if (!c)
                return false;
            c->from[i] = in->v[k];
            c->hidden = c->hidden && in->v[k]->hidden;
        }
    }
    for (size_t i = 0; i < m->n_columns; i++) {
        m->columns[i].everywhere = true;
        for (size_t k = 0; k < m->n; k++)
            m->columns[i].everywhere &= m->columns[i].from[k] != NULL;
    }
    return true;
}

/* What input `i` gives for a column: its own, or nothing. */
static struct kql_expr *source_of(struct merge *m, const struct merged *c, size_t i,
                                  struct kql_at at)
{
    if (c->from[i])
        return kql_column_ref(m->b, c->from[i], at);
    struct kql_value value = {.type = c->type, .null = c->type != COLUMN_STRING, .text = STR("")};
    return kql_const(m->b, value, at);
}

static struct kql_column *add_merged(struct merge *m, struct kql_plan *plan, const struct merged *c,
                                     struct kql_at at)
{
    struct kql_binder *b = m->b;
    struct str name = c->name;
    if (!c->alone)
        name = kql_printed_str(b, "%.*s_%s", (int) name.n, name.p, column_type_name(c->type));
    if (name.p && !c->inner)
        name = kql_free_name(b, &plan->out, name);
    struct kql_column *column =
        name.p ? kql_column_new(b, name, c->type, true, &plan->out, NULL) : NULL;
    if (!column)
        return NULL;
    column->sources = kql_new(b, m->n, sizeof *column->sources);
    column->hidden = c->hidden && !c->inner;
    column->inner = c->inner;
    column->stage = plan;
    column->time = true;
    column->nullable = false;
    for (size_t i = 0; column->sources && i < m->n; i++) {
        column->sources[i] = source_of(m, c, i, at);
        if (!column->sources[i])
            return NULL;
        column->nullable |= column->sources[i]->nullable;
        column->time &= !c->from[i] || c->from[i]->time;
    }
    return column->sources && kql_scope_add(b, &plan->out, column) ? column : NULL;
}

static bool add_source_column(struct merge *m, struct kql_plan *plan, struct kql_at at)
{
    struct kql_column *column =
        kql_column_new(m->b, m->source, COLUMN_STRING, false, &plan->out, NULL);
    struct kql_expr **sources = kql_new(m->b, m->n, sizeof *sources);
    if (!column || !sources)
        return false;
    column->stage = plan;
    column->sources = sources;
    for (size_t i = 0; i < m->n; i++) {
        sources[i] = kql_const_text(m->b, m->labels[i], at);
        if (!sources[i])
            return false;
    }
    return kql_scope_add(m->b, &plan->out, column);
}

bool kql_bind_union(struct kql_binder *b, const struct kql_stage *stage, struct kql_plan **io)
{
    struct merge m = {.b = b};
    if (!read_params(&m, stage))
        return false;
    if (*io && !add_input(&m, *io, STR("union_arg0")))
        return false;
    for (const struct kql_node *node = stage->list; node; node = node->next) {
        if (!bind_input(&m, node))
            return false;
    }
    if (m.n == 0)
        return kql_refuse(b->text, stage->at, "none of the tables of the union is there");
    struct kql_plan *plan = kql_plan_new(b, KQL_UNION, "union", NULL);
    if (!plan || !merge_columns(&m))
        return false;
    plan->inputs = m.inputs;
    plan->n_inputs = m.n;
    *io = plan;
    if (m.source.p && !add_source_column(&m, plan, stage->at))
        return false;
    for (size_t i = 0; i < m.n_columns; i++) {
        const struct merged *c = &m.columns[i];
        if ((!m.inner || c->everywhere || c->inner) && !add_merged(&m, plan, c, stage->at))
            return false;
    }
    return true;
}
