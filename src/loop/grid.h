/*
 * grid.h: the wall-clock grid on which ticks lie: multiples of the interval since 1970, so the
 * ticks of two machines, and of two runs, fall on the same instants. Pure arithmetic, then a timer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* The grid point at or before / the first one after `now_ms`. interval_ms > 0; now_ms >= 0. */
int64_t grid_floor(int64_t now_ms, int64_t interval_ms);
int64_t grid_after(int64_t now_ms, int64_t interval_ms);

/*
 * What a wake-up at now_ms means for a ticker whose last tick lay at last_ms (0: none yet).
 * Returns false when no grid point has been reached since; otherwise the point to tick for, and
 * how many points between the two were missed. A clock that stepped back starts over: the tick is
 * for the present grid point and nothing counts as missed.
 */
bool grid_due(int64_t last_ms, int64_t now_ms, int64_t interval_ms, int64_t *ret_point_ms,
              uint64_t *ret_missed);

struct ticker;

struct ticker_ops {
    /* point_ms: grid time of this tick; missed: grid points skipped since the last one. */
    void (*tick)(void *user, int64_t point_ms, uint64_t missed);
    /* The wall clock was set; the grid has been found again. */
    void (*clock_set)(void *user);
};

/*
 * Wakes on the grid by an absolute CLOCK_REALTIME timerfd, which also tells when the clock is set.
 * ticker_new opens the descriptor (any thread, before the sandbox); start and stop run on the
 * loop's thread. 0 or -errno.
 */
struct ticker *ticker_new(const struct ticker_ops *ops, void *user);
int ticker_start(struct ticker *t, uv_loop_t *uv, int64_t interval_ms);
void ticker_set_interval(struct ticker *t, int64_t interval_ms);
void ticker_stop(struct ticker *t); /* frees it once the loop has let go; NULL allowed */
