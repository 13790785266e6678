/* The document of what is planted and counted; see truth.h. */
#include "emulator/generate/truth.h"

#include "base/file.h"

#include <jansson.h>
#include <stdio.h>

enum { TRUTH_FILE_MAX = 64 << 20 };

struct truth {
    json_t *root;
};

static json_t *time_text(int64_t tick)
{
    char text[TICK_TEXT_MAX];
    size_t n = tick_format(tick, text);
    return json_stringn(text, n);
}

static json_t *ip_text(uint32_t ip)
{
    char text[16];
    (void) snprintf(text, sizeof text, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 0xFF, ip >> 8 & 0xFF,
                    ip & 0xFF);
    return json_string(text);
}

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t) n);
}

/* Takes `value` over, NULL too. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

/* Opens an object as the last of the array `key`, which is made with its first. NULL without memory. */
static json_t *append(json_t *table, const char *key)
{
    json_t *array = json_object_get(table, key), *object = json_object();
    if (!array || !object || json_array_append_new(array, object) != 0)
        return NULL;
    return object;
}

static bool put_counts(json_t *table, const struct tally *tally)
{
    bool ok = put(table, "rows", number(tally->rows)) && put(table, "bytes", number(tally->bytes));
    return ok && put(table, "first", time_text(tally->first)) &&
           put(table, "last", time_text(tally->last));
}

static bool put_days(json_t *table, const struct tally *tally)
{
    bool ok = put(table, "days", json_array());
    for (size_t i = 0; ok && i < tally->day_count; i++) {
        char text[TICK_TEXT_MAX];
        (void) tick_format((tally->first_day + (int64_t) i) * TICK_DAY, text);
        json_t *day = append(table, "days");
        ok = day && put(day, "day", json_stringn(text, 10)) &&
             put(day, "rows", number(tally->days[i]));
    }
    return ok;
}

static bool put_bursts(json_t *table, const struct plan *plan)
{
    uint64_t largest = 0;
    bool ok = put(table, "largest_burst", number(0)) && put(table, "bursts", json_array());
    for (size_t i = 0; ok && i < plan->special_count; i++) {
        const struct special *special = &plan->specials[i];
        if (special->kind != SPECIAL_BURST)
            continue;
        json_t *burst = append(table, "bursts");
        ok = burst && put(burst, "time", time_text(special->tick)) &&
             put(burst, "rows", number(special->count));
        largest = special->count > largest ? special->count : largest;
    }
    return ok && put(table, "largest_burst", number(largest));
}

static bool put_idle(json_t *table, const struct plan *plan)
{
    bool ok = put(table, "idle", json_array());
    for (size_t i = 0; ok && i < plan->idle_count; i++) {
        json_t *idle = append(table, "idle");
        ok = idle && put(idle, "start", time_text(plan->idle[i].start)) &&
             put(idle, "end", time_text(plan->idle[i].end));
    }
    return ok;
}

static bool put_seen(json_t *object, uint64_t count, int64_t first, int64_t last)
{
    return put(object, "count", number(count)) && put(object, "first", time_text(first)) &&
           put(object, "last", time_text(last));
}

static bool put_beacons(json_t *table, const struct plan *plan, const struct world *world)
{
    bool ok = put(table, "beacons", json_array());
    for (size_t i = 0; ok && i < plan->beacon_count; i++) {
        const struct beacon *beacon = &plan->beacons[i];
        const struct host *host = &world->hosts[beacon->host];
        if (beacon->count == 0)
            continue;
        json_t *object = append(table, "beacons");
        ok = object && put(object, "source", ip_text(host->ip)) &&
             put(object, "host", json_stringn(host->fqdn.p, host->fqdn.n)) &&
             put(object, "destination", ip_text(beacon->destination)) &&
             put(object, "port", number(beacon->port)) &&
             put(object, "protocol", json_string(beacon->protocol)) &&
             put(object, "period_seconds", number((uint64_t) (beacon->period / TICK_SECOND))) &&
             put(object, "jitter_percent", number((uint64_t) beacon->jitter)) &&
             put_seen(object, beacon->count, beacon->first, beacon->last);
    }
    return ok;
}

static bool put_sprays(json_t *table, const struct plan *plan)
{
    bool ok = put(table, "sprays", json_array());
    for (size_t i = 0; ok && i < plan->spray_count; i++) {
        const struct spray *spray = &plan->sprays[i];
        json_t *object = append(table, "sprays");
        ok = object && put(object, "source", ip_text(spray->source)) &&
             put(object, "users", number(spray->users)) &&
             put_seen(object, spray->count, spray->first, spray->last);
    }
    return ok;
}

/* An older file's document, or NULL: there is none, or it is none of ours. */
static json_t *load(const char *path, struct error *err)
{
    struct buf text = BUF_INIT(TRUTH_FILE_MAX);
    struct error reason = ERROR_INIT;
    json_t *root = NULL;
    if (file_read(path, TRUTH_FILE_MAX, &text, &reason)) {
        root = json_loadb(buf_text(&text), text.used, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(json_object_get(root, "tables"))) {
            json_decref(root);
            root = NULL;
            (void) error_set(err, ERROR_FORMAT, "%s is there and tells of no tables", path);
        }
    } else if (reason.code != ERROR_NOT_FOUND) {
        (void) error_set(err, reason.code, "%s", reason.message);
    }
    buf_release(&text);
    return root;
}

struct truth *truth_new(const char *path, struct error *err)
{
    struct error reason = ERROR_INIT;
    struct truth *truth = mem_alloc(1, sizeof *truth, err);
    if (!truth)
        return NULL;
    truth->root = path ? load(path, &reason) : NULL;
    if (reason.code == ERROR_NONE && !truth->root) {
        truth->root = json_object();
        if (!truth->root || !put(truth->root, "tables", json_object()))
            (void) error_set(&reason, ERROR_MEMORY, "no memory for the truth");
    }
    if (reason.code != ERROR_NONE) {
        (void) error_set(err, reason.code, "%s", reason.message);
        truth_free(truth);
        return NULL;
    }
    return truth;
}

void truth_free(struct truth *truth)
{
    if (!truth)
        return;
    json_decref(truth->root);
    mem_free(truth);
}

bool truth_put(struct truth *truth, const char *name, const struct plan *plan,
               const struct world *world, const struct tally *tally, uint64_t seed, bool shuffled,
               struct error *err)
{
    json_t *table = json_object();
    bool ok = table && put_counts(table, tally) && put(table, "seed", number(seed)) &&
              put(table, "shuffled", json_boolean(shuffled)) &&
              put(table, "start", time_text(plan->start)) &&
              put(table, "end", time_text(plan->end)) && put_days(table, tally) &&
              put_bursts(table, plan) && put_idle(table, plan) && put_beacons(table, plan, world) &&
              put_sprays(table, plan);
    if (ok && json_object_set(json_object_get(truth->root, "tables"), name, table) != 0)
        ok = false;
    json_decref(table);
    return ok || error_set(err, ERROR_MEMORY, "no memory for the truth of %s", name);
}

bool truth_write(const struct truth *truth, const char *path, struct error *err)
{
    size_t n = json_dumpb(truth->root, NULL, 0, JSON_INDENT(2));
    char *text = mem_alloc(n + 1, 1, err);
    if (!text)
        return false;
    bool ok = n > 0 && json_dumpb(truth->root, text, n, JSON_INDENT(2)) == n;
    if (ok) {
        text[n] = '\n';
        ok = file_write(path, (struct str){text, n + 1}, 0666, false, err);
    } else {
        (void) error_set(err, ERROR_MEMORY, "no memory for %s", path);
    }
    mem_free(text);
    return ok;
}
