/*
 * limit.c: the CUSUM's limit from the budget of false alarms.
 *
 * The run length grows steadily with h, so its inverse is found by halving an interval: 60 steps,
 * once per change of settings.
 */
#include "detect/limit.h"

#include <math.h>

#include "base/check.h"

#define OVERSHOOT 1.166 /* what a random walk jumps past a limit, both ends: 2 * 0.583 sigma */
#define HUNDRED_YEARS_S 3.2e9
#define H_MAX 1000.0

double limit_run_length(double k, double h)
{
    CHECK(k > 0 && h >= 0);
    double x = 2 * k * (h + OVERSHOOT);
    return (expm1(x) - x) / (2 * k * k);
}

double limit_for_run_length(double k, double samples)
{
    double low = 0, high = H_MAX;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (limit_run_length(k, middle) < samples) /* infinity is never less */
            low = middle;
        else
            high = middle;
    }
    return high;
}

double limit_for_budget(double k, double false_alarms_per_s, size_t watched, double interval_s)
{
    double per_s = false_alarms_per_s > 0 ? false_alarms_per_s : 1 / HUNDRED_YEARS_S;
    double directions = 2.0 * (double)(watched > 0 ? watched : 1);
    return limit_for_run_length(k, directions / (per_s * interval_s));
}
