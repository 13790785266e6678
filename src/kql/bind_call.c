/* Calls of rows of the function table: conversions, overloads, folding of constants. */

#include "kql/bind.h"
#include "kql/regex.h"
#include "kql/special.h"

enum { ARGUMENTS_MAX = 4096, FOLDED_MAX = 8 };

/* A number or time that is constant, as a constant of another type; NULL: it cannot be said. */
static struct kql_expr *convert_const(struct kql_binder *b, struct kql_expr *expr,
                                      enum column_type type)
{
    struct kql_value value = expr->value;
    value.type = type;
    if (!value.null && type == COLUMN_REAL)
        value.r = (double) value.i;
    struct kql_expr *out = kql_const(b, value, expr->at);
    if (out)
        out->name = expr->name;
    return out;
}

static bool is_integer(enum column_type type)
{
    return type == COLUMN_INT || type == COLUMN_LONG;
}

struct kql_expr *kql_convert(struct kql_binder *b, struct kql_expr *expr, enum column_type type)
{
    if (expr->type == type)
        return expr;
    struct kql_expr *args[] = {expr};
    struct kql_expr *out = NULL;
    bool wider = (is_integer(expr->type) && (type == COLUMN_REAL || type == COLUMN_LONG));
    if (wider && expr->kind == KQL_CONST)
        return convert_const(b, expr, type);
    if (wider && type == COLUMN_LONG)
        out = kql_call(b, "(long)", expr->at, args, 1);
    else if (wider)
        out = kql_call(b, "(real)", expr->at, args, 1);
    else if (expr->kind == KQL_CONST && expr->value.null && type != COLUMN_STRING)
        out = convert_const(b, expr, type);
    else if (expr->type == COLUMN_DYNAMIC) {
        static const char *const names[COLUMN_TYPE_COUNT] = {
            [COLUMN_BOOL] = "tobool",         [COLUMN_INT] = "toint",
            [COLUMN_LONG] = "tolong",         [COLUMN_REAL] = "toreal",
            [COLUMN_DECIMAL] = "todecimal",   [COLUMN_DATETIME] = "todatetime",
            [COLUMN_TIMESPAN] = "totimespan", [COLUMN_GUID] = "toguid",
            [COLUMN_STRING] = "tostring"};
        out = kql_call(b, names[type], expr->at, args, 1);
    }
    if (out && out != expr)
        out->name = expr->name;
    return out;
}

/* How well an argument fits a letter: 0 as it is, more: worse, -1 not at all. */
static int fitness(const struct kql_expr *arg, char letter)
{
    enum column_type wanted = kql_letter_type(letter);
    bool constant = letter >= 'A' && letter <= 'Z';
    if (constant && arg->kind != KQL_CONST)
        return -1;
    char small = constant ? (char) (letter | 0x20) : letter;
    if (small == 'a')
        return 4;
    if (small == 'j')
        return 5;
    if (small == 'k')
        return arg->type == COLUMN_DYNAMIC ? -1 : 4;
    if (small == 'n')
        return is_integer(arg->type) || arg->type == COLUMN_REAL ? 0 : -1;
    if (arg->type == wanted)
        return 0;
    if (arg->type == COLUMN_INT && wanted == COLUMN_LONG)
        return 1;
    if (is_integer(arg->type) && wanted == COLUMN_REAL)
        return 2;
    if (arg->type != COLUMN_DYNAMIC)
        return -1;
    return wanted == COLUMN_LONG ? 6 : wanted == COLUMN_STRING ? 7 : 8;
}

char kql_letter_at(const char *letters, size_t i)
{
    for (size_t k = 0; letters[k]; k++) {
        if (letters[k + 1] == '*' && i >= k)
            return letters[k];
        if (k == i)
            return letters[k] == '*' ? '\0' : letters[k];
    }
    return '\0';
}

/* How well all arguments fit a row: the sum, or -1. */
static int row_fitness(const struct kql_function *row, struct kql_expr *const *args, size_t n)
{
    size_t letters = strlen(row->args);
    bool open = letters > 0 && row->args[letters - 1] == '*';
    int sum = 0;
    if (open ? n + 2 < letters : n != letters)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int fit = fitness(args[i], kql_letter_at(row->args, i));
        if (fit < 0)
            return -1;
        sum += fit;
    }
    return sum;
}

static struct kql_expr *to_dynamic(struct kql_binder *b, struct kql_expr *expr)
{
    struct kql_expr *args[] = {expr};
    struct kql_expr *out = kql_call(b, "(dynamic)", expr->at, args, 1);
    if (out)
        out->name = expr->name;
    return out;
}

/* A constant regular expression of KQL as the engine's. */
static struct kql_expr *to_regex(struct kql_binder *b, struct kql_expr *expr)
{
    struct buf buf = BUF_INIT(KQL_TEXT_MAX);
    unsigned groups = 0;
    struct kql_expr *out = NULL;
    const char *wrong = kql_regex_translate(expr->value.text, &buf, &groups);
    if (wrong)
        kql_refuse(b->text, expr->at, "the regular expression %s", wrong);
    else if (buf_ok(&buf, "a regular expression", b->text->err))
        out = kql_const_text(b, kql_printed_str(b, "%s", buf_text(&buf)), expr->at);
    buf_release(&buf);
    return out;
}

static struct kql_expr *convert_argument(struct kql_binder *b, struct kql_expr *arg, char letter)
{
    enum column_type wanted = kql_letter_type(letter);
    if (letter == 'E')
        return to_regex(b, arg);
    if (letter == 'j')
        return to_dynamic(b, arg);
    return wanted == COLUMN_TYPE_COUNT ? arg : kql_convert(b, arg, wanted);
}

/* The call as a constant, when all arguments are and the row knows how. */
static struct kql_expr *fold(struct kql_binder *b, struct kql_expr *call)
{
    struct kql_value values[FOLDED_MAX], out = {.type = call->type};
    if (!call->function->fold || call->n > FOLDED_MAX)
        return call;
    for (size_t i = 0; i < call->n; i++) {
        if (call->args[i]->kind != KQL_CONST)
            return call;
        values[i] = call->args[i]->value;
        if (values[i].null)
            out.null = true;
    }
    if (!out.null && !call->function->fold(values, call->n, &out))
        return call;
    struct kql_expr *constant = kql_const(b, out, call->at);
    if (constant)
        constant->name = call->name;
    return constant;
}

static struct str call_name(struct kql_binder *b, const struct kql_function *row,
                            struct kql_expr **args, size_t n)
{
    struct str none = {NULL, 0};
    if (row->naming == KQL_FIRST)
        return n > 0 ? args[0]->name : none;
    if (row->naming != KQL_PREFIX)
        return none;
    struct str first = n > 0 ? args[0]->name : none;
    if (first.n == 0 && row->kind == KQL_SCALAR)
        return none;
    return kql_printed_str(b, "%s_%.*s", row->prefix, (int) first.n, first.n ? first.p : "");
}

struct kql_expr *kql_call_row(struct kql_binder *b, const struct kql_function *row,
                              struct kql_at at, struct kql_expr **args, size_t n)
{
    struct kql_expr *call = kql_new(b, 1, sizeof *call);
    if (!call)
        return NULL;
    *call = (struct kql_expr){.kind = KQL_CALL, .at = at, .function = row, .n = n};
    call->args = kql_new(b, n, sizeof *call->args);
    if (!call->args)
        return NULL;
    call->nullable = row->nulls == KQL_MAYBE;
    call->aggregates = row->kind == KQL_AGGREGATE;
    call->windows = row->kind == KQL_WINDOW;
    for (size_t i = 0; i < n; i++) {
        call->args[i] = convert_argument(b, args[i], kql_letter_at(row->args, i));
        if (!call->args[i])
            return NULL;
        call->nullable |= row->nulls == KQL_STRICT && call->args[i]->nullable;
        call->aggregates |= call->args[i]->aggregates;
        call->windows |= call->args[i]->windows;
    }
    bool as_argument = row->result >= '1' && row->result <= '9';
    call->type = as_argument ? call->args[row->result - '1']->type : kql_letter_type(row->result);
    call->name = call_name(b, row, args, n);
    return fold(b, call);
}

static bool refuse_types(struct kql_binder *b, struct str name, struct kql_at at,
                         struct kql_expr **args, size_t n)
{
    struct buf types = BUF_INIT(ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < n; i++)
        buf_printf(&types, "%s%s", i ? ", " : "", column_type_name(args[i]->type));
    kql_refuse(b->text, at, "%s does not take %s%s%s", kql_show(b->text, name),
               n ? "(" : "no arguments", buf_text(&types), n ? ")" : "");
    buf_release(&types);
    return false;
}

struct kql_expr *kql_call_rows(struct kql_binder *b, const struct kql_function *rows, size_t count,
                               struct str name, struct kql_at at, struct kql_expr **args, size_t n)
{
    const struct kql_function *best = NULL;
    int least = 0;
    for (size_t i = 0; i < count; i++) {
        int fit = row_fitness(&rows[i], args, n);
        if (fit >= 0 && (!best || fit < least)) {
            best = &rows[i];
            least = fit;
        }
    }
    if (best)
        return kql_call_row(b, best, at, args, n);
    refuse_types(b, name, at, args, n);
    return NULL;
}

struct kql_expr *kql_call(struct kql_binder *b, const char *name, struct kql_at at,
                          struct kql_expr **args, size_t n)
{
    size_t count = 0;
    const struct kql_function *rows = NULL;
    if (!name) /* it was being put together when memory ran out */
        return NULL;
    for (size_t i = 0; i < kql_rows_operator_count && !rows; i++) {
        if (strcmp(kql_rows_operator[i].name, name) == 0) {
            rows = &kql_rows_operator[i];
            while (i + count < kql_rows_operator_count && strcmp(rows[count].name, name) == 0)
                count++;
        }
    }
    if (!rows)
        rows = kql_function_rows(str_of(name), KQL_SCALAR, &count);
    if (!rows)
        rows = kql_function_rows(str_of(name), KQL_AGGREGATE, &count);
    return kql_call_rows(b, rows, count, str_of(name), at, args, n);
}

enum column_type kql_common_type(struct kql_expr *const *args, size_t n)
{
    enum column_type type = COLUMN_TYPE_COUNT;
    for (size_t i = 0; i < n; i++) {
        enum column_type t = args[i]->type;
        if (type == COLUMN_TYPE_COUNT || type == t)
            type = t;
        else if (is_integer(type) && is_integer(t))
            type = COLUMN_LONG;
        else if ((is_integer(type) || type == COLUMN_REAL) && (is_integer(t) || t == COLUMN_REAL))
            type = COLUMN_REAL;
        else if (type == COLUMN_DYNAMIC || t == COLUMN_DYNAMIC)
            type = type == COLUMN_DYNAMIC ? t : type;
        else
            return COLUMN_TYPE_COUNT;
    }
    return type;
}

/* The arguments of a call in syntax, bound; stars and named ones are refused. */
static bool bind_arguments(struct kql_binder *b, const struct kql_node *node,
                           const struct kql_scope *scope, struct kql_expr ***out, size_t *n)
{
    *n = 0;
    for (const struct kql_node *arg = node->first; arg; arg = arg->next)
        ++*n;
    if (*n > ARGUMENTS_MAX)
        return kql_refuse(b->text, node->at, "more than %d arguments", ARGUMENTS_MAX);
    *out = kql_new(b, *n, sizeof **out);
    if (!*out)
        return false;
    size_t i = 0;
    for (const struct kql_node *arg = node->first; arg; arg = arg->next, i++) {
        (*out)[i] = kql_bind_expr(b, arg, scope);
        if (!(*out)[i])
            return false;
    }
    return true;
}

static struct kql_expr *refuse_unknown(struct kql_binder *b, const struct kql_node *node)
{
    struct kql_let *let = kql_let_find(b, node->text);
    if (let && let->lambda) {
        kql_refuse(b->text, node->at, "functions of let statements are not supported yet");
        return NULL;
    }
    kql_refuse(b->text, node->at, "function %s is not supported yet",
               kql_show(b->text, node->text));
    const char *near = kql_function_nearest(node->text, b->grouping);
    if (near)
        error_hint(b->text->err, "did you mean '%s'?", near);
    return NULL;
}

/* An aggregate: what stands inside may not aggregate again. */
static struct kql_expr *bind_aggregate(struct kql_binder *b, const struct kql_node *node,
                                       const struct kql_scope *scope,
                                       const struct kql_function *rows, size_t count)
{
    struct kql_expr **args = NULL;
    size_t n = 0;
    b->grouping = false;
    bool good = bind_arguments(b, node, scope, &args, &n);
    b->grouping = true;
    return good ? kql_call_rows(b, rows, count, node->text, node->at, args, n) : NULL;
}

struct kql_expr *kql_bind_call(struct kql_binder *b, const struct kql_node *node,
                               const struct kql_scope *scope)
{
    size_t count = 0, n = 0;
    struct kql_expr **args = NULL;
    kql_special_fn *special = kql_special_find(node->text);
    if (special)
        return special(b, node, scope);
    const struct kql_function *rows = kql_function_rows(node->text, KQL_AGGREGATE, &count);
    if (rows && rows->name[0] != '(') {
        if (b->grouping)
            return bind_aggregate(b, node, scope, rows, count);
        kql_refuse(b->text, node->at, "%s aggregates rows: it can stand in summarize only",
                   kql_show(b->text, node->text));
        return NULL;
    }
    rows = kql_function_rows(node->text, KQL_SCALAR, &count);
    if (!rows)
        return refuse_unknown(b, node);
    if (!bind_arguments(b, node, scope, &args, &n))
        return NULL;
    return kql_call_rows(b, rows, count, node->text, node->at, args, n);
}
