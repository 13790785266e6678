/* Search jobs and restores through Resource Manager: see job.h.
 *
 * The table that a job makes is all the state there is: it is there or not, says how far it is, and of what table and
 * range it is. So each function looks at it first, and no two runs need to know of each other.
 */
#include "workspace/job.h"

#include "workspace/job_intern.h"
#include "workspace/manager.h"

#include <stdio.h>
#include <strings.h>

enum {
    PAUSE_FIRST = 1, /* seconds between looks, doubled up to PAUSE_MAX */
    PAUSE_MAX = 30,
    TAKEN_LOOKS = 40,  /* until a job that was put must be seen, or one that leaves be gone */
    TROUBLES_MAX = 20, /* looks in a row that fail, while a job runs */
    LIST_PAGES_MAX = 1000,
    PERCENT = 100
};
static const char TABLES_VERSION[] = "2022-10-01"; /* has searchResults and restoredLogs */
/* The range of a search is asked for with so much more at both ends: no page says whether they are in it. */
static const int64_t MARGIN = TICK_SECOND;

const char *workspace_job_status_text(enum workspace_job_status status)
{
    static const char *const texts[] = {
        [WORKSPACE_JOB_NONE] = "not there", [WORKSPACE_JOB_RUNNING] = "running",
        [WORKSPACE_JOB_DONE] = "done",      [WORKSPACE_JOB_PARTIAL] = "partial",
        [WORKSPACE_JOB_FAILED] = "failed",  [WORKSPACE_JOB_LEAVING] = "being removed",
    };
    return (size_t) status < sizeof texts / sizeof texts[0] ? texts[status] : "?";
}

/* --- where --- */

static bool check(const struct workspace *w, struct error *err)
{
    char why[WORKSPACE_WHY_MAX];
    if (!manager_check_inside(w, err))
        return false;
    if (manager_can_ask(w, why))
        return true;
    (void) error_set(err, ERROR_SETTINGS,
                     "a search job or restore is asked of Resource Manager: %s", why);
    return error_hint(err, "give both: see weir init");
}

static bool put_path(const struct workspace *w, const char *name, struct buf *path,
                     struct error *err)
{
    buf_put_str(path, buf_str(&w->resource_id));
    buf_puts(path, name ? "/tables/" : "/tables");
    if (name)
        http_put_encoded(path, str_of(name));
    return buf_ok(path, "the address of a table", err);
}

/* --- what a table says --- */

static const char *const times[][2] = {{"startSearchTime", "endSearchTime"},
                                       {"startRestoreTime", "endRestoreTime"}};

/* What was asked for, as the table has it; NULL when it does not say. */
static const json_t *asked_of(const json_t *properties, enum workspace_job_kind kind)
{
    const char *key = kind == WORKSPACE_JOB_SEARCH ? "searchResults" : "restoredLogs";
    const json_t *asked = json_object_get(properties, key);
    return json_is_object(asked) ? asked
                                 : json_object_get(json_object_get(properties, "schema"), key);
}

static bool get_time(const json_t *asked, const char *key, int64_t *out)
{
    const char *text = json_string_value(json_object_get(asked, key));
    return text && tick_parse(str_of(text), out);
}

/* The job that a table is of, as far as it says. */
static bool read_asked(const json_t *properties, enum workspace_job_kind kind,
                       struct workspace_job *out)
{
    const json_t *asked = asked_of(properties, kind);
    const char *source = json_string_value(json_object_get(asked, "sourceTable"));
    const char *query = json_string_value(json_object_get(asked, "query"));
    *out = (struct workspace_job){.kind = kind, .table = source ? source : query};
    if (!out->table || !get_time(asked, times[kind][0], &out->from) ||
        !get_time(asked, times[kind][1], &out->to))
        return false;
    if (kind == WORKSPACE_JOB_SEARCH) {
        out->from += MARGIN;
        out->to -= MARGIN;
    }
    return true;
}

static bool is_same(const struct workspace_job *job, const struct workspace_job *is)
{
    return strcasecmp(job->table, is->table) == 0 && job->from == is->from && job->to == is->to;
}

/* A state that is not told is no end, whatever it means elsewhere: what is exported must be whole. */
static enum workspace_job_status status_of(const char *state)
{
    if (!state)
        return WORKSPACE_JOB_RUNNING;
    if (strcasecmp(state, "Succeeded") == 0)
        return WORKSPACE_JOB_DONE;
    if (strcasestr(state, "partial"))
        return WORKSPACE_JOB_PARTIAL;
    if (strcasecmp(state, "Deleting") == 0)
        return WORKSPACE_JOB_LEAVING;
    return strcasecmp(state, "Failed") == 0 || strncasecmp(state, "Cancel", 6) == 0
               ? WORKSPACE_JOB_FAILED
               : WORKSPACE_JOB_RUNNING;
}

static double number_of(const json_t *object, const char *key)
{
    double value = json_number_value(json_object_get(object, key));
    return value > 0 && value < 1e18 ? value : 0;
}

/* The words of the service on what went wrong, wherever it puts them. */
static const char *words_of(const json_t *properties, const json_t *statistics)
{
    const json_t *error = json_object_get(properties, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    if (!message)
        message = json_string_value(json_object_get(statistics, "message"));
    return message ? message : "it does not say why";
}

static void explain(const json_t *properties, const json_t *statistics, const char *state,
                    struct workspace_job_state *out)
{
    char rows[TEXT_NUMBER_MAX];
    if (out->status == WORKSPACE_JOB_FAILED)
        (void) snprintf(out->why, sizeof out->why, "%.40s: %.400s", state,
                        words_of(properties, statistics));
    if (out->status == WORKSPACE_JOB_PARTIAL)
        (void) snprintf(out->why, sizeof out->why,
                        "it found %s rows and left the rest: a job ends at its row limit",
                        text_grouped(out->rows, rows));
}

static void read_state(const json_t *root, enum workspace_job_kind kind,
                       struct workspace_job_state *out)
{
    const json_t *properties = json_object_get(root, "properties");
    const json_t *statistics = json_object_get(properties, "resultStatistics");
    const json_t *progress = json_object_get(statistics, "progress");
    const char *state = json_string_value(json_object_get(properties, "provisioningState"));
    double limit = number_of(asked_of(properties, kind), "limit");
    out->status = status_of(state);
    out->rows = (uint64_t) number_of(statistics, "ingestedRecords");
    out->gigabytes = number_of(statistics, "scannedGb");
    out->progress = json_is_number(progress) ? json_number_value(progress) / PERCENT : -1;
    if (kind == WORKSPACE_JOB_SEARCH && out->status == WORKSPACE_JOB_DONE && limit > 0 &&
        (double) out->rows >= limit)
        out->status = WORKSPACE_JOB_PARTIAL;
    explain(properties, statistics, state, out);
}

/* --- looking --- */

static bool not_ours(const struct workspace_job_state *state, struct error *err)
{
    (void) error_set(err, ERROR_EXISTS,
                     "table %s is in the workspace, but not the result of this job", state->name);
    return error_hint(err, "remove it, if nobody needs it");
}

bool workspace_job_ask(struct workspace *w, const struct workspace_job *job,
                       struct workspace_job_state *out, struct error *err)
{
    struct buf path = BUF_INIT(AZURE_RESOURCE_PATH_MAX);
    struct azure_resources resources;
    struct error why = ERROR_INIT;
    struct workspace_job is;
    json_t *root = NULL;
    *out = (struct workspace_job_state){.progress = -1};
    workspace_job_name(job, out->name);
    bool ok = check(w, err) && put_path(w, out->name, &path, err);
    if (ok) {
        resources = manager_resources(w);
        ok = azure_resource_get(&resources, buf_text(&path), TABLES_VERSION, &root, &why) ||
             why.code == ERROR_NOT_FOUND || error_pass(err, &why);
    }
    if (root) {
        read_state(root, job->kind, out);
        if (read_asked(json_object_get(root, "properties"), job->kind, &is) && !is_same(job, &is))
            ok = not_ours(out, err);
    }
    json_decref(root);
    buf_release(&path);
    return ok;
}

/* --- pauses --- */

struct patience_of_job {
    double pause, waited;
    unsigned looks, troubles;
};

/* Waits as long as the service asks, or longer each time. */
static bool wait_a_while(struct workspace *w, struct patience_of_job *patience, double asked,
                         struct error *err)
{
    double pause = patience->pause > 0 ? patience->pause : PAUSE_FIRST;
    patience->pause = 2 * pause < PAUSE_MAX ? 2 * pause : PAUSE_MAX;
    if (asked >= 0 && asked < PAUSE_MAX)
        pause = asked;
    patience->looks++;
    patience->waited += pause;
    return workspace_pause(w, pause, err);
}

/* Trouble that may be over at the next look. */
static bool may_pass(const struct error *why)
{
    return why->code == ERROR_NETWORK || why->code == ERROR_THROTTLED ||
           why->code == ERROR_TIMEOUT || why->code == ERROR_SERVICE;
}

/* --- beginning --- */

static json_t *body_of(const struct workspace_job *job)
{
    char from[TICK_TEXT_MAX], to[TICK_TEXT_MAX];
    int64_t margin = job->kind == WORKSPACE_JOB_SEARCH ? MARGIN : 0;
    (void) tick_format(job->from - margin, from);
    (void) tick_format(job->to + margin, to);
    return job->kind == WORKSPACE_JOB_SEARCH
               ? json_pack("{s:{s:{s:s, s:i, s:s, s:s}}}", "properties", "searchResults", "query",
                           job->table, "limit", WORKSPACE_JOB_ROWS_MAX, times[0][0], from,
                           times[0][1], to)
               : json_pack("{s:{s:{s:s, s:s, s:s}}}", "properties", "restoredLogs", "sourceTable",
                           job->table, times[1][0], from, times[1][1], to);
}

/* Until the table is there, or the service says why not. */
static bool wait_taken(struct workspace *w, const struct workspace_job *job,
                       struct azure_operation *operation, struct workspace_job_state *out,
                       struct error *err)
{
    struct patience_of_job patience = {0};
    struct azure_resources resources = manager_resources(w);
    bool ended = operation->by == AZURE_OPERATION_DONE;
    for (;;) {
        if (!workspace_job_ask(w, job, out, err))
            return false;
        if (out->status != WORKSPACE_JOB_NONE)
            return true;
        if (patience.looks == TAKEN_LOOKS)
            return error_set(err, ERROR_TIMEOUT, "%s was asked for, and is not there after %.0f s",
                             out->name, patience.waited);
        if (!wait_a_while(w, &patience, operation->retry_after, err))
            return false;
        if (!ended && operation->by != AZURE_OPERATION_RESOURCE &&
            !azure_operation_poll(&resources, operation, &ended, err))
            return false;
    }
}

static bool put_job(struct workspace *w, const struct workspace_job *job,
                    struct azure_operation *operation, struct error *err)
{
    char name[WORKSPACE_JOB_NAME_MAX + 1];
    struct buf path = BUF_INIT(AZURE_RESOURCE_PATH_MAX);
    struct azure_resources resources = manager_resources(w);
    json_t *body = body_of(job);
    workspace_job_name(job, name);
    bool ok = body || error_set(err, ERROR_MEMORY, "no memory for a job");
    ok =
        ok && put_path(w, name, &path, err) &&
        azure_resource_put(&resources, buf_text(&path), TABLES_VERSION, body, operation, NULL, err);
    json_decref(body);
    buf_release(&path);
    return ok;
}

/* An answer that was lost and a try that came again look like one that was refused: what counts is what is there. */
static bool start(struct workspace *w, const struct workspace_job *job,
                  struct workspace_job_state *out, struct error *err)
{
    struct azure_operation operation = {0};
    struct error why = ERROR_INIT;
    bool ok;
    if (put_job(w, job, &operation, &why))
        ok = wait_taken(w, job, &operation, out, err);
    else if (why.code != ERROR_AUTH && why.code != ERROR_MEMORY && why.code != ERROR_INTERRUPTED &&
             workspace_job_ask(w, job, out, NULL) &&
             (out->status == WORKSPACE_JOB_RUNNING || out->status == WORKSPACE_JOB_DONE))
        ok = true;
    else
        ok = error_pass(err, &why);
    if (!ok && why.code == ERROR_THROTTLED)
        (void) error_hint(err,
                          "a workspace runs 10 search jobs and 2 restores at once, and 200 jobs a "
                          "day: run the same command again later, it finds those that were "
                          "begun");
    azure_operation_release(&operation);
    return ok;
}

static bool check_plan(struct workspace *w, const struct workspace_job *job, struct error *err)
{
    struct workspace_facts facts;
    if (job->kind != WORKSPACE_JOB_RESTORE)
        return true;
    if (!workspace_facts(w, job->table, &facts, err))
        return false;
    if (facts.plan != WORKSPACE_PLAN_AUXILIARY)
        return true;
    (void) error_set(err, ERROR_USAGE, "%s has the plan Auxiliary, and only others can be restored",
                     job->table);
    return error_hint(err, "use a search job: --from search-job");
}

/* Until its table is gone. */
static bool wait_gone(struct workspace *w, const struct workspace_job *job,
                      struct workspace_job_state *out, struct error *err)
{
    struct patience_of_job patience = {0};
    for (;;) {
        if (!workspace_job_ask(w, job, out, err))
            return false;
        if (out->status == WORKSPACE_JOB_NONE)
            return true;
        if (patience.looks == TAKEN_LOOKS)
            return error_set(err, ERROR_TIMEOUT, "%s is still being removed after %.0f s",
                             out->name, patience.waited);
        if (!wait_a_while(w, &patience, -1, err))
            return false;
    }
}

bool workspace_job_begin(struct workspace *w, const struct workspace_job *job,
                         struct workspace_job_state *out, struct error *err)
{
    if (!workspace_job_ask(w, job, out, err))
        return false;
    out->found = out->status == WORKSPACE_JOB_RUNNING || out->status == WORKSPACE_JOB_DONE ||
                 out->status == WORKSPACE_JOB_PARTIAL;
    if (out->found)
        return true;
    if (out->status == WORKSPACE_JOB_FAILED && !workspace_job_end(w, job, err))
        return false;
    return (out->status == WORKSPACE_JOB_NONE || wait_gone(w, job, out, err)) &&
           check_plan(w, job, err) && start(w, job, out, err);
}

/* --- waiting --- */

/* What a look at a running job says; *ended when there is nothing to wait for. */
static bool judge(const struct workspace_job_state *state, bool *ended, struct error *err)
{
    *ended = state->status != WORKSPACE_JOB_RUNNING;
    switch (state->status) {
    case WORKSPACE_JOB_FAILED:
        (void) error_set(err, ERROR_SERVICE, "job %s failed: %s", state->name, state->why);
        return error_hint(err, "run the same command again: it starts the job anew");
    case WORKSPACE_JOB_NONE:
    case WORKSPACE_JOB_LEAVING:
        return error_set(err, ERROR_NOT_FOUND, "somebody removed %s while it was waited for",
                         state->name);
    default:
        return true;
    }
}

static bool too_long(const struct workspace_job_state *state, struct error *err)
{
    (void) error_set(err, ERROR_TIMEOUT, "job %s still runs after %d hours", state->name,
                     WORKSPACE_JOB_HOURS_MAX);
    return error_hint(
        err, "run the same command again later: it finds the job, and pays for nothing twice");
}

bool workspace_job_wait(struct workspace *w, const struct workspace_job *job,
                        workspace_job_fn *on_state, void *context, struct workspace_job_state *out,
                        struct error *err)
{
    const double longest = WORKSPACE_JOB_HOURS_MAX * 3600.0;
    struct patience_of_job patience = {0};
    for (;;) {
        struct error why = ERROR_INIT;
        bool ended = false;
        if (workspace_job_ask(w, job, out, &why)) {
            patience.troubles = 0;
            if (on_state)
                on_state(context, out);
            if (!judge(out, &ended, err))
                return false;
            if (ended)
                return true;
        } else if (!may_pass(&why) || ++patience.troubles == TROUBLES_MAX) {
            return error_pass(err, &why);
        }
        if (patience.waited > longest)
            return too_long(out, err);
        if (!wait_a_while(w, &patience, -1, err))
            return false;
    }
}

/* --- ending --- */

static bool delete_job(struct workspace *w, const struct workspace_job_state *state,
                       struct error *err)
{
    struct buf path = BUF_INIT(AZURE_RESOURCE_PATH_MAX);
    struct azure_operation operation = {0};
    struct azure_resources resources = manager_resources(w);
    bool ok = put_path(w, state->name, &path, err) &&
              azure_resource_delete(&resources, buf_text(&path), TABLES_VERSION, &operation, err);
    azure_operation_release(&operation);
    buf_release(&path);
    return ok;
}

bool workspace_job_end(struct workspace *w, const struct workspace_job *job, struct error *err)
{
    struct workspace_job_state state;
    struct patience_of_job patience = {0};
    if (!workspace_job_ask(w, job, &state, err))
        return false;
    if (state.status == WORKSPACE_JOB_NONE || state.status == WORKSPACE_JOB_LEAVING)
        return true;
    if (!delete_job(w, &state, err))
        return false;
    for (;;) {
        if (!workspace_job_ask(w, job, &state, err))
            return false;
        if (state.status == WORKSPACE_JOB_NONE || state.status == WORKSPACE_JOB_LEAVING)
            return true;
        if (patience.looks == TAKEN_LOOKS)
            return error_set(err, ERROR_TIMEOUT, "%s was removed, and is still there after %.0f s",
                             state.name, patience.waited);
        if (!wait_a_while(w, &patience, -1, err))
            return false;
    }
}

/* --- what was left --- */

/* A table is ours when its name is that of what it says it holds. */
static bool give_left(const json_t *table, workspace_job_left_fn *fn, void *context,
                      struct error *err)
{
    const char *name = json_string_value(json_object_get(table, "name"));
    struct workspace_job_state state = {.progress = -1};
    struct workspace_job job;
    enum workspace_job_kind kind;
    if (!name || !job_name_kind(name, &kind) ||
        !read_asked(json_object_get(table, "properties"), kind, &job))
        return true;
    workspace_job_name(&job, state.name);
    if (strcmp(state.name, name) != 0)
        return true;
    read_state(table, kind, &state);
    state.found = true;
    return fn(context, &job, &state, err);
}

static bool give_page(const json_t *page, size_t *seen, workspace_job_left_fn *fn, void *context,
                      struct error *err)
{
    const json_t *list = json_object_get(page, "value");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (++*seen > WORKSPACE_JOB_TABLES_MAX)
            return error_set(err, ERROR_LIMIT, "more than %d tables in the workspace",
                             WORKSPACE_JOB_TABLES_MAX);
        if (!give_left(json_array_get(list, i), fn, context, err))
            return false;
    }
    return true;
}

bool workspace_jobs_left(struct workspace *w, workspace_job_left_fn *fn, void *context,
                         struct error *err)
{
    struct buf path = BUF_INIT(AZURE_RESOURCE_PATH_MAX);
    struct azure_resources resources;
    struct error why = ERROR_INIT;
    const char *version = TABLES_VERSION;
    size_t seen = 0;
    bool ok = check(w, err) && put_path(w, NULL, &path, err), more = ok;
    if (ok)
        resources = manager_resources(w);
    for (int page = 0; ok && more && page < LIST_PAGES_MAX; page++) {
        json_t *root = NULL;
        ok = azure_resource_get(&resources, buf_text(&path), version, &root, err) &&
             give_page(root, &seen, fn, context, err);
        more = ok && azure_resource_next(&resources, root, &path, &why);
        version = NULL; /* the link to the next page has it */
        json_decref(root);
    }
    buf_release(&path);
    return ok && (why.code == ERROR_NONE || error_pass(err, &why));
}
