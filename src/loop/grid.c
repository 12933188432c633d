/*
 * grid.c: see grid.h. The timer is one-shot and re-armed for the next grid point after every
 * wake-up, so an overrun can never queue up expirations.
 */
#include "loop/grid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"

int64_t grid_floor(int64_t now_ms, int64_t interval_ms)
{
    CHECK(interval_ms > 0 && now_ms >= 0);
    return now_ms - now_ms % interval_ms;
}

int64_t grid_after(int64_t now_ms, int64_t interval_ms)
{
    return grid_floor(now_ms, interval_ms) + interval_ms;
}

bool grid_due(int64_t last_ms, int64_t now_ms, int64_t interval_ms, int64_t *ret_point_ms,
              uint64_t *ret_missed)
{
    int64_t point = grid_floor(now_ms, interval_ms);
    if (point == last_ms)
        return false;
    *ret_point_ms = point;
    *ret_missed =
        last_ms > 0 && point > last_ms ? (uint64_t)((point - last_ms - 1) / interval_ms) : 0;
    return true;
}

struct ticker {
    uv_poll_t poll;
    int fd;
    int64_t interval_ms, last_ms;
    const struct ticker_ops *ops;
    void *user;
};

struct ticker *ticker_new(const struct ticker_ops *ops, void *user)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct ticker *t = mem_alloc(sizeof(*t));
    t->fd = fd;
    t->ops = ops;
    t->user = user;
    return t;
}

static void ticker_tell_clock_set(struct ticker *t)
{
    log_warning("core", "the wall clock was set; ticks go on from its new time");
    t->ops->clock_set(t->user);
}

static bool ticker_stopped(const struct ticker *t)
{
    return uv_is_closing((const uv_handle_t *)&t->poll);
}

static void ticker_arm(struct ticker *t)
{
    for (;;) {
        int64_t next_ms = grid_after(clock_wall_ms(), t->interval_ms);
        struct itimerspec when = {
            .it_value = {.tv_sec = (time_t)(next_ms / MS_PER_S),
                         .tv_nsec = (long)(next_ms % MS_PER_S * NS_PER_MS)},
        };
        int err = timerfd_settime(t->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
        if (err == 0)
            return;
        /* The clock was set since the last read, and the timer has told so for the only time. It
         * is armed, but perhaps for a point of the old time: find the grid again. */
        CHECK(errno == ECANCELED);
        t->last_ms = grid_floor(clock_wall_ms(), t->interval_ms);
        ticker_tell_clock_set(t);
        if (ticker_stopped(t))
            return;
    }
}

static void ticker_on_readable(uv_poll_t *poll, int status, int events)
{
    struct ticker *t = poll->data;
    (void)events;
    uint64_t expirations;
    bool clock_set =
        status == 0 && read(t->fd, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED;
    if (clock_set)
        ticker_tell_clock_set(t);
    int64_t point;
    uint64_t missed;
    if (!ticker_stopped(t) &&
        grid_due(t->last_ms, clock_wall_ms(), t->interval_ms, &point, &missed)) {
        /* What the clock jumped over was never there to be missed. */
        t->last_ms = point;
        t->ops->tick(t->user, point, clock_set ? 0 : missed);
    }
    /* The callbacks may have stopped the ticker. */
    if (!ticker_stopped(t))
        ticker_arm(t);
}

int ticker_start(struct ticker *t, uv_loop_t *uv, int64_t interval_ms)
{
    t->interval_ms = interval_ms;
    int err = uv_poll_init(uv, &t->poll, t->fd);
    if (err)
        return err;
    t->poll.data = t;
    /* The first tick comes at the next grid point, not at the one that has just passed. */
    t->last_ms = grid_floor(clock_wall_ms(), interval_ms);
    ticker_arm(t);
    return uv_poll_start(&t->poll, UV_READABLE, ticker_on_readable);
}

void ticker_set_interval(struct ticker *t, int64_t interval_ms)
{
    t->interval_ms = interval_ms;
    t->last_ms = grid_floor(clock_wall_ms(), interval_ms);
    ticker_arm(t);
}

static void ticker_closed(uv_handle_t *handle)
{
    struct ticker *t = handle->data;
    close(t->fd);
    free(t);
}

void ticker_stop(struct ticker *t)
{
    if (!t)
        return;
    if (t->poll.data) {
        uv_poll_stop(&t->poll);
        uv_close((uv_handle_t *)&t->poll, ticker_closed);
    } else {
        close(t->fd);
        free(t);
    }
}
