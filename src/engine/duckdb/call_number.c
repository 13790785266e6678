/* Functions of numbers, and hashes; see kql/duckdb_functions.h. */
#include "engine/duckdb/call.h"

#include "base/hash.h"
#include "base/tick.h"

#include <math.h>

static const double INT64_LIMIT = 9223372036854775808.0;

enum { ROUND_DIGITS_MAX = 330 }; /* beyond it a double's digit is 0 or nothing is left to round */

/* Arithmetic wraps: done unsigned, read as signed. */
bool call_add(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->l = (int64_t) ((uint64_t) a[0].l + (uint64_t) a[1].l);
    return true;
}

bool call_sub(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->l = (int64_t) ((uint64_t) a[0].l - (uint64_t) a[1].l);
    return true;
}

bool call_mul(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->l = (int64_t) ((uint64_t) a[0].l * (uint64_t) a[1].l);
    return true;
}

bool call_div(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    if (a[1].l == 0)
        return false;
    out->l = a[1].l == -1 ? (int64_t) (0 - (uint64_t) a[0].l) : a[0].l / a[1].l;
    return true;
}

bool call_mod(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    if (a[1].l == 0)
        return false;
    int64_t rest = a[1].l == -1 ? 0 : a[0].l % a[1].l;
    if (rest < 0)
        rest = a[1].l < 0 ? rest - a[1].l : rest + a[1].l;
    out->l = rest;
    return true;
}

bool call_real_mod(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    double by = fabs(a[1].r);
    if (!(by > 0)) {
        if (!isnan(by))
            return false;
    }
    double rest = fmod(a[0].r, by);
    out->r = rest < 0 ? rest + by : rest;
    return true;
}

bool call_bin(struct call *call, const union call_value *a, union call_value *out)
{
    int64_t value = a[0].l, step = a[1].l;
    (void) call;
    if (step <= 0)
        return false;
    int64_t rest = value % step;
    return !__builtin_sub_overflow(value, rest < 0 ? rest + step : rest, &out->l);
}

bool call_bin_real(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    if (!(a[1].r > 0))
        return false;
    out->r = floor(a[0].r / a[1].r) * a[1].r;
    return true;
}

bool call_shift_left(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    if (a[1].l < 0)
        return false;
    out->l = (int64_t) ((uint64_t) a[0].l << (a[1].l % 64));
    return true;
}

bool call_shift_right(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    if (a[1].l < 0)
        return false;
    unsigned n = (unsigned) (a[1].l % 64);
    uint64_t bits = (uint64_t) a[0].l >> n;
    if (a[0].l < 0 && n > 0)
        bits |= ~UINT64_C(0) << (64 - n);
    out->l = (int64_t) bits;
    return true;
}

bool call_low64(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->l = (int64_t) a[0].h.low;
    return true;
}

bool call_cut(double real, int64_t *out)
{
    double whole = trunc(real);
    if (isnan(whole) || whole < -INT64_LIMIT || whole >= INT64_LIMIT)
        return false;
    *out = (int64_t) whole;
    return true;
}

bool call_real_long(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    return call_cut(a[0].r, &out->l);
}

bool call_round(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->r = a[0].r;
    if (!isfinite(a[0].r) || a[1].l > ROUND_DIGITS_MAX)
        return true;
    if (a[1].l < -ROUND_DIGITS_MAX) {
        out->r = 0;
        return true;
    }
    double scale = pow(10, fabs((double) a[1].l));
    double scaled = a[1].l < 0 ? a[0].r / scale : a[0].r * scale;
    if (!isfinite(scaled))
        return true; /* too many digits to be rounded away */
    out->r = a[1].l < 0 ? round(scaled) * scale : round(scaled) / scale;
    return true;
}

/* --- hashes --------------------------------------------------------------------------------------------- */

static int64_t hash_bits(uint64_t bits)
{
    char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (char) (unsigned char) (bits >> (8 * i));
    return hash_xx64((struct str){bytes, sizeof bytes});
}

bool call_hash_text(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->l = hash_xx64(a[0].s);
    return true;
}

bool call_hash_long(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->l = hash_bits((uint64_t) a[0].l);
    return true;
}

bool call_hash_real(struct call *call, const union call_value *a, union call_value *out)
{
    uint64_t bits;
    (void) call;
    memcpy(&bits, &a[0].r, sizeof bits);
    out->l = hash_bits(bits);
    return true;
}
