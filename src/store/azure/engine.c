/* Requests under way; see engine.h. */
#include "store/azure/engine.h"

#include "base/tick.h"
#include "store/azure/azure.h"
#include "store/azure/error.h"

static const double PAUSE_PASSES = 0.1, PAUSE_PATIENCE = 1.0; /* seconds, of the first */
static const double PAUSE_URGENT = 2.0;                       /* seconds, at most */
static const double TICK = 0.1;                               /* seconds, of the timer */
static const double NANOSECONDS = 1e9;
/* Answers are late for their number at once above SLOW_SHARE times the quickest and so many seconds. */
static const double SLOW_SHARE = 6.0, SLOW_LEAST = 0.0015;
enum {
    SMALL_BODY = 64 * 1024, /* bytes; the time of longer ones is that of their bytes */
    FAILED_CLOSES = 8, /* in a row, none good between: the lane pauses, not the operation alone */
    STEP_MS = 200
};

static void ops_add(struct az_ops *ops, struct az_op *op, bool front)
{
    op->next = front ? ops->first : NULL;
    op->before = front ? NULL : ops->last;
    *(op->next ? &op->next->before : &ops->last) = op;
    *(op->before ? &op->before->next : &ops->first) = op;
}

static void ops_take(struct az_ops *ops, struct az_op *op)
{
    *(op->next ? &op->next->before : &ops->last) = op->before;
    *(op->before ? &op->before->next : &ops->first) = op->next;
    op->next = op->before = NULL;
}

static struct az_ops *list_of(struct az_op *op)
{
    struct az_engine *engine = &op->az->engine;
    switch (op->state) {
    case AZ_WAITING:
        return &engine->lanes[op->lane].waiting;
    case AZ_PAUSING:
        return &engine->pausing;
    case AZ_RUNNING:
        return &engine->running;
    default:
        return NULL;
    }
}

static void move(struct az_op *op, enum az_state state, bool front)
{
    struct az_ops *list = list_of(op);
    if (list)
        ops_take(list, op);
    op->state = state;
    list = list_of(op);
    if (list)
        ops_add(list, op, front);
}

/* The end of an operation. It may be freed or started anew in there. */
static void finish(struct az_op *op, const struct az_answer *answer)
{
    struct az *az = op->az;
    move(op, AZ_IDLE, false);
    op->done(op, answer);
    if (az->engine.test && az->engine.test(az, az->engine.tested))
        http_wake(az->http);
}

static void fail(struct az_op *op, const struct error *why)
{
    struct az_answer answer = {.error = *why};
    finish(op, &answer);
}

/* --- widths and pauses --- */

static double pause_of(struct az *az, unsigned tries, double first, double retry_after)
{
    double most = first;
    if (retry_after >= 0)
        return retry_after;
    for (unsigned i = 1; i < tries && most < AZ_PAUSE_MAX; i++)
        most *= 2;
    if (most > AZ_PAUSE_MAX)
        most = AZ_PAUSE_MAX;
    return most * (0.5 + random_unit(&az->engine.random) / 2) / az->engine.hurry;
}

static uint64_t after(double seconds)
{
    return clock_ns() + (uint64_t) (seconds * NANOSECONDS);
}

static void close_lane(struct az_lane *lane, double seconds)
{
    uint64_t until = after(seconds);
    if (until > lane->closed)
        lane->closed = until;
}

/* Once for all that was under way together. */
static void halve(struct az_lane *lane, const struct az_op *op)
{
    lane->climbing = false;
    lane->good = 0;
    if (op->began < lane->halved)
        return;
    lane->width = lane->width > 1 ? lane->width / 2 : 1;
    lane->halved = clock_ns();
}

/* The quickest is never forgotten: with many at once none is quick any more. */
static void note_time(struct az_lane *lane, double seconds)
{
    static const double SHARE = 0.125;
    if (lane->quick == 0 || seconds < lane->quick)
        lane->quick = seconds;
    lane->usual += lane->usual > 0 ? (seconds - lane->usual) * SHARE : seconds;
}

/* What an account takes in a second, times the seconds of its quickest answer, is under way at once when it is fully
 * busy (Little's law); twice that leaves room for slower ones. More would only wait, and costs time in curl. */
static unsigned useful_width(const struct az_lane *lane)
{
    double useful = 2.0 * AZ_ACCOUNT_RATE * lane->quick;
    if (useful >= lane->most)
        return lane->most;
    return useful > AZ_WIDTH_USEFUL ? (unsigned) useful : AZ_WIDTH_USEFUL;
}

/* A good answer to one of a full lane: one more at once, or one less where answers only come later for it. */
static void grow(struct az_lane *lane, const struct az_op *op, double seconds)
{
    if (op->body <= SMALL_BODY && op->lane != AZ_READ)
        note_time(lane, seconds);
    double late = SLOW_SHARE * lane->quick + SLOW_LEAST;
    if (lane->running + 1 < lane->width ||
        ++lane->good < (lane->climbing && lane->usual <= late ? 1 : lane->width))
        return;
    lane->good = 0;
    unsigned most = op->lane == AZ_WRITE ? useful_width(lane) : lane->most;
    if (lane->usual <= late && lane->width < most)
        lane->width++;
    else if ((lane->usual > 2 * late || lane->width > most) && lane->width > AZ_WIDTH_FIRST)
        lane->width--;
}

/* --- ends of requests --- */

static void again(struct az_op *op, enum az_meaning meaning, const struct az_answer *answer)
{
    struct az *az = op->az;
    struct az_lane *lane = &az->engine.lanes[op->lane];
    bool patience = meaning == AZ_PATIENCE;
    bool apart = !answer->response->connected && !az->engine.answered;
    if (++op->tries >= (apart ? AZ_TRIES_APART : AZ_TRIES_MAX)) {
        fail(op, &answer->error);
        return;
    }
    double pause =
        pause_of(az, patience ? lane->failed + 1 : op->tries,
                 patience ? PAUSE_PATIENCE : PAUSE_PASSES, answer->response->retry_after);
    if (op->urgent && pause > PAUSE_URGENT)
        pause = PAUSE_URGENT;
    lane->failed++;
    if (patience)
        halve(lane, op);
    if (patience || lane->failed >= FAILED_CLOSES)
        close_lane(lane, pause);
    op->due = after(pause);
    move(op, AZ_PAUSING, false);
}

static void refused(struct az_op *op, const struct az_answer *answer)
{
    if (++op->refusals >= AZ_REFUSALS_MAX) {
        fail(op, &answer->error);
        return;
    }
    az_auth_refused(op->az, op->number, &answer->error);
    move(op, AZ_WAITING, true);
}

/* The container was to be made. */
static void made(struct az_op *op, enum az_meaning meaning, const struct az_answer *answer)
{
    bool there = meaning == AZ_GOOD || str_eq(answer->code, STR("ContainerAlreadyExists"));
    if (!there) {
        finish(op, answer);
        return;
    }
    op->making = false;
    move(op, AZ_WAITING, true);
}

static void ended(void *context, const struct http_response *response)
{
    struct az_op *op = context;
    struct az *az = op->az;
    struct az_lane *lane = &az->engine.lanes[op->lane];
    struct az_answer answer;
    enum az_meaning meaning = az_answer_read(az, op, response, &answer);
    lane->running--;
    if (response->status != 0)
        az->engine.answered = true;
    if (meaning == AZ_GOOD)
        grow(lane, op, response->seconds);
    if (meaning != AZ_PASSES && meaning != AZ_PATIENCE)
        lane->failed = 0;
    if (meaning == AZ_PASSES || meaning == AZ_PATIENCE)
        again(op, meaning, &answer);
    else if (meaning == AZ_REFUSED)
        refused(op, &answer);
    else if (op->making)
        made(op, meaning, &answer);
    else if (meaning == AZ_NO_CONTAINER && op->make_container && op->makes < AZ_MAKES_MAX) {
        op->makes++;
        op->making = true;
        move(op, AZ_WAITING, true);
    } else
        finish(op, &answer);
    az_engine_turn(az);
}

static bool take(void *context, const char *bytes, size_t n, struct error *err)
{
    struct az_op *op = context;
    return op->take(op, bytes, n, err);
}

/* --- beginnings --- */

static void ask_container(const struct az_ask *wanted, struct az_ask *out)
{
    *out = (struct az_ask){.method = "PUT",
                           .place.container = wanted->place.container,
                           .parameters = {{"restype", STR_INIT("container")}}};
}

/* False: the client is full, or the operation has failed. */
static bool start(struct az *az, struct az_op *op)
{
    struct az_lane *lane = &az->engine.lanes[op->lane];
    struct az_ask ask = {0}, making;
    struct http_request request;
    struct error why = ERROR_INIT;
    op->ask(op, &ask);
    if (op->making) {
        ask_container(&ask, &making);
        ask = making;
    } else if (op->again)
        op->again(op);
    bool ok = az_request_make(az, &ask, &request, &why);
    if (ok) {
        request.on_body = op->take && !op->making ? take : NULL;
        request.on_done = ended;
        request.context = op;
        op->number = az->auth.number;
        op->body = ask.body.n;
        op->began = clock_ns();
        ok = http_start(az->http, &request, &why);
    }
    if (ok) {
        lane->running++;
        move(op, AZ_RUNNING, false);
    } else if (why.code != ERROR_LIMIT)
        fail(op, &why);
    return ok;
}

static void wake_due(struct az *az)
{
    uint64_t now = clock_ns();
    struct az_op *next = NULL;
    for (struct az_op *op = az->engine.pausing.first; op; op = next) {
        next = op->next;
        if (op->due <= now)
            move(op, AZ_WAITING, true);
    }
}

static bool may_start(struct az *az, enum az_lane_name name, const struct az_op *op, bool safe)
{
    const struct az_lane *lane = &az->engine.lanes[name];
    if (!op || !az->auth.ready || az->auth.refused)
        return false;
    if (op->urgent)
        return true;
    if (lane->closed > 0 && clock_ns() < lane->closed)
        return false;
    return lane->running < lane->width && (name != AZ_WRITE || safe);
}

void az_engine_turn(struct az *az)
{
    struct az_engine *engine = &az->engine;
    if (engine->turning) /* an operation that failed at its start, and whose end started another */
        return;
    engine->turning = true;
    az_locks_turn(az);
    bool safe = az_locks_fresh(az);
    while (az->lost && engine->lanes[AZ_WRITE].waiting.first)
        fail(engine->lanes[AZ_WRITE].waiting.first, &az->broken);
    if (engine->pausing.first)
        wake_due(az);
    for (int i = 0; i < AZ_LANES; i++) {
        struct az_lane *lane = &engine->lanes[i];
        while (may_start(az, (enum az_lane_name) i, lane->waiting.first, safe) &&
               start(az, lane->waiting.first))
            continue;
    }
    engine->turning = false;
}

static void tick(void *context)
{
    az_engine_turn(context);
}

/* --- for the files beside this one --- */

void az_engine_init(struct az_engine *engine, uint64_t seed)
{
    static const unsigned most[AZ_LANES] = {AZ_CONTROL_MAX, AZ_READ_MAX, AZ_WIDTH_MAX};
    *engine = (struct az_engine){.hurry = 1};
    random_seed(&engine->random, seed);
    for (int i = 0; i < AZ_LANES; i++)
        engine->lanes[i] =
            (struct az_lane){.width = AZ_WIDTH_FIRST, .most = most[i], .climbing = true};
}

void az_engine_release(struct az *az)
{
    struct az_engine *engine = &az->engine;
    if (engine->timed)
        http_every_stop(az->http, az);
    for (struct az_op *op = engine->running.first; op; op = op->next)
        http_cancel(az->http, op);
    *engine = (struct az_engine){.answered = false};
}

void az_op_start(struct az *az, struct az_op *op)
{
    op->az = az;
    op->making = false;
    op->tries = op->refusals = op->makes = 0;
    move(op, AZ_WAITING, op->urgent);
    if (!az->engine.timed)
        az->engine.timed = http_every(az->http, TICK, tick, az, NULL);
    az_engine_turn(az);
}

void az_op_cancel(struct az *az, struct az_op *op)
{
    if (op->state == AZ_RUNNING) {
        http_cancel(az->http, op);
        az->engine.lanes[op->lane].running--;
    }
    if (op->state != AZ_IDLE)
        move(op, AZ_IDLE, false);
}

/* All that waits for a key that will not come. */
static void fail_all(struct az *az, const struct error *why)
{
    for (int i = 0; i < AZ_LANES; i++)
        while (az->engine.lanes[i].waiting.first)
            fail(az->engine.lanes[i].waiting.first, why);
}

bool az_nudge(struct az *az, struct error *err)
{
    struct error why = ERROR_INIT;
    if (!az_auth_ready(az, &why)) {
        if (why.code == ERROR_AUTH || why.code == ERROR_SETTINGS)
            fail_all(az, &why);
        return error_pass(err, &why);
    }
    az_engine_turn(az);
    return true;
}

static struct az_once *once_of(struct az_op *op)
{
    return (struct az_once *) (void *) ((char *) op - offsetof(struct az_once, op));
}

static void ask_once(struct az_op *op, struct az_ask *out)
{
    *out = *once_of(op)->ask;
}

static void again_once(struct az_op *op)
{
    buf_reset(once_of(op)->body);
}

static bool take_once(struct az_op *op, const char *bytes, size_t n, struct error *err)
{
    struct az_once *once = once_of(op);
    buf_put(once->body, bytes, n);
    return buf_ok(once->body, "an answer", err);
}

static void done_once(struct az_op *op, const struct az_answer *answer)
{
    struct az_once *once = once_of(op);
    size_t n = answer->code.n < AZ_CODE_MAX - 1 ? answer->code.n : AZ_CODE_MAX - 1;
    once->status = answer->status;
    once->error = answer->error;
    memcpy(once->code, n > 0 ? answer->code.p : "", n);
    once->code[n] = '\0';
    if (answer->response)
        az_is_read(answer->response, &once->is);
    once->done = true;
}

bool az_once(struct az *az, struct az_once *once, struct error *err)
{
    once->op = (struct az_op){.lane = once->lane,
                              .ask = ask_once,
                              .take = once->body ? take_once : NULL,
                              .again = once->body ? again_once : NULL,
                              .done = done_once,
                              .doing = once->doing,
                              .name = once->name,
                              .make_container = once->make_container};
    once->done = false;
    if (!az_nudge(az, err))
        return false;
    az_op_start(az, &once->op);
    if (!az_wait(az, &once->done, err)) {
        az_op_cancel(az, &once->op);
        return false;
    }
    return once->status != 0 || error_pass(err, &once->error);
}

static bool is_set(const struct az *az, const void *context)
{
    (void) az;
    return *(const bool *) context;
}

bool az_wait(struct az *az, const bool *done, struct error *err)
{
    return az_wait_for(az, is_set, done, err);
}

/* Seconds until something must be looked at again, though no answer comes. */
static double next_look(const struct az *az)
{
    uint64_t now = clock_ns(), next = now + (uint64_t) STEP_MS * 1000000;
    for (const struct az_op *op = az->engine.pausing.first; op; op = op->next)
        next = op->due < next ? op->due : next;
    return next > now ? (double) (next - now) / NANOSECONDS : 0;
}

bool az_wait_for(struct az *az, az_test_fn *test, const void *context, struct error *err)
{
    bool ok = true;
    while (!test(az, context) && ok) {
        ok = az_nudge(az, err);
        if (!ok || test(az, context))
            break;
        az->engine.test = test;
        az->engine.tested = context;
        ok = http_pause(az->http, next_look(az), err);
        az->engine.test = NULL;
    }
    return test(az, context);
}

void az_grace_begin(struct az *az)
{
    if (!stop_asked(az->stop))
        return;
    uint64_t now = clock_ns();
    if (az->grace == 0)
        az->grace = after(AZ_GRACE);
    if (now < az->grace)
        http_grace(az->http, (double) (az->grace - now) / NANOSECONDS);
}

void az_grace_end(struct az *az)
{
    if (az->grace > 0)
        http_grace(az->http, 0);
}
