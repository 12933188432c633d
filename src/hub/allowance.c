/* allowance.c: see allowance.h. Whole numbers in thousandths, so nothing is lost to rounding. */
#include "hub/allowance.h"

#include "base/defs.h"

#define ELAPSED_MAX_MS (3600 * MS_PER_S) /* keeps the product small */

void allowance_init(struct allowance *a, int64_t burst, int64_t per_s, int64_t now_ms)
{
    *a = (struct allowance){
        .burst = burst, .per_s = per_s, .left_milli = burst * 1000, .at_ms = now_ms};
}

static void allowance_refill(struct allowance *a, int64_t now_ms)
{
    int64_t elapsed_ms = MIN(MAX(now_ms - a->at_ms, INT64_C(0)), ELAPSED_MAX_MS);
    a->left_milli = MIN(a->left_milli + elapsed_ms * a->per_s, a->burst * 1000);
    a->at_ms = now_ms;
}

bool allowance_take(struct allowance *a, int64_t amount, int64_t now_ms)
{
    allowance_refill(a, now_ms);
    if (a->left_milli < MIN(amount, a->burst) * 1000)
        return false;
    a->left_milli -= amount * 1000;
    return true;
}

void allowance_charge(struct allowance *a, int64_t amount, int64_t now_ms)
{
    allowance_refill(a, now_ms);
    a->left_milli = MAX(a->left_milli - amount * 1000, -a->burst * 1000);
}
