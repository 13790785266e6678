/* Serve: start, ready file, signals, end and report.
 *
 * One thread waits for the signals that end it, from the start, so that loading can be ended too.
 * It rings the bell, stops the queue and the watch; the main thread, which waits for that one, then
 * takes all down in the reverse order of its making. */

#include "emulator/serve.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/tick.h"
#include "emulator/data.h"
#include "emulator/exporter.h"
#include "emulator/exports.h"
#include "emulator/ingest.h"
#include "emulator/jobs.h"
#include "emulator/places.h"
#include "emulator/ready.h"
#include "emulator/rules.h"
#include "emulator/sign_in.h"
#include "emulator/tls.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TEXT_MAX = 16384,
    NOTES_MAX = 1 << 20,
    REPORT_MAX = 1 << 20,
    REMOVE_FDS = 16,
    NS_PER_TICK = 100
};

/* The second client, of --condition and --deny. */
static const char conditional_client[] = "d3e95f80-26ba-4471-9c0f-7e1a4c8b6d32";
static const char conditional_object[] = "58f2b6d1-90ce-4a37-b5e4-1c7d3f0a8e96";

/* All that a run holds; what was not made yet is zero, so one function takes it down. */
struct run {
    const struct serve_options *options;
    struct service service;
    struct bell bell;
    bool bell_made, report_made, signals_made;
    atomic_bool failed; /* set before the thread is woken by ourselves */
    bool interrupted;   /* set by the thread: another woke it; read when it has ended */
    pthread_t signals;
    sigset_t set;
    struct server *server;
    struct tls_identity tls;
    struct buf folder; /* of the database; removed at the end */
    struct buf secret;
    struct buf secret_file, ca_file, endpoint, resource_id; /* ca_file is empty without TLS */
    struct buf conditional_secret, conditional_file;        /* of the second client, if any */
    struct buf group;                                       /* id of the resource group */
    struct sign_in sign_in;
};

/* --- folders and files ------------------------------------------------------------------------ */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void) status, (void) kind, (void) at;
    return remove(path);
}

static bool make_folder(struct run *run, struct error *err)
{
    const char *under = run->options->scratch;
    if (!under)
        under = getenv("TMPDIR");
    path_join(&run->folder, under && *under ? under : "/tmp", "weir-emulator.XXXXXX");
    if (!buf_ok(&run->folder, "a path", err))
        return false;
    if (mkdtemp(run->folder.bytes))
        return true;
    error_set_errno(err, ERROR_IO, errno, "%s", buf_text(&run->folder));
    buf_reset(&run->folder);
    return false;
}

static struct places places_of(const struct run *run)
{
    return (struct places){run->options->ready_file, buf_text(&run->folder)};
}

/* `given`, or beside the ready file, or in the folder of the database. */
static bool place_file(const struct run *run, const char *given, const char *suffix,
                       const char *name, struct buf *out, struct error *err)
{
    struct places places = places_of(run);
    return places_put(&places, given, suffix, name, out, err);
}

/* A secret that is there already stays: clients of an earlier run go on. Only where one was
 * named. */
static bool make_secret(struct run *run, struct error *err)
{
    const char *given = run->options->secret_file;
    if (!place_file(run, given, ".secret", "secret", &run->secret_file, err))
        return false;
    if (given && access(given, F_OK) == 0)
        return file_read_secret(given, TEXT_MAX, &run->secret, err);
    return places_make_secret(&run->secret_file, &run->secret, err);
}

/* The second client, who sees less. */
static bool make_conditional(struct run *run, struct error *err)
{
    const struct rules *rules = &run->options->rules;
    if (!rules->conditions && !rules->denied)
        return true;
    run->service.clients[SERVICE_CONDITIONAL] = (struct client){
        .owner = {.client = conditional_client, .object = conditional_object}, .conditional = true};
    return place_file(run, NULL, ".conditional.secret", "conditional.secret",
                      &run->conditional_file, err) &&
           places_make_secret(&run->conditional_file, &run->conditional_secret, err);
}

static bool make_sign_in(struct run *run, struct error *err)
{
    struct places places = places_of(run);
    return sign_in_make(&run->sign_in, &run->options->sign_in, &places, buf_text(&run->group),
                        &run->service, err);
}

static bool make_tls(struct run *run, struct error *err)
{
    struct buf address = BUF_INIT(TEXT_MAX);
    uint16_t port;
    bool done = server_split_listen(run->options->listen, &address, &port, err) &&
                tls_init(&run->tls, buf_text(&address), err) &&
                place_file(run, run->options->ca_file, ".ca.pem", "ca.pem", &run->ca_file, err) &&
                file_write(buf_text(&run->ca_file), buf_str(&run->tls.authority), 0644, false, err);
    buf_release(&address);
    return done;
}

/* --- parts ------------------------------------------------------------------------------------ */

static bool check_options(const struct serve_options *options, struct error *err)
{
    const char *const guids[] = {options->workspace, options->subscription, options->tenant,
                                 options->client, options->object};
    const char *const names[] = {"workspace-id", "subscription", "tenant", "client-id",
                                 "object-id"};
    if (!options->data)
        return error_set(err, ERROR_USAGE, "serve needs --data DIR");
    for (size_t i = 0; i < sizeof guids / sizeof guids[0]; i++) {
        if (!text_is_guid(str_of(guids[i])))
            return error_set(err, ERROR_USAGE, "--%s: '%s' is not a GUID", names[i], guids[i]);
    }
    uint64_t seconds;
    const char *retry = options->limits.retry_after;
    if (strcmp(retry, "auto") != 0 && strcmp(retry, "none") != 0 &&
        !str_uint64(str_of(retry), &seconds))
        return error_set(err, ERROR_USAGE, "--retry-after: '%s' is not auto, none or seconds",
                         retry);
    if (options->limits.body_status < 400 || options->limits.body_status > 599)
        return error_set(err, ERROR_USAGE, "--max-json-status is from 400 to 599");
    return true;
}

static void *wait_for_signal(void *context)
{
    struct run *run = context;
    int signal = 0;
    (void) sigwait(&run->set, &signal);
    run->interrupted = !atomic_load(&run->failed);
    bell_ring(&run->bell);
    throttle_stop(run->service.throttle);
    throttle_stop(run->service.searches);
    watch_stop(run->service.watch);
    return NULL;
}

/* Blocks the signals in this thread and all that it makes, so it comes before any other thread. */
static bool block_signals(struct run *run, struct error *err)
{
    (void) sigemptyset(&run->set);
    (void) sigaddset(&run->set, SIGINT);
    (void) sigaddset(&run->set, SIGTERM);
    (void) sigaddset(&run->set, SIGHUP);
    if (signal(SIGPIPE, SIG_IGN) != SIG_ERR && pthread_sigmask(SIG_BLOCK, &run->set, NULL) == 0)
        return true;
    return error_set(err, ERROR_INTERNAL, "the signals cannot be blocked");
}

static bool follow_parent(struct error *err)
{
    pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        return error_set_errno(err, ERROR_IO, errno, "--exit-with-parent");
    /* It may have ended before we asked. */
    if (getppid() != parent)
        (void) kill(getpid(), SIGTERM);
    return true;
}

static bool start_signals(struct run *run, struct error *err)
{
    if (pthread_create(&run->signals, NULL, wait_for_signal, run) != 0)
        return error_set(err, ERROR_MEMORY, "no thread for the signals");
    run->signals_made = true;
    return !run->options->exit_with_parent || follow_parent(err);
}

static bool make_service(struct run *run, struct error *err)
{
    const struct serve_options *options = run->options;
    struct service *service = &run->service;
    service->limits = options->limits;
    service->workspace = options->workspace;
    service->workspace_name = options->workspace_name;
    service->region = options->region;
    service->tenant = options->tenant;
    service->clients[SERVICE_APP].owner =
        (struct token_owner){.client = options->client, .object = options->object};
    service->no_arm = options->no_arm;
    service->no_vault = options->no_vault;
    service->is_private = options->is_private;
    buf_printf(&run->group, "/subscriptions/%s/resourceGroups/%s", options->subscription,
               options->resource_group);
    buf_printf(&run->resource_id, "%s/providers/Microsoft.OperationalInsights/workspaces/%s",
               buf_text(&run->group), options->workspace_name);
    if (!buf_ok(&run->group, "the resource group's id", err) ||
        !buf_ok(&run->resource_id, "the resource id", err))
        return false;
    service->resource_id = buf_text(&run->resource_id);
    if (!bell_init(&run->bell))
        return error_set(err, ERROR_MEMORY, "no bell");
    run->bell_made = true;
    if (!report_init(&service->report, options->log, err))
        return false;
    run->report_made = true;
    service->report.latency = options->latency;
    struct throttle_options searches = options->throttle;
    searches.rate = 0;
    searches.at_once = options->search_at_once;
    service->throttle = throttle_new(&options->throttle, err);
    service->searches = service->throttle ? throttle_new(&searches, err) : NULL;
    service->watch = service->searches ? watch_new(err) : NULL;
    struct jobs_options jobs = {.time = (int64_t) (options->jobs.time / NS_PER_TICK),
                                .rows = options->jobs.rows,
                                .at_once = options->jobs.at_once,
                                .silent = options->jobs.silent};
    service->jobs = service->watch ? jobs_new(&jobs, err) : NULL;
    service->exports = service->jobs ? exports_new(err) : NULL;
    return service->exports &&
           clock_init(&service->clock, options->now, options->clock_speed, err) &&
           tokens_init(&service->tokens, options->tenant, err) &&
           faults_init(&service->faults, options->faults, options->seed, err);
}

/* "0.01:20m": a share and the longest delay. */
static bool read_late(const char *text, struct data_late *late, struct error *err)
{
    struct str longest = str_of(text), share;
    (void) str_split(&longest, ':', &share);
    if (str_double(share, &late->share) && late->share >= 0 && late->share <= 1 &&
        duration_parse(longest, &late->longest) && late->longest <= TICK_DAY)
        return true;
    return error_set(err, ERROR_USAGE,
                     "--late: '%s' is not a share from 0 to 1 and a duration of a day at most: "
                     "0.01:20m",
                     text);
}

static bool load_data(struct run *run, struct buf *notes, struct error *err)
{
    struct buf database = BUF_INIT(PATH_MAX), schemas = BUF_INIT(PATH_MAX);
    path_join(&database, buf_text(&run->folder), "workspace.duckdb");
    struct engine_options engine = {.database = buf_text(&database),
                                    .threads = (unsigned) run->options->threads,
                                    .memory = run->options->memory,
                                    .scratch = buf_text(&run->folder)};
    bool found = file_find_data("schemas", &schemas, NULL);
    struct data_options data = {.folder = run->options->data,
                                .schemas = found ? buf_text(&schemas) : NULL,
                                .workspace = run->options->workspace,
                                .scratch = run->options->no_usage ? NULL : buf_text(&run->folder),
                                .late = {.seed = run->options->seed}};
    bool done = buf_ok(&database, "a path", err) && read_late(run->options->late, &data.late, err);
    if (done)
        run->service.engine = engine_open(&engine, err);
    done = run->service.engine &&
           data_load(&data, run->service.engine, run->service.watch, &run->service.tables, notes,
                     err) &&
           rules_apply(&run->options->rules, &run->service.tables, err);
    buf_release(&schemas);
    buf_release(&database);
    return done;
}

static bool start_server(struct run *run, struct error *err)
{
    const struct serve_options *options = run->options;
    struct server_options server = {
        .listen = options->listen,
        .certificate = options->tls ? buf_text(&run->tls.certificate) : NULL,
        .key = options->tls ? buf_text(&run->tls.key) : NULL,
        .latency = options->latency,
        .bandwidth = options->bandwidth,
        .stall = options->stall,
        .bell = &run->bell,
        .handler = service_handle,
        .context = &run->service,
    };
    run->server = server_start(&server, err);
    return run->server != NULL;
}

static bool start_imds(struct run *run, struct error *err)
{
    return sign_in_listen(&run->sign_in, run->options->listen, &run->bell, &run->service, err);
}

/* The service's own address, which it needs before it can answer; known only once it listens. */
static bool make_endpoint(struct run *run, struct error *err)
{
    struct buf address = BUF_INIT(TEXT_MAX);
    struct service *service = &run->service;
    uint16_t port;
    bool done = server_split_listen(run->options->listen, &address, &port, err);
    bool v6 = strchr(buf_text(&address), ':') != NULL;
    buf_printf(&run->endpoint, "%s://%s%s%s:%u", run->options->tls ? "https" : "http",
               v6 ? "[" : "", buf_text(&address), v6 ? "]" : "", server_port(run->server));
    buf_release(&address);
    if (!done || !buf_ok(&run->endpoint, "the address", err))
        return false;
    service->endpoint = buf_text(&run->endpoint);
    service->audiences[0] = service->endpoint;
    service->audiences[1] = "https://api.loganalytics.io";
    service->audiences[2] = "https://api.loganalytics.azure.com";
    service->audiences[3] = "https://api.loganalytics.us";
    service->audiences[4] = "https://api.loganalytics.azure.cn";
    service->clients[SERVICE_APP].secret = buf_text(&run->secret);
    service->clients[SERVICE_CONDITIONAL].secret = buf_text(&run->conditional_secret);
    clock_begin(&service->clock);
    return true;
}

static bool make_arrival(struct run *run, struct error *err)
{
    const struct serve_options *options = run->options;
    struct service *service = &run->service;
    struct exporter_options exporter = {
        .folder = options->exporter.to,
        .name = options->exporter.name,
        .doubled = options->exporter.doubled,
        .dropped = options->exporter.dropped,
        .truth = options->exporter.truth,
        .delay = (int64_t) (options->exporter.delay / NS_PER_TICK),
        .overflow = options->exporter.overflow,
        .seed = options->seed,
        .no_ids = options->exporter.no_ids,
    };
    service->ingest = ingest_new(buf_text(&run->folder), err);
    if (!service->ingest || !options->exporter.to)
        return service->ingest != NULL;
    service->exporter = exporter_new(&exporter, err);
    return service->exporter && exporter_start(service->exporter, service, &run->bell, err);
}

/* From now on whoever asks is answered, and who waits for the ready file learns of it. */
static bool open_doors(struct run *run, struct error *err)
{
    atomic_store(&run->service.answering, true);
    if (!run->options->ready_file)
        return true;
    struct buf text = BUF_INIT(NOTES_MAX);
    struct ready_files files = {.secret = buf_text(&run->secret_file),
                                .conditional_secret = buf_text(&run->conditional_file),
                                .sign_in = &run->sign_in,
                                .ca = run->ca_file.used > 0 ? buf_text(&run->ca_file) : NULL};
    ready_put(&run->service, &files, &text);
    bool done = buf_ok(&text, "the ready file", err) &&
                file_write(run->options->ready_file, buf_str(&text), 0644, false, err);
    buf_release(&text);
    return done;
}

static void say_ready(const struct run *run, const struct buf *notes)
{
    if (run->options->quiet)
        return;
    char number[TEXT_NUMBER_MAX];
    fputs(buf_text(notes), stderr);
    for (size_t i = 0; i < run->service.tables.n; i++)
        fprintf(stderr, "%14s rows  %s\n", text_grouped(run->service.tables.v[i].rows, number),
                run->service.tables.v[i].name);
    fprintf(stderr, "workspace %s answers at %s\n", run->service.workspace, run->service.endpoint);
    fprintf(stderr, "secret of client %s: %s\n", run->options->client, buf_text(&run->secret_file));
}

static bool end_report(struct run *run, struct error *err)
{
    struct service *service = &run->service;
    struct throttle_figures throttle = throttle_figures(service->throttle);
    struct throttle_figures searches = throttle_figures(service->searches);
    struct report_parts parts = {&service->report, &service->faults, &throttle,        &searches,
                                 &service->tables, service->jobs,    service->exporter};
    struct buf text = BUF_INIT(REPORT_MAX);
    bool done = true;
    if (!run->options->quiet) {
        report_put_text(&parts, &text);
        fputs(buf_text(&text), stderr);
    }
    if (run->options->report) {
        buf_reset(&text);
        report_put_json(&parts, &text);
        done = buf_ok(&text, "the report", err) &&
               file_write(run->options->report, buf_str(&text), 0644, false, err);
    }
    buf_release(&text);
    return done;
}

static bool start(struct run *run, struct error *err)
{
    struct buf notes = BUF_INIT(NOTES_MAX);
    bool done = check_options(run->options, err) && block_signals(run, err) &&
                make_service(run, err) && start_signals(run, err) && make_folder(run, err) &&
                make_secret(run, err) && make_conditional(run, err) && make_sign_in(run, err) &&
                (!run->options->tls || make_tls(run, err)) && load_data(run, &notes, err) &&
                start_server(run, err) && start_imds(run, err) && make_endpoint(run, err) &&
                make_arrival(run, err) && open_doors(run, err);
    if (done)
        say_ready(run, &notes);
    buf_release(&notes);
    return done;
}

static void stop_serving(struct run *run)
{
    if (run->options->ready_file && run->server)
        (void) unlink(run->options->ready_file);
    server_stop(run->server);
    run->server = NULL;
    sign_in_stop(&run->sign_in);
}

/* Takes down what was made. */
static void end(struct run *run)
{
    struct service *service = &run->service;
    stop_serving(run);
    exporter_stop(service->exporter);
    exporter_free(service->exporter);
    ingest_free(service->ingest);
    jobs_free(service->jobs);
    exports_free(service->exports);
    engine_free(service->engine);
    tables_release(&service->tables);
    watch_free(service->watch);
    throttle_free(service->throttle);
    throttle_free(service->searches);
    if (run->report_made)
        report_release(&service->report);
    if (run->bell_made)
        bell_release(&run->bell);
    if (run->folder.used > 0)
        (void) nftw(buf_text(&run->folder), remove_entry, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
    tokens_release(&service->tokens);
    sign_in_release(&run->sign_in, service);
    tls_release(&run->tls);
    if (run->secret.bytes)
        mem_wipe(run->secret.bytes, run->secret.used);
    if (run->conditional_secret.bytes)
        mem_wipe(run->conditional_secret.bytes, run->conditional_secret.used);
    buf_release(&run->conditional_secret);
    buf_release(&run->conditional_file);
    buf_release(&run->secret);
    buf_release(&run->folder);
    buf_release(&run->secret_file);
    buf_release(&run->ca_file);
    buf_release(&run->endpoint);
    buf_release(&run->resource_id);
    buf_release(&run->group);
}

bool serve(const struct serve_options *options, struct error *err)
{
    struct run run = {.options = options};
    buf_init(&run.folder, PATH_MAX);
    buf_init(&run.secret, TEXT_MAX);
    buf_init(&run.conditional_secret, TEXT_MAX);
    buf_init(&run.conditional_file, PATH_MAX);
    buf_init(&run.secret_file, PATH_MAX);
    buf_init(&run.ca_file, PATH_MAX);
    buf_init(&run.endpoint, TEXT_MAX);
    buf_init(&run.resource_id, TEXT_MAX);
    buf_init(&run.group, TEXT_MAX);
    bool done = start(&run, err);
    atomic_store(&run.failed, !done);
    if (!done && run.signals_made)
        (void) pthread_kill(run.signals, SIGTERM);
    if (run.signals_made)
        (void) pthread_join(run.signals, NULL);
    if (done) {
        stop_serving(&run); /* what is under way still counts */
        exporter_stop(run.service.exporter);
        done = end_report(&run, err);
    } else if (run.interrupted) {
        error_clear(err);
        error_set(err, ERROR_INTERRUPTED, "interrupted before it was ready");
    }
    end(&run);
    return done;
}
