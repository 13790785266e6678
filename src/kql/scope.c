/* Scopes: lists of columns, the names in them, and the stages that hand them on. */

#include "kql/bind.h"

#include <ctype.h>

void *kql_new(struct kql_binder *b, size_t count, size_t size)
{
    return arena_alloc(b->text->arena, count, size, b->text->err);
}

__attribute__((format(printf, 2, 0))) static struct str vprinted(struct kql_binder *b,
                                                                 const char *format, va_list args)
{
    struct buf buf = BUF_INIT(KQL_TEXT_MAX);
    buf_vprintf(&buf, format, args);
    struct str out = {NULL, 0};
    if (buf_ok(&buf, "a name", b->text->err)) {
        out.p = arena_copy(b->text->arena, buf_text(&buf), buf.used, b->text->err);
        out.n = out.p ? buf.used : 0;
    }
    buf_release(&buf);
    return out;
}

const char *kql_printed(struct kql_binder *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str out = vprinted(b, format, args);
    va_end(args);
    return out.p;
}

struct str kql_printed_str(struct kql_binder *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str out = vprinted(b, format, args);
    va_end(args);
    return out;
}

/* Room for one more pointer in an array of the arena; the old array is left behind. */
static bool grow(struct kql_binder *b, void ***array, size_t *room, size_t used, size_t max)
{
    if (used < *room)
        return true;
    if (used >= max)
        return error_set(b->text->err, ERROR_KQL, "the query has more than %zu columns or stages",
                         max);
    size_t wanted = *room ? *room * 2 : 8;
    void **bigger = kql_new(b, wanted, sizeof *bigger);
    if (!bigger)
        return false;
    if (used > 0)
        memcpy(bigger, *array, used * sizeof *bigger);
    *array = bigger;
    *room = wanted;
    return true;
}

bool kql_scope_add(struct kql_binder *b, struct kql_scope *scope, struct kql_column *column)
{
    void **array = (void **) scope->v;
    if (!column || !grow(b, &array, &scope->room, scope->n, COLUMNS_MAX))
        return false;
    scope->v = (struct kql_column **) array;
    scope->v[scope->n++] = column;
    return true;
}

struct kql_column *kql_scope_find(const struct kql_scope *scope, struct str name)
{
    for (size_t i = 0; i < scope->n; i++) {
        if (!scope->v[i]->inner && str_eq(scope->v[i]->name, name))
            return scope->v[i];
    }
    return NULL;
}

static bool sql_name_taken(const struct kql_scope *scope, struct str name)
{
    for (size_t i = 0; scope && i < scope->n; i++) {
        if (str_eq_case(str_of(scope->v[i]->sql), name))
            return true;
    }
    return false;
}

/* The name itself where it is free. A NUL cannot stand in SQL, and letters that are not ASCII have no case that is
 * known here: such names are numbered. */
static const char *free_sql_name(struct kql_binder *b, struct str name,
                                 const struct kql_scope *near, const struct kql_scope *also)
{
    bool plain = name.n > 0 && memchr(name.p, '\0', name.n) == NULL;
    for (size_t i = 0; plain && i < name.n; i++)
        plain = (unsigned char) name.p[i] < 0x80;
    if (!plain)
        name = STR("column");
    struct str wanted = plain ? name : kql_printed_str(b, "column %u", ++b->names);
    for (unsigned i = 2; wanted.p && (sql_name_taken(near, wanted) || sql_name_taken(also, wanted));
         i++)
        wanted = kql_printed_str(b, "%.*s_%u", (int) name.n, name.p, i);
    return wanted.p ? arena_copy(b->text->arena, wanted.p, wanted.n, b->text->err) : NULL;
}

const char *kql_table_name(struct kql_binder *b, const struct kql_scope *scope, struct str name)
{
    struct str time = STR("TimeGenerated"), wanted = name;
    bool taken = !str_eq(name, time) && (str_eq_case(name, time) || sql_name_taken(scope, name));
    for (unsigned i = 2; taken && wanted.p; i++) {
        wanted = kql_printed_str(b, "%.*s_%u", (int) name.n, name.p, i);
        taken = wanted.p && sql_name_taken(scope, wanted);
    }
    return wanted.p ? arena_copy(b->text->arena, wanted.p, wanted.n, b->text->err) : NULL;
}

struct kql_column *kql_column_new(struct kql_binder *b, struct str name, enum column_type type,
                                  bool nullable, const struct kql_scope *near,
                                  const struct kql_scope *also)
{
    struct kql_column *column = kql_new(b, 1, sizeof *column);
    const char *sql = column ? free_sql_name(b, name, near, also) : NULL;
    if (!sql)
        return NULL;
    *column = (struct kql_column){
        .name = name, .sql = sql, .type = type, .nullable = nullable && type != COLUMN_STRING};
    return column;
}

struct str kql_free_name(struct kql_binder *b, const struct kql_scope *scope, struct str wanted)
{
    struct str name = wanted;
    for (unsigned i = 1; name.p && kql_scope_find(scope, name); i++)
        name = kql_printed_str(b, "%.*s%u", (int) wanted.n, wanted.p, i);
    return name;
}

bool kql_name_matches(struct str pattern, struct str name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, back = 0;
    while (n < name.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            back = n;
        } else if (p < pattern.n && pattern.p[p] == name.p[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++back;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

bool kql_unknown_column(struct kql_binder *b, const struct kql_scope *scope, struct str name,
                        struct kql_at at)
{
    kql_refuse(b->text, at, "there is no column %s here", kql_show(b->text, name));
    size_t n = 0;
    const char **names = kql_new(b, scope->n + 1, sizeof *names);
    for (size_t i = 0; names && i < scope->n; i++) {
        const struct kql_column *column = scope->v[i];
        if (!column->inner)
            names[n++] = arena_copy(b->text->arena, column->name.p, column->name.n, NULL);
        if (n > 0 && !names[n - 1])
            n--;
    }
    const char *near = names ? text_nearest(name, names, n) : NULL;
    return near ? error_hint(b->text->err, "did you mean '%s'?", near) : false;
}

struct kql_plan *kql_plan_new(struct kql_binder *b, enum kql_plan_kind kind, const char *what,
                              struct kql_plan *in)
{
    struct kql_plan *plan = kql_new(b, 1, sizeof *plan);
    void **array = (void **) b->stages.v;
    if (!plan || !grow(b, &array, &b->stages.room, b->stages.n, COLUMNS_MAX))
        return NULL;
    b->stages.v = (struct kql_plan **) array;
    *plan =
        (struct kql_plan){.kind = kind, .what = what, .id = (unsigned) b->stages.n + 1, .from = 1};
    b->stages.v[b->stages.n++] = plan;
    if (in) {
        plan->inputs = kql_new(b, 1, sizeof *plan->inputs);
        if (!plan->inputs)
            return NULL;
        plan->inputs[plan->n_inputs++] = in;
    }
    return plan;
}

bool kql_plan_pass_inner(struct kql_binder *b, struct kql_plan *plan, bool hidden)
{
    const struct kql_scope *in = &plan->inputs[0]->out;
    for (size_t i = 0; i < in->n; i++) {
        bool pass = in->v[i]->inner || (hidden && in->v[i]->hidden);
        if (pass && !kql_scope_add(b, &plan->out, in->v[i]))
            return false;
    }
    return true;
}

bool kql_plan_pass_all(struct kql_binder *b, struct kql_plan *plan)
{
    const struct kql_scope *in = &plan->inputs[0]->out;
    for (size_t i = 0; i < in->n; i++) {
        if (!kql_scope_add(b, &plan->out, in->v[i]))
            return false;
    }
    kql_plan_keep_order(plan);
    return true;
}

void kql_plan_keep_order(struct kql_plan *plan)
{
    plan->order = plan->inputs[0]->order;
    plan->n_order = plan->inputs[0]->n_order;
    plan->numbered = plan->inputs[0]->numbered;
}

bool kql_plan_compute(struct kql_binder *b, struct kql_plan *plan, struct kql_column *column,
                      struct kql_expr *expr)
{
    if (!column || !expr)
        return false;
    column->stage = plan;
    column->expr = expr;
    return kql_scope_add(b, &plan->out, column);
}
