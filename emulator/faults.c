/* Faults: seeded misfortune for query requests. */

#include "emulator/faults.h"

#include "base/random.h"

static const char *const fault_names[FAULT_COUNT] = {"none",
#define X(name, text, help) text,
                                                     FAULTS(X)
#undef X
};

const char *fault_name(enum fault fault)
{
    return fault < FAULT_COUNT ? fault_names[fault] : "none";
}

static bool read_share(struct str part, double shares[FAULT_COUNT], struct error *err)
{
    struct str rest = part, name;
    double share;
    (void) str_split(&rest, ':', &name);
    if (!str_double(rest, &share) || share < 0 || share > 1)
        return error_set(err, ERROR_USAGE, "--fault: '%.*s' is not a name and a share from 0 to 1",
                         (int) part.n, part.p);
    for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        if (str_eq(name, str_of(fault_names[f]))) {
            shares[f] = share;
            return true;
        }
    }
    error_set(err, ERROR_USAGE, "--fault: no fault '%.*s'", (int) name.n, name.p);
#define X(name, text, help) " " text
    return error_hint(err, "faults are" FAULTS(X));
#undef X
}

bool faults_init(struct faults *faults, const char *shares, uint64_t seed, struct error *err)
{
    *faults = (struct faults){.seed = seed};
    double each[FAULT_COUNT] = {0};
    struct str rest = str_of(shares), part;
    while ((rest.n > 0 || rest.p != shares) && str_split(&rest, ',', &part)) {
        if (!read_share(part, each, err))
            return false;
    }
    double sum = 0;
    for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        sum += each[f];
        faults->upto[f] = sum;
    }
    /* Ten tenths do not sum to exactly 1. */
    if (sum > 1.000001)
        return error_set(err, ERROR_USAGE, "--fault: the shares sum to %g, more than 1", sum);
    return true;
}

/* Each request has a generator of its own: the seed's stream would need a lock and an order. */
static void seed_request(const struct faults *faults, uint64_t n, struct random *out)
{
    random_seed(out, faults->seed * UINT64_C(0x9e3779b97f4a7c15) + n);
}

enum fault faults_of(const struct faults *faults, uint64_t n)
{
    struct random random;
    seed_request(faults, n, &random);
    double draw = random_unit(&random);
    for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        if (draw < faults->upto[f])
            return (enum fault) f;
    }
    return FAULT_NONE;
}

double faults_share(const struct faults *faults, uint64_t n)
{
    struct random random;
    seed_request(faults, n, &random);
    (void) random_next(&random);
    return random_unit(&random);
}

enum fault faults_next(struct faults *faults, uint64_t *number)
{
    *number = atomic_fetch_add(&faults->requests, 1);
    enum fault fault = faults_of(faults, *number);
    atomic_fetch_add(&faults->met[fault], 1);
    return fault;
}
