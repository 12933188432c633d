/*
 * allowance.h: how much somebody may ask for: some at once, and so much a second from then on.
 * (A token bucket.) Owned and used by one thread; the clock is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct allowance {
    int64_t burst, per_s; /* what may be taken at once; what comes back in a second */
    int64_t left_milli;
    int64_t at_ms; /* monotonic: when `left_milli` was right */
};

/* Full at first. burst and per_s: up to some billions. */
void allowance_init(struct allowance *a, int64_t burst, int64_t per_s, int64_t now_ms);

/* Takes it, or leaves everything as it is and says false. More than the burst is granted when all
 * of it is there, and paid back by waiting longer afterwards. */
bool allowance_take(struct allowance *a, int64_t amount, int64_t now_ms);

/* Takes what was used already; others wait for it, though not for ever. */
void allowance_charge(struct allowance *a, int64_t amount, int64_t now_ms);
