/* The pace against a simulated service with the real limits, on a clock of the test's own.
 *
 * The service: 5 places, a queue, 200 requests in any 30 s; others hold up to 4 of the places and all but a
 * few of the queue for a while. The client always has work. What was possible is what an oracle gets out of
 * the same service in the same run: it sees the service's state and never sends what would be refused.
 */
#include "workspace/patience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { PLACES = 5, RATE = 200, WINDOW = 30, QUEUE = 200, OURS_MAX = 16, PHASES_MAX = 4096 };
static const uint64_t TURN = 10000000; /* ns */
static const uint64_t SECOND = 1000000000;
static const double SHARE = 0.9;   /* of what is possible */
static const double TRAVEL = 0.06; /* seconds, at most, of a request; the oracle's take none */

/* What the others do, and how long queries take, for a while. */
struct phase {
    uint64_t until;
    unsigned held;   /* places */
    unsigned room;   /* in the queue */
    bool refuses;    /* all, for a reason of its own */
    bool tells;      /* Retry-After with a refusal */
    double shortest; /* seconds of a query */
    double longest;
};

struct scene {
    struct phase phases[PHASES_MAX];
    size_t count;
    uint64_t end;
};

enum where { NOWHERE, TRAVELS, QUEUED, RUNS };

struct one {
    enum where where;
    uint64_t began, due; /* due: arrives, or ends */
};

struct figures {
    uint64_t done, refused_queue, refused_rate, refused_other, densest;
    unsigned most_at_once;
    uint64_t obeyed; /* starts within a pause that the service asked for */
};

struct simulation {
    const struct scene *scene;
    size_t phase;
    uint64_t now;
    struct one ours[OURS_MAX];
    uint64_t arrivals[RATE]; /* ring of those that were not refused */
    size_t arrived;
    uint64_t asked_until; /* Retry-After */
    struct random random;
    struct figures figures;
    bool oracle;
    struct http_pace pace;
    struct patience patience;
};

static double between(struct random *random, double low, double high)
{
    return low + (high - low) * random_unit(random);
}

static const struct phase *phase_of(const struct simulation *s)
{
    return &s->scene->phases[s->phase];
}

static unsigned count(const struct simulation *s, enum where where)
{
    unsigned n = 0;
    for (size_t i = 0; i < OURS_MAX; i++)
        n += s->ours[i].where == where;
    return n;
}

static unsigned under_way(const struct simulation *s)
{
    return OURS_MAX - count(s, NOWHERE);
}

static bool window_is_full(const struct simulation *s)
{
    return s->arrived >= RATE && s->now - s->arrivals[s->arrived % RATE] < WINDOW * SECOND;
}

/* The service ------------------------------------------------------------------------------------- */

static double retry_after(const struct simulation *s, double seconds)
{
    return phase_of(s)->tells ? seconds : -1;
}

static void refuse(struct simulation *s, struct one *q, bool queue, double pause)
{
    struct patience_refusal refusal = {.queue = queue, .began = q->began, .retry_after = pause};
    q->where = NOWHERE;
    if (pause >= 0)
        s->asked_until = s->now + (uint64_t) (pause * 1e9);
    if (s->oracle)
        return;
    http_pace_ended(&s->pace, 0);
    patience_throttled(&s->patience, &s->pace, &refusal, s->now, &s->random);
}

static bool has_room(const struct simulation *s)
{
    return count(s, RUNS) + phase_of(s)->held < PLACES || count(s, QUEUED) < phase_of(s)->room;
}

static void arrive(struct simulation *s, struct one *q)
{
    if (phase_of(s)->refuses) {
        s->figures.refused_other++;
        refuse(s, q, false, retry_after(s, (double) (phase_of(s)->until - s->now) / 1e9));
    } else if (window_is_full(s)) {
        s->figures.refused_rate++;
        refuse(s, q, false, retry_after(s, 1));
    } else if (!has_room(s)) {
        s->figures.refused_queue++;
        refuse(s, q, true, -1);
    } else {
        s->arrivals[s->arrived++ % RATE] = s->now;
        q->where = QUEUED;
    }
}

static void run_oldest(struct simulation *s)
{
    struct one *oldest = NULL;
    for (size_t i = 0; i < OURS_MAX; i++)
        if (s->ours[i].where == QUEUED && (!oldest || s->ours[i].began < oldest->began))
            oldest = &s->ours[i];
    double seconds = between(&s->random, phase_of(s)->shortest, phase_of(s)->longest);
    oldest->where = RUNS;
    oldest->due = s->now + (uint64_t) (seconds * 1e9);
}

static void serve(struct simulation *s)
{
    while (s->now >= phase_of(s)->until && s->phase + 1 < s->scene->count)
        s->phase++;
    for (size_t i = 0; i < OURS_MAX; i++) {
        struct one *q = &s->ours[i];
        if (q->where == RUNS && q->due <= s->now) {
            q->where = NOWHERE;
            s->figures.done++;
            if (!s->oracle) {
                http_pace_ended(&s->pace, 0);
                patience_answered(&s->patience, &s->pace, 0, s->now);
            }
        }
    }
    for (size_t i = 0; i < OURS_MAX; i++)
        if (s->ours[i].where == TRAVELS && s->ours[i].due <= s->now)
            arrive(s, &s->ours[i]);
    while (count(s, QUEUED) > 0 && count(s, RUNS) + phase_of(s)->held < PLACES)
        run_oldest(s);
}

/* The clients ------------------------------------------------------------------------------------- */

static void start(struct simulation *s, double travel)
{
    struct one *q = s->ours;
    while (q->where != NOWHERE)
        q++;
    *q = (struct one){.where = TRAVELS, .began = s->now, .due = s->now + (uint64_t) (travel * 1e9)};
    s->figures.obeyed += s->now < s->asked_until;
    if (under_way(s) > s->figures.most_at_once)
        s->figures.most_at_once = under_way(s);
}

static void drive(struct simulation *s)
{
    if (s->oracle) {
        while (under_way(s) < PLACES && !phase_of(s)->refuses && !window_is_full(s) &&
               has_room(s)) {
            start(s, 0);
            serve(s);
        }
        return;
    }
    while (http_pace_wait(&s->pace, 0, s->now) == 0) {
        http_pace_started(&s->pace, 0, s->now);
        start(s, between(&s->random, 0, TRAVEL));
    }
}

static struct figures simulate(const struct scene *scene, uint64_t seed, bool oracle)
{
    static const unsigned lanes[HTTP_PACE_LANES] = {PLACES, 2};
    struct simulation s = {.scene = scene, .oracle = oracle, .now = SECOND};
    random_seed(&s.random, seed);
    assert_true(http_pace_init(&s.pace, lanes, RATE, WINDOW, NULL));
    for (; s.now < scene->end; s.now += TURN) {
        serve(&s);
        drive(&s);
    }
    http_pace_release(&s.pace);
    return s.figures;
}

/* Scenes ------------------------------------------------------------------------------------------ */

static void add_phase(struct scene *scene, struct phase phase, double seconds)
{
    assert_true(scene->count < PHASES_MAX);
    phase.until = (scene->count > 0 ? scene->phases[scene->count - 1].until : SECOND) +
                  (uint64_t) (seconds * 1e9);
    scene->phases[scene->count++] = phase;
    scene->end = phase.until;
}

static struct scene *random_scene(struct random *random, double shortest, double longest)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    while (scene->count < 40) {
        struct phase phase = {.held = (unsigned) between(random, 0, 4.999),
                              .tells = random_unit(random) < 0.5,
                              .shortest = shortest,
                              .longest = longest,
                              .room = QUEUE};
        if (random_unit(random) < 0.5) /* others fill the queue too */
            phase.room = (unsigned) between(random, 0, 3);
        add_phase(scene, phase, between(random, 20, 120));
        if (random_unit(random) < 0.05) {
            phase.refuses = true;
            add_phase(scene, phase, between(random, 1, 20));
        }
    }
    return scene;
}

static double ratio(const struct scene *scene, uint64_t seed, const char *what)
{
    struct figures possible = simulate(scene, seed, true), ours = simulate(scene, seed, false);
    double share = (double) ours.done / (double) possible.done;
    printf("%s: %llu of %llu possible (%.1f %%); refused: queue %llu, rate %llu, other %llu\n",
           what, (unsigned long long) ours.done, (unsigned long long) possible.done, 100 * share,
           (unsigned long long) ours.refused_queue, (unsigned long long) ours.refused_rate,
           (unsigned long long) ours.refused_other);
    assert_true(ours.most_at_once <= PLACES);
    assert_int_equal(ours.refused_rate, 0); /* the window was never overfull */
    assert_int_equal(ours.obeyed, 0);
    return share;
}

static uint64_t seed_of_run(void)
{
    const char *given = getenv("WEIR_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t) time(NULL);
    printf("seed %llu (WEIR_SEED)\n", (unsigned long long) seed);
    return seed;
}

static void beside_others_most_of_what_is_possible_is_done(void **state)
{
    (void) state;
    static const double spans[][2] = {{1.5, 3}, {2, 8}, {0.02, 0.2}, {0.5, 1}};
    uint64_t seed = seed_of_run();
    struct random random;
    random_seed(&random, seed);
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        char what[64];
        struct scene *scene = random_scene(&random, spans[i][0], spans[i][1]);
        (void) snprintf(what, sizeof what, "queries of %g to %g s", spans[i][0], spans[i][1]);
        assert_true(ratio(scene, seed, what) >= SHARE);
        free(scene);
    }
}

static void alone_the_limits_are_met(void **state)
{
    (void) state;
    static const double spans[][2] = {{2, 4}, {0.01, 0.05}};
    for (size_t i = 0; i < 2; i++) {
        struct scene *scene = calloc(1, sizeof *scene);
        assert_non_null(scene);
        add_phase(scene,
                  (struct phase){.room = QUEUE, .shortest = spans[i][0], .longest = spans[i][1]},
                  1800);
        assert_true(ratio(scene, 7, i == 0 ? "alone, by places" : "alone, by rate") >= 0.95);
        free(scene);
    }
}

static void after_others_have_gone_all_places_are_used_again_soon(void **state)
{
    (void) state;
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    add_phase(scene, (struct phase){.held = 4, .room = 0, .shortest = 2, .longest = 3}, 300);
    add_phase(scene, (struct phase){.held = 0, .room = 0, .shortest = 2, .longest = 3}, 60);
    struct scene before = *scene; /* up to where they go */
    before.count = 1;
    before.end = before.phases[0].until;
    struct figures first = simulate(&before, 3, false), all = simulate(scene, 3, false);
    double possible = 60.0 / 2.5 * PLACES;
    assert_true((double) (all.done - first.done) >= 0.75 * possible);
    free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside_others_most_of_what_is_possible_is_done),
        cmocka_unit_test(alone_the_limits_are_met),
        cmocka_unit_test(after_others_have_gone_all_places_are_used_again_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
