/* Search jobs and restores: started once, found again, waited for, removed; and never a table that is somebody else's. */
#include "fixture.h"

#include "workspace/job.h"

#include <jansson.h>

#define RESOURCE                                                                                   \
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
#define TABLES RESOURCE "/tables"

enum { TEXT = 1024, LOOKS_MAX = 64 };

struct job_fixture {
    struct fixture f;
    struct workspace *w;
    struct workspace_job job;
    struct workspace_job_state state;
    char name[WORKSPACE_JOB_NAME_MAX + 1];
    char path[TEXT], body[TEXT];
};

/* Pauses take no time here. */
static struct {
    double seconds[LOOKS_MAX];
    size_t n;
    size_t stop_at; /* an interruption comes in this pause; 0: none */
} pauses;

bool __wrap_workspace_pause(struct workspace *w, double seconds, struct error *err);
bool __wrap_workspace_pause(struct workspace *w, double seconds, struct error *err)
{
    (void) w;
    if (pauses.n < LOOKS_MAX)
        pauses.seconds[pauses.n] = seconds;
    pauses.n++;
    return pauses.stop_at == 0 || pauses.n < pauses.stop_at ||
           error_set(err, ERROR_INTERRUPTED, "interrupted");
}

static int64_t tick_of(const char *text)
{
    int64_t tick = 0;
    assert_true(tick_parse(str_of(text), &tick));
    return tick;
}

static void be(struct job_fixture *f, enum workspace_job_kind kind, const char *from,
               const char *to)
{
    f->job = (struct workspace_job){
        .kind = kind, .table = "Syslog", .from = tick_of(from), .to = tick_of(to)};
    workspace_job_name(&f->job, f->name);
}

static int set_up(void **state)
{
    static struct job_fixture f;
    f = (struct job_fixture){0};
    fixture_open(&f.f, NULL);
    fixture_sign_in(&f.f, 1);
    struct workspace_options options = {.endpoint = server_url(f.f.server, ""),
                                        .audience = "https://api.loganalytics.io",
                                        .id = FIXTURE_ID,
                                        .http = f.f.http,
                                        .credential = f.f.credential,
                                        .management = server_url(f.f.server, ""),
                                        .management_audience = "https://management.azure.com",
                                        .resource_id = RESOURCE};
    f.w = workspace_new(&options, &f.f.err);
    assert_non_null(f.w);
    be(&f, WORKSPACE_JOB_SEARCH, "2021-01-01T00:00:00Z", "2021-02-01T00:00:00Z");
    memset(&pauses, 0, sizeof pauses);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct job_fixture *f = *state;
    workspace_free(f->w);
    fixture_close(&f->f);
    return 0;
}

/* --- what the service says --- */

static void answer(struct job_fixture *f, const char *method, int status, const char *headers,
                   const char *body)
{
    (void) snprintf(f->path, sizeof f->path, "%s " TABLES "/%s?", method, f->name);
    server_answer(f->f.server, &(struct server_answer){.match = f->path,
                                                       .status = status,
                                                       .headers = headers,
                                                       .body = str_of(body)});
}

static void not_there(struct job_fixture *f)
{
    answer(f, "GET", 404, NULL, "{\"error\":{\"code\":\"ResourceNotFound\"}}");
}

/* A table as it is listed and asked for. */
static const char *table_of(struct job_fixture *f, const char *state, const char *statistics)
{
    char from[TICK_TEXT_MAX], to[TICK_TEXT_MAX];
    bool search = f->job.kind == WORKSPACE_JOB_SEARCH;
    (void) tick_format(f->job.from - (search ? TICK_SECOND : 0), from);
    (void) tick_format(f->job.to + (search ? TICK_SECOND : 0), to);
    (void) snprintf(f->body, sizeof f->body,
                    search
                        ? "{\"name\":\"%s\",\"properties\":{\"provisioningState\":\"%s\","
                          "\"resultStatistics\":{%s},\"schema\":{\"searchResults\":{\"query\":"
                          "\"Syslog\",\"limit\":100000000,\"startSearchTime\":\"%s\","
                          "\"endSearchTime\":\"%s\",\"sourceTable\":\"Syslog\"}}}}"
                        : "{\"name\":\"%s\",\"properties\":{\"provisioningState\":\"%s\","
                          "\"resultStatistics\":{%s},\"restoredLogs\":{\"sourceTable\":\"Syslog\","
                          "\"startRestoreTime\":\"%s\",\"endRestoreTime\":\"%s\"}}}",
                    f->name, state, statistics, from, to);
    return f->body;
}

static void there(struct job_fixture *f, const char *state, const char *statistics)
{
    answer(f, "GET", 200, NULL, table_of(f, state, statistics));
}

static bool begin(struct job_fixture *f)
{
    error_clear(&f->f.err);
    return workspace_job_begin(f->w, &f->job, &f->state, &f->f.err);
}

static bool wait_for(struct job_fixture *f)
{
    error_clear(&f->f.err);
    return workspace_job_wait(f->w, &f->job, NULL, NULL, &f->state, &f->f.err);
}

static void assert_status(const struct job_fixture *f, enum workspace_job_status status)
{
    if (f->state.status != status)
        fail_msg("%s: %s", workspace_job_status_text(f->state.status), f->state.why);
    assert_string_equal(f->state.name, f->name);
}

/* --- names and pieces --- */

static void a_name_follows_from_what_is_asked_and_from_nothing_else(void **state)
{
    struct job_fixture *f = *state;
    char other[WORKSPACE_JOB_NAME_MAX + 1];
    struct workspace_job job = f->job;
    assert_true(strncmp(f->name, "weir_Syslog_", 12) == 0);
    assert_string_equal(f->name + strlen(f->name) - 5, "_SRCH");
    workspace_job_name(&job, other);
    assert_string_equal(other, f->name);
    for (int i = 0; i < 4; i++) {
        job = f->job;
        job.from -= i == 0;
        job.to += i == 1;
        job.table = i == 2 ? "SyslogX" : job.table;
        job.kind = i == 3 ? WORKSPACE_JOB_RESTORE : job.kind;
        workspace_job_name(&job, other);
        assert_string_not_equal(other, f->name);
    }
    assert_string_equal(other + strlen(other) - 4, "_RST");
    job.table = "A_table_with_a_very_long_name_of_more_than_forty_five_characters_CL";
    job.kind = WORKSPACE_JOB_SEARCH;
    workspace_job_name(&job, other);
    assert_true(strlen(other) <= WORKSPACE_JOB_NAME_MAX);
    assert_string_equal(other + strlen(other) - 5, "_SRCH");
}

static size_t cut(struct job_fixture *f, const char *from, const char *to, uint64_t rows,
                  struct workspace_job *out)
{
    size_t n = 0;
    be(f, f->job.kind, from, to);
    error_clear(&f->f.err);
    if (!workspace_jobs_cut(&f->job, rows, tick_of("2022-06-01T12:00:00Z"), out, &n, &f->f.err))
        return 0;
    return n;
}

static void a_long_search_is_cut_into_pieces_that_meet(void **state)
{
    struct job_fixture *f = *state;
    struct workspace_job v[WORKSPACE_JOB_PIECES_MAX];
    static const struct {
        const char *from, *to;
        uint64_t rows;
        size_t least;
        bool midnight;
    } cases[] = {
        {"2021-01-01T00:00:00Z", "2021-02-01T00:00:00Z", 0, 1, true},
        {"2021-01-01T00:00:00Z", "2022-01-01T00:00:00Z", 0, 1, true},
        {"2021-01-01T00:00:00Z", "2022-01-01T00:05:00Z", 0, 2, true},
        {"2012-03-01T07:15:00Z", "2022-01-01T00:05:00Z", 0, 10, true},
        {"2021-01-01T00:00:00Z", "2021-02-01T00:00:00Z", 199000000, 4, false},
        {"2021-01-01T00:10:00Z", "2021-01-01T06:00:00Z", 300000000, 6, false},
        {"2021-01-01T00:00:00Z", "2021-01-01T00:05:00Z", 300000000, 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = cut(f, cases[i].from, cases[i].to, cases[i].rows, v);
        assert_true(n >= cases[i].least && n <= cases[i].least + 1);
        assert_true(v[0].from == f->job.from && v[n - 1].to == f->job.to);
        for (size_t k = 0; k < n; k++) {
            assert_true(v[k].from < v[k].to && v[k].to % TICK_PARTITION == 0);
            assert_true(v[k].to - v[k].from <= WORKSPACE_JOB_DAYS_MAX * TICK_DAY);
            assert_true(k + 1 == n || v[k].to == v[k + 1].from);
            assert_true(k + 1 == n || !cases[i].midnight || v[k].to % TICK_DAY == 0);
        }
    }
    assert_int_equal(cut(f, "2021-01-01T00:00:00Z", "2021-01-01T00:00:00Z", 0, v), 0);
    assert_int_equal(f->f.err.code, ERROR_NONE);
    assert_int_equal(cut(f, "2021-01-01T00:00:00Z", "2022-01-01T00:00:00Z", UINT64_MAX, v), 0);
    assert_int_equal(f->f.err.code, ERROR_LIMIT);
}

static void a_restore_is_of_whole_days_and_of_two_at_least(void **state)
{
    struct job_fixture *f = *state;
    struct workspace_job v[WORKSPACE_JOB_PIECES_MAX];
    static const char *const cases[][4] = {
        {"2021-01-01T07:00:00Z", "2021-01-01T08:00:00Z", "2021-01-01", "2021-01-03"},
        {"2021-01-01T00:00:00Z", "2021-01-03T00:00:00Z", "2021-01-01", "2021-01-03"},
        {"2018-01-01T00:05:00Z", "2021-01-03T00:05:00Z", "2018-01-01", "2021-01-04"},
        {"2022-06-01T00:00:00Z", "2022-06-01T09:00:00Z", "2022-05-30T12:00", "2022-06-01T12:00"},
    };
    f->job.kind = WORKSPACE_JOB_RESTORE;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(cut(f, cases[i][0], cases[i][1], 1, v), 1);
        assert_true(v[0].from == tick_of(cases[i][2]) && v[0].to == tick_of(cases[i][3]));
    }
}

/* --- beginning --- */

static void a_search_is_put_once_and_waited_for(void **state)
{
    struct job_fixture *f = *state;
    not_there(f);
    answer(f, "PUT", 202, NULL, "");
    there(f, "InProgress", "\"progress\":0");
    assert_true(begin(f));
    assert_status(f, WORKSPACE_JOB_RUNNING);
    assert_false(f->state.found);
    const struct server_request *r = server_request(f->f.server, 2);
    assert_string_equal(r->method, "PUT");
    json_t *body = json_loadb(r->body.p, r->body.n, 0, NULL);
    const json_t *asked = json_object_get(json_object_get(body, "properties"), "searchResults");
    assert_string_equal(json_string_value(json_object_get(asked, "query")), "Syslog");
    assert_int_equal(json_integer_value(json_object_get(asked, "limit")), WORKSPACE_JOB_ROWS_MAX);
    assert_string_equal(json_string_value(json_object_get(asked, "startSearchTime")),
                        "2020-12-31T23:59:59Z");
    assert_string_equal(json_string_value(json_object_get(asked, "endSearchTime")),
                        "2021-02-01T00:00:01Z");
    json_decref(body);
    there(f, "InProgress", "\"progress\":40,\"ingestedRecords\":12,\"scannedGb\":1.5");
    there(f, "Updating", "");
    there(f, "Succeeded", "\"progress\":100,\"ingestedRecords\":31,\"scannedGb\":3");
    assert_true(wait_for(f));
    assert_status(f, WORKSPACE_JOB_DONE);
    assert_int_equal(f->state.rows, 31);
    assert_true(f->state.gigabytes > 2.9 && f->state.gigabytes < 3.1 && f->state.progress == 1);
    assert_int_equal(pauses.n, 2);
    assert_true(pauses.seconds[1] > pauses.seconds[0]);
    assert_true(server_all_used(f->f.server));
}

static void what_an_earlier_run_started_is_found_and_not_paid_again(void **state)
{
    struct job_fixture *f = *state;
    static const struct {
        const char *state;
        enum workspace_job_status status;
    } cases[] = {{"InProgress", WORKSPACE_JOB_RUNNING},
                 {"Succeeded", WORKSPACE_JOB_DONE},
                 {"PartialSuccess", WORKSPACE_JOB_PARTIAL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        there(f, cases[i].state, "\"ingestedRecords\":5");
        assert_true(begin(f));
        assert_status(f, cases[i].status);
        assert_true(f->state.found);
    }
    assert_true(server_all_used(f->f.server)); /* no PUT */
}

static void what_failed_or_leaves_is_waited_away_and_started_anew(void **state)
{
    struct job_fixture *f = *state;
    there(f, "Failed", "\"message\":\"too much\"");
    there(f, "Failed", "");
    answer(f, "DELETE", 202, NULL, "");
    there(f, "Deleting", "");
    there(f, "Deleting", "");
    not_there(f);
    answer(f, "PUT", 201, NULL, "{}");
    there(f, "InProgress", "");
    assert_true(begin(f));
    assert_status(f, WORKSPACE_JOB_RUNNING);
    assert_false(f->state.found);
    assert_true(server_all_used(f->f.server));
}

static void a_put_whose_answer_was_lost_is_looked_for(void **state)
{
    struct job_fixture *f = *state;
    not_there(f);
    answer(f, "PUT", 409, NULL, "{\"error\":{\"code\":\"Conflict\",\"message\":\"it is there\"}}");
    there(f, "InProgress", "");
    assert_true(begin(f));
    assert_status(f, WORKSPACE_JOB_RUNNING);
    assert_true(server_all_used(f->f.server));
}

static void what_the_service_refuses_is_told_with_its_words(void **state)
{
    struct job_fixture *f = *state;
    not_there(f);
    answer(f, "PUT", 400, NULL, "{\"error\":{\"code\":\"TooManyJobs\",\"message\":\"200 a day\"}}");
    not_there(f);
    assert_false(begin(f));
    assert_int_equal(f->f.err.code, ERROR_SERVICE);
    assert_non_null(strstr(f->f.err.message, "200 a day"));
    not_there(f);
    answer(f, "PUT", 403, NULL, "{\"error\":{\"code\":\"AuthorizationFailed\"}}");
    assert_false(begin(f));
    assert_int_equal(f->f.err.code, ERROR_AUTH);
    assert_non_null(strstr(f->f.err.hint, "Log Analytics Contributor"));
    assert_true(server_all_used(f->f.server));
}

static void an_operation_that_fails_before_there_is_a_table_is_told(void **state)
{
    struct job_fixture *f = *state;
    char header[TEXT];
    (void) snprintf(header, sizeof header, "Azure-AsyncOperation: %s\r\nRetry-After: 7\r\n",
                    server_url(f->f.server, "/operations/1"));
    not_there(f);
    answer(f, "PUT", 202, header, "");
    not_there(f);
    server_answer(f->f.server,
                  &(struct server_answer){
                      .match = "GET /operations/1",
                      .body = STR("{\"status\":\"Failed\",\"error\":{\"code\":\"BadQuery\","
                                  "\"message\":\"no such table\"}}")});
    assert_false(begin(f));
    assert_int_equal(f->f.err.code, ERROR_SERVICE);
    assert_non_null(strstr(f->f.err.message, "BadQuery: no such table"));
    assert_int_equal(pauses.n, 1);
    assert_true(pauses.seconds[0] == 7);
}

static void a_restore_is_put_for_a_table_that_can_be_restored(void **state)
{
    struct job_fixture *f = *state;
    be(f, WORKSPACE_JOB_RESTORE, "2021-01-01T00:00:00Z", "2021-01-03T00:00:00Z");
    not_there(f);
    server_answer(f->f.server, &(struct server_answer){
                                   .match = "GET " TABLES "/Syslog?",
                                   .body = STR("{\"properties\":{\"plan\":\"Analytics\"}}")});
    answer(f, "PUT", 202, NULL, "");
    there(f, "Updating", "");
    assert_true(begin(f));
    assert_status(f, WORKSPACE_JOB_RUNNING);
    const struct server_request *r = server_request(f->f.server, 3);
    assert_true(str_eq(r->body, STR("{\"properties\":{\"restoredLogs\":{\"sourceTable\":\"Syslog\","
                                    "\"startRestoreTime\":\"2021-01-01T00:00:00Z\","
                                    "\"endRestoreTime\":\"2021-01-03T00:00:00Z\"}}}")));
    not_there(f);
    server_answer(f->f.server, &(struct server_answer){
                                   .match = "GET " TABLES "/Syslog?",
                                   .body = STR("{\"properties\":{\"plan\":\"Auxiliary\"}}")});
    assert_false(begin(f));
    assert_int_equal(f->f.err.code, ERROR_USAGE);
    assert_non_null(strstr(f->f.err.hint, "search-job"));
    assert_true(server_all_used(f->f.server));
}

/* --- waiting --- */

static void a_job_that_meets_its_row_limit_is_partial(void **state)
{
    struct job_fixture *f = *state;
    there(f, "Succeeded", "\"ingestedRecords\":100000000");
    assert_true(wait_for(f));
    assert_status(f, WORKSPACE_JOB_PARTIAL);
    assert_non_null(strstr(f->state.why, "100,000,000 rows"));
}

static void a_state_that_is_not_told_is_no_end(void **state)
{
    struct job_fixture *f = *state;
    answer(f, "GET", 200, NULL, "{\"properties\":{}}");
    answer(f, "GET", 200, NULL, "{}");
    there(f, "Succeeded", "\"ingestedRecords\":1");
    assert_true(wait_for(f));
    assert_status(f, WORKSPACE_JOB_DONE);
    assert_true(server_all_used(f->f.server));
}

static void a_job_that_fails_or_is_taken_away_is_an_error(void **state)
{
    struct job_fixture *f = *state;
    there(f, "InProgress", "");
    there(f, "Failed", "\"message\":\"time limit\"");
    assert_false(wait_for(f));
    assert_int_equal(f->f.err.code, ERROR_SERVICE);
    assert_non_null(strstr(f->f.err.message, "time limit"));
    there(f, "Deleting", "");
    assert_false(wait_for(f));
    assert_int_equal(f->f.err.code, ERROR_NOT_FOUND);
    not_there(f);
    assert_false(wait_for(f));
    assert_int_equal(f->f.err.code, ERROR_NOT_FOUND);
}

static void trouble_on_the_way_is_outlasted(void **state)
{
    struct job_fixture *f = *state;
    for (int i = 0; i < 3; i++)
        answer(f, "GET", 400, NULL, "{\"error\":{\"code\":\"ServerBusy\"}}");
    there(f, "Succeeded", "");
    assert_true(wait_for(f));
    assert_int_equal(pauses.n, 3);
    for (int i = 0; i < 25; i++)
        answer(f, "GET", 400, NULL, "{\"error\":{\"code\":\"ServerBusy\"}}");
    assert_false(wait_for(f));
    assert_int_equal(f->f.err.code, ERROR_SERVICE);
}

static void an_interruption_leaves_the_job(void **state)
{
    struct job_fixture *f = *state;
    pauses.stop_at = 2;
    there(f, "InProgress", "");
    there(f, "InProgress", "");
    assert_false(wait_for(f));
    assert_int_equal(f->f.err.code, ERROR_INTERRUPTED);
    assert_true(server_all_used(f->f.server)); /* no DELETE */
}

static void a_job_that_never_ends_is_left_after_a_day(void **state)
{
    struct job_fixture *f = *state;
    (void) snprintf(f->path, sizeof f->path, "GET " TABLES "/%s?", f->name);
    server_answer(f->f.server,
                  &(struct server_answer){.match = f->path,
                                          .times = 5000,
                                          .body = str_of(table_of(f, "InProgress", ""))});
    assert_false(wait_for(f));
    assert_int_equal(f->f.err.code, ERROR_TIMEOUT);
    assert_true(pauses.n > 100 && pauses.n < 5000);
}

/* --- ending --- */

static void its_table_is_removed_and_gone(void **state)
{
    struct job_fixture *f = *state;
    there(f, "Succeeded", "");
    answer(f, "DELETE", 200, NULL, "");
    there(f, "Succeeded", ""); /* not yet */
    not_there(f);
    assert_true(workspace_job_end(f->w, &f->job, &f->f.err));
    assert_true(server_all_used(f->f.server));
    not_there(f); /* nothing to remove */
    assert_true(workspace_job_end(f->w, &f->job, &f->f.err));
    there(f, "Deleting", "");
    assert_true(workspace_job_end(f->w, &f->job, &f->f.err));
    assert_true(server_all_used(f->f.server));
}

static void a_table_that_is_not_this_jobs_is_left_alone(void **state)
{
    struct job_fixture *f = *state;
    int64_t to = f->job.to;
    f->job.to += TICK_DAY;
    const char *other = table_of(f, "Succeeded", "");
    f->job.to = to;
    answer(f, "GET", 200, NULL, other);
    assert_false(workspace_job_end(f->w, &f->job, &f->f.err));
    assert_int_equal(f->f.err.code, ERROR_EXISTS);
    f->job.to += TICK_DAY;
    other = table_of(f, "Succeeded", "");
    f->job.to = to;
    answer(f, "GET", 200, NULL, other);
    assert_false(begin(f));
    assert_int_equal(f->f.err.code, ERROR_EXISTS);
    assert_true(server_all_used(f->f.server));
}

/* --- what was left --- */

static void add_table(struct job_fixture *f, struct buf *list, enum workspace_job_kind kind,
                      const char *from, const char *to, const char *state)
{
    be(f, kind, from, to);
    buf_puts(list, list->used ? "," : "");
    buf_puts(list, table_of(f, state, ""));
}

static void list(struct job_fixture *f, const struct buf *tables)
{
    struct buf body = BUF_INIT(1 << 16);
    buf_printf(&body,
               "{\"value\":[{\"name\":\"Syslog\",\"properties\":{}},{\"name\":7},"
               "{\"name\":\"weir_Syslog_0123456789ab_SRCH\",\"properties\":{}},%s]}",
               buf_text(tables));
    server_answer(f->f.server,
                  &(struct server_answer){.match = "GET " TABLES "?", .body = buf_str(&body)});
    buf_release(&body);
}

static bool count_left(void *context, const struct workspace_job *job,
                       const struct workspace_job_state *state, struct error *err)
{
    struct buf *out = context;
    char from[TICK_TEXT_MAX];
    (void) err;
    (void) tick_format_short(job->from, from);
    buf_printf(out, "%s %s %s\n", from, job->table, workspace_job_status_text(state->status));
    return true;
}

static void what_was_left_is_listed_and_nothing_of_others(void **state)
{
    struct job_fixture *f = *state;
    struct buf tables = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);
    add_table(f, &tables, WORKSPACE_JOB_SEARCH, "2021-01-01", "2021-02-01", "Succeeded");
    add_table(f, &tables, WORKSPACE_JOB_RESTORE, "2020-01-01", "2020-02-01", "Updating");
    /* somebody's own, who took a name of ours */
    be(f, WORKSPACE_JOB_SEARCH, "2019-01-01", "2019-02-01");
    f->job.to += TICK_DAY;
    buf_printf(&tables, ",%s", table_of(f, "Succeeded", ""));
    list(f, &tables);
    assert_true(workspace_jobs_left(f->w, count_left, &out, &f->f.err));
    assert_string_equal(buf_text(&out),
                        "2021-01-01 00:00 Syslog done\n2020-01-01 00:00 Syslog running\n");
    buf_release(&tables);
    buf_release(&out);
}

static void a_plan_goes_around_what_was_left(void **state)
{
    struct job_fixture *f = *state;
    struct buf tables = BUF_INIT(1 << 16);
    struct workspace_job v[WORKSPACE_JOB_PIECES_MAX];
    size_t n = 0;
    add_table(f, &tables, WORKSPACE_JOB_SEARCH, "2021-03-01", "2021-04-01", "Succeeded");
    add_table(f, &tables, WORKSPACE_JOB_SEARCH, "2021-01-01", "2021-02-01", "InProgress");
    add_table(f, &tables, WORKSPACE_JOB_SEARCH, "2021-05-01", "2021-06-01", "Failed");
    add_table(f, &tables, WORKSPACE_JOB_SEARCH, "2021-03-15", "2021-04-10",
              "Succeeded"); /* meets one */
    add_table(f, &tables, WORKSPACE_JOB_SEARCH, "2019-03-15", "2021-04-10",
              "Succeeded"); /* reaches out */
    add_table(f, &tables, WORKSPACE_JOB_RESTORE, "2021-04-01", "2021-05-01", "Succeeded");
    list(f, &tables);
    be(f, WORKSPACE_JOB_SEARCH, "2021-01-01", "2021-07-01");
    if (!workspace_jobs_plan(f->w, &f->job, 1, v, &n, &f->f.err))
        fail_msg("%s", f->f.err.message);
    static const char *const begins[] = {"2021-01-01", "2021-02-01", "2021-03-01", "2021-04-01"};
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        assert_true(v[i].from == tick_of(begins[i]));
        assert_true(v[i].to == (i + 1 < n ? v[i + 1].from : f->job.to));
        assert_string_equal(v[i].table, "Syslog");
    }
    list(f, &tables);
    be(f, WORKSPACE_JOB_RESTORE, "2021-04-07", "2021-04-08");
    assert_true(workspace_jobs_plan(f->w, &f->job, 1, v, &n, &f->f.err));
    assert_int_equal(n, 1);
    assert_true(v[0].from == tick_of("2021-04-01") && v[0].to == tick_of("2021-05-01"));
    buf_release(&tables);
}

/* --- the bill --- */

static void usage(struct job_fixture *f, const char *row)
{
    struct buf body = BUF_INIT(4096);
    buf_printf(&body,
               "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":["
               "{\"name\":\"Inside\",\"type\":\"real\"},{\"name\":\"All\",\"type\":\"real\"},"
               "{\"name\":\"First\",\"type\":\"datetime\"},"
               "{\"name\":\"Last\",\"type\":\"datetime\"}],\"rows\":[%s]}]}",
               row);
    fixture_answer(&f->f, 200, buf_str(&body));
    buf_release(&body);
}

static void a_bill_is_what_usage_tells(void **state)
{
    struct job_fixture *f = *state;
    struct workspace_job_bill bill;
    usage(f, "[1500.5,90000,\"2020-12-01T00:00:00Z\",\"2021-03-01T00:00:00Z\"]");
    assert_true(workspace_job_bill(f->w, &f->job, 0, &bill, &f->f.err));
    assert_true(bill.known && !bill.guessed && bill.gigabyte_days == 0);
    assert_int_equal(bill.bytes, 1500500000);
    /* Usage begins after the range: 90,000 MB in 90 days, for 31. */
    usage(f, "[0,90000,\"2021-12-01T00:00:00Z\",\"2022-03-01T00:00:00Z\"]");
    assert_true(workspace_job_bill(f->w, &f->job, 0, &bill, &f->f.err));
    assert_true(bill.known && bill.guessed);
    assert_int_equal(bill.bytes, UINT64_C(31000000000));
    usage(f, "[0,0,null,null]");
    assert_true(workspace_job_bill(f->w, &f->job, 0, &bill, &f->f.err));
    assert_false(bill.known);
    assert_non_null(strstr(bill.why, "Syslog"));
}

static void sample(struct job_fixture *f, const char *row)
{
    struct buf body = BUF_INIT(4096);
    buf_printf(&body,
               "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":["
               "{\"name\":\"Rows\",\"type\":\"long\"},{\"name\":\"Bytes\",\"type\":\"real\"}],"
               "\"rows\":[%s]}]}",
               row);
    fixture_answer(&f->f, 200, buf_str(&body));
    buf_release(&body);
}

/* How many jobs a search of so many megabytes is planned as. */
static size_t planned(struct job_fixture *f, unsigned megabytes, const char *plan, const char *rows)
{
    struct workspace_job v[WORKSPACE_JOB_PIECES_MAX];
    size_t n = 0;
    char text[TEXT];
    server_answer(f->f.server, &(struct server_answer){.match = "GET " TABLES "?",
                                                       .body = STR("{\"value\":[]}")});
    (void) snprintf(text, sizeof text,
                    "[%u,90000000,\"2020-12-01T00:00:00Z\",\"2021-03-01T00:00:00Z\"]", megabytes);
    usage(f, text);
    (void) snprintf(text, sizeof text, "{\"properties\":{\"plan\":\"%s\"}}", plan);
    server_answer(f->f.server,
                  &(struct server_answer){.match = "GET " TABLES "/Syslog?", .body = str_of(text)});
    if (rows)
        sample(f, rows);
    if (!workspace_jobs_plan(f->w, &f->job, 0, v, &n, &f->f.err))
        fail_msg("%s", f->f.err.message);
    assert_true(v[0].from == f->job.from && v[n - 1].to == f->job.to);
    return n;
}

static void a_plan_has_a_job_for_each_fifty_million_rows(void **state)
{
    struct job_fixture *f = *state;
    fixture_sign_in(&f->f, 1); /* two audiences are asked */
    /* 10^9 rows of 31,000 bytes */
    assert_int_equal(planned(f, 31000000, "Analytics", "[1000,31000000]"), 21);
    assert_int_equal(planned(f, 31000000, "Analytics", "[1,310000000]"), 1);
    size_t usual = planned(f, 100000, "Basic", NULL); /* is not read for a guess */
    assert_int_equal(usual, 5);
    assert_int_equal(planned(f, 100000, "Analytics", "[0,0]"), usual); /* nothing of late */
    assert_true(server_all_used(f->f.server));
}

static void a_restore_is_billed_for_two_terabytes_and_half_a_day_at_least(void **state)
{
    struct job_fixture *f = *state;
    struct workspace_job_bill bill;
    be(f, WORKSPACE_JOB_RESTORE, "2021-01-01", "2021-02-01");
    usage(f, "[31000,90000,\"2020-12-01T00:00:00Z\",\"2021-03-01T00:00:00Z\"]");
    assert_true(workspace_job_bill(f->w, &f->job, 3, &bill, &f->f.err));
    assert_true(bill.gigabyte_days == 2000.0 * 12 / 24);
    usage(f, "[4000000,9000000,\"2020-12-01T00:00:00Z\",\"2021-03-01T00:00:00Z\"]");
    assert_true(workspace_job_bill(f->w, &f->job, 48, &bill, &f->f.err));
    assert_true(bill.gigabyte_days == 4000.0 * 2);
}

static void without_resource_manager_there_are_no_jobs(void **state)
{
    struct job_fixture *f = *state;
    assert_false(workspace_job_begin(f->f.workspace, &f->job, &f->state, &f->f.err));
    assert_int_equal(f->f.err.code, ERROR_SETTINGS);
    assert_non_null(strstr(f->f.err.message, "management-endpoint"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_name_follows_from_what_is_asked_and_from_nothing_else),
        TEST(a_long_search_is_cut_into_pieces_that_meet),
        TEST(a_restore_is_of_whole_days_and_of_two_at_least),
        TEST(a_search_is_put_once_and_waited_for),
        TEST(what_an_earlier_run_started_is_found_and_not_paid_again),
        TEST(what_failed_or_leaves_is_waited_away_and_started_anew),
        TEST(a_put_whose_answer_was_lost_is_looked_for),
        TEST(what_the_service_refuses_is_told_with_its_words),
        TEST(an_operation_that_fails_before_there_is_a_table_is_told),
        TEST(a_restore_is_put_for_a_table_that_can_be_restored),
        TEST(a_job_that_meets_its_row_limit_is_partial),
        TEST(a_state_that_is_not_told_is_no_end),
        TEST(a_job_that_fails_or_is_taken_away_is_an_error),
        TEST(trouble_on_the_way_is_outlasted),
        TEST(an_interruption_leaves_the_job),
        TEST(a_job_that_never_ends_is_left_after_a_day),
        TEST(its_table_is_removed_and_gone),
        TEST(a_table_that_is_not_this_jobs_is_left_alone),
        TEST(what_was_left_is_listed_and_nothing_of_others),
        TEST(a_plan_goes_around_what_was_left),
        TEST(a_bill_is_what_usage_tells),
        TEST(a_plan_has_a_job_for_each_fifty_million_rows),
        TEST(a_restore_is_billed_for_two_terabytes_and_half_a_day_at_least),
        TEST(without_resource_manager_there_are_no_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
