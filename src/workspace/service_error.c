/* Service errors: see service_error.h. */
#include "workspace/service_error.h"

#include <jansson.h>
#include <stdio.h>

enum { ERROR_DEPTH_MAX = 8 };

/* Kusto's E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003, as a signed decimal. */
static const char TOO_LARGE_CODE[] = "-2133196797";

static bool holds(struct str text, const char *part)
{
    return text.n > 0 && memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* The number behind `before`, when `after` follows it. */
static bool number_between(struct str text, const char *before, const char *after, uint64_t *out)
{
    const char *at = text.n > 0 ? memmem(text.p, text.n, before, strlen(before)) : NULL;
    if (!at)
        return false;
    struct str rest = {at + strlen(before), (size_t) (text.p + text.n - at) - strlen(before)};
    size_t digits = 0;
    while (digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '9')
        digits++;
    bool number = str_uint64((struct str){rest.p, digits}, out);
    return number && str_starts((struct str){rest.p + digits, rest.n - digits}, str_of(after));
}

/* "… exceed the set limit of 64000000 bytes", "… of 500000 records", and "Maximum response size of
 * 100000000 bytes exceeded": the texts are all that a client has to tell them by. */
static bool names_a_ceiling(struct str text, struct service_error *out)
{
    uint64_t limit = 0;
    if (number_between(text, "exceed the set limit of ", " records", &limit))
        out->ceiling = WORKSPACE_CEILING_ROWS;
    else if (number_between(text, "exceed the set limit of ", " bytes", &limit))
        out->ceiling = WORKSPACE_CEILING_BYTES;
    else if (number_between(text, "Maximum response size of ", " bytes exceeded", &limit))
        out->ceiling = WORKSPACE_CEILING_JSON;
    else
        return holds(text, "E_QUERY_RESULT_SET_TOO_LARGE");
    out->limit = limit;
    return true;
}

struct walk {
    struct service_error *out;
    unsigned deepest; /* of the message kept, from 1; 0: none */
};

static void note(struct walk *walk, const json_t *link, unsigned depth)
{
    struct service_error *out = walk->out;
    const char *code = json_string_value(json_object_get(link, "code"));
    const char *message = json_string_value(json_object_get(link, "message"));
    if (code && out->count < SERVICE_LINKS_MAX) {
        (void) snprintf(out->links[out->count].code, SERVICE_CODE_MAX, "%s", code);
        out->links[out->count++].depth = depth;
    }
    bool named = names_a_ceiling(str_of(message), out);
    out->too_large = out->too_large || named || (code && strcmp(code, TOO_LARGE_CODE) == 0);
    if (message && message[0] && depth > walk->deepest) {
        (void) snprintf(out->message, SERVICE_MESSAGE_MAX, "%s", message);
        walk->deepest = depth;
    }
}

/* Recursion is bounded by ERROR_DEPTH_MAX; jansson has bounded the text's own depth before. */
static void visit(struct walk *walk, const json_t *link, unsigned depth)
{
    if (!json_is_object(link) || depth > ERROR_DEPTH_MAX)
        return;
    note(walk, link, depth);
    visit(walk, json_object_get(link, "innererror"), depth + 1);
    const json_t *details = json_object_get(link, "details");
    for (size_t i = 0; i < json_array_size(details) && i < SERVICE_LINKS_MAX; i++)
        visit(walk, json_array_get(details, i), depth + 1);
}

bool service_error_parse(struct str text, struct service_error *out)
{
    memset(out, 0, sizeof *out);
    json_t *root = json_loadb(text.n > 0 ? text.p : "", text.n, 0, NULL);
    const json_t *inside = json_object_get(root, "error");
    struct walk walk = {.out = out};
    visit(&walk, json_is_object(inside) ? inside : root, 1);
    json_decref(root);
    if (out->count == 0)
        out->too_large = names_a_ceiling(text, out) || holds(text, TOO_LARGE_CODE);
    return out->count > 0;
}

bool service_error_has(const struct service_error *error, const char *code)
{
    for (size_t i = 0; i < error->count; i++)
        if (strcmp(error->links[i].code, code) == 0)
            return true;
    return false;
}

const char *service_error_code(const struct service_error *error)
{
    return error->count > 0 ? error->links[0].code : "";
}
