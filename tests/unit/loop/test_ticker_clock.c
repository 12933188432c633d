/*
 * test_ticker_clock.c: the ticker while the wall clock is being set, in every place between its
 * system calls where that can happen.
 *
 * Linked with --wrap, so the clock and the timerfd are the test's: an eventfd becomes readable when
 * the fake clock reaches the armed time or is set. As in the kernel, a set clock is told once, by
 * whichever comes first: read, or arming anew (which arms all the same).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "loop/grid.h"

#define T0 INT64_C(1764000000000)
#define HOUR_MS INT64_C(3600000)

static struct {
    int64_t wall_ms, armed_ms; /* armed_ms 0: not armed */
    int fd;
    bool cancel_on_set, canceled;
    unsigned arms;
    int64_t set_at_next_look_ms; /* the clock is set just after it was looked at */
} fake;

ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size);
int64_t __wrap_clock_wall_ms(void);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when,
                           struct itimerspec *before);

static void fake_signal(void)
{
    uint64_t one = 1;
    assert_int_equal(write(fake.fd, &one, sizeof(one)), sizeof(one));
}

static void fake_silence(void)
{
    uint64_t count;
    while (__real_read(fake.fd, &count, sizeof(count)) > 0)
        continue;
}

static void fake_check_expiry(void)
{
    if (fake.armed_ms && fake.wall_ms >= fake.armed_ms) {
        fake.armed_ms = 0;
        fake_signal();
    }
}

static void fake_pass_to(int64_t wall_ms)
{
    fake.wall_ms = wall_ms;
    fake_check_expiry();
}

static void fake_set_clock(int64_t wall_ms)
{
    fake.wall_ms = wall_ms;
    fake.canceled = fake.cancel_on_set;
    if (fake.cancel_on_set)
        fake_signal();
}

int64_t __wrap_clock_wall_ms(void)
{
    int64_t now_ms = fake.wall_ms;
    if (fake.set_at_next_look_ms) {
        int64_t set_ms = fake.set_at_next_look_ms;
        fake.set_at_next_look_ms = 0;
        fake_set_clock(set_ms);
    }
    return now_ms;
}

int __wrap_timerfd_create(int clock, int flags)
{
    assert_int_equal(clock, CLOCK_REALTIME);
    assert_int_equal(flags, TFD_NONBLOCK | TFD_CLOEXEC);
    fake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fake.fd;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when,
                           struct itimerspec *before)
{
    (void)before;
    assert_int_equal(fd, fake.fd);
    assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
    assert_int_equal(when->it_interval.tv_sec, 0);
    assert_int_equal(when->it_interval.tv_nsec, 0);
    fake.cancel_on_set = true;
    fake.arms++;
    fake.armed_ms = when->it_value.tv_sec * MS_PER_S + when->it_value.tv_nsec / NS_PER_MS;
    fake_silence();
    fake_check_expiry();
    if (fake.canceled) {
        fake.canceled = false;
        errno = ECANCELED;
        return -1;
    }
    return 0;
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
    if (fd == fake.fd && fake.canceled) {
        fake.canceled = false;
        fake_silence();
        errno = ECANCELED;
        return -1;
    }
    return __real_read(fd, data, size);
}

/* ---- a ticker under watch ---------------------------------------------------------------- */

struct watch {
    uv_loop_t uv;
    struct ticker *ticker;
    unsigned ticks, clock_sets;
    int64_t point_ms;
    uint64_t missed;
    /* What the callbacks do, once. */
    int64_t set_clock_in_tick_ms, new_interval_ms, tick_takes_until_ms;
    bool stop_in_tick, stop_in_clock_set;
};

static void on_tick(void *user, int64_t point_ms, uint64_t missed)
{
    struct watch *w = user;
    w->ticks++;
    w->point_ms = point_ms;
    w->missed = missed;
    if (w->tick_takes_until_ms)
        fake_pass_to(w->tick_takes_until_ms);
    if (w->set_clock_in_tick_ms)
        fake_set_clock(w->set_clock_in_tick_ms);
    if (w->new_interval_ms)
        ticker_set_interval(w->ticker, w->new_interval_ms);
    if (w->stop_in_tick)
        ticker_stop(w->ticker);
    w->tick_takes_until_ms = w->set_clock_in_tick_ms = w->new_interval_ms = 0;
}

static void on_clock_set(void *user)
{
    struct watch *w = user;
    w->clock_sets++;
    if (w->stop_in_clock_set)
        ticker_stop(w->ticker);
}

static const struct ticker_ops ops = {on_tick, on_clock_set};

static void watch_init(struct watch *w, int64_t now_ms, int64_t interval_ms)
{
    log_setup(LOG_LEVEL_ERROR);
    fake = (__typeof__(fake)){.wall_ms = now_ms, .fd = -1};
    *w = (struct watch){0};
    assert_int_equal(uv_loop_init(&w->uv), 0);
    w->ticker = ticker_new(&ops, w);
    assert_non_null(w->ticker);
    assert_int_equal(fake.arms, 0);
    assert_int_equal(ticker_start(w->ticker, &w->uv, interval_ms), 0);
}

/* Lets the loop see what there is to see; it never waits. */
static void turn(struct watch *w)
{
    uv_run(&w->uv, UV_RUN_NOWAIT);
}

static void watch_fini(struct watch *w)
{
    if (!w->stop_in_tick && !w->stop_in_clock_set)
        ticker_stop(w->ticker);
    uv_run(&w->uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->uv), 0);
    assert_int_equal(fcntl(fake.fd, F_GETFD), -1); /* the descriptor is closed */
}

static void assert_tick(struct watch *w, unsigned ticks, int64_t point_ms, uint64_t missed)
{
    assert_int_equal(w->ticks, ticks);
    assert_int_equal(w->point_ms, point_ms);
    assert_int_equal(w->missed, missed);
}

/* ---- time passes ------------------------------------------------------------------------- */

static void test_every_point_in_turn(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, T0 + 300, 1000);
    assert_int_equal(fake.armed_ms, T0 + 1000);
    turn(&w);
    assert_int_equal(w.ticks, 0); /* not for the point that has passed */
    fake_pass_to(T0 + 999);
    turn(&w);
    assert_int_equal(w.ticks, 0);
    for (unsigned i = 1; i <= 5; i++) {
        fake_pass_to(T0 + 1000 * i + i); /* a little late, each time more */
        turn(&w);
        assert_tick(&w, i, T0 + 1000 * i, 0);
        assert_int_equal(fake.armed_ms, T0 + 1000 * (i + 1));
    }
    assert_int_equal(w.clock_sets, 0);
    watch_fini(&w);
}

static void test_started_exactly_on_a_point(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, T0, 50);
    assert_int_equal(fake.armed_ms, T0 + 50);
    fake_pass_to(T0 + 50);
    turn(&w);
    assert_tick(&w, 1, T0 + 50, 0);
    watch_fini(&w);
}

static void test_points_that_were_slept_through(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, T0, 100);
    fake_pass_to(T0 + 100);
    turn(&w);
    fake_pass_to(T0 + 450);
    turn(&w);
    assert_tick(&w, 2, T0 + 400, 2);
    assert_int_equal(fake.armed_ms, T0 + 500);
    turn(&w);
    assert_int_equal(w.ticks, 2); /* expirations do not queue up */
    watch_fini(&w);
}

static void test_a_tick_longer_than_the_interval(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, T0, 100);
    w.tick_takes_until_ms = T0 + 370;
    fake_pass_to(T0 + 100);
    turn(&w);
    assert_tick(&w, 1, T0 + 100, 0);
    assert_int_equal(fake.armed_ms, T0 + 400);
    fake_pass_to(T0 + 400);
    turn(&w);
    assert_tick(&w, 2, T0 + 400, 2);
    watch_fini(&w);
}

static void test_woken_for_nothing(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, T0, 1000);
    fake.wall_ms = T0 + 500;
    fake_signal();
    turn(&w);
    assert_int_equal(w.ticks, 0);
    assert_int_equal(fake.armed_ms, T0 + 1000);
    fake_pass_to(T0 + 1000);
    turn(&w);
    assert_tick(&w, 1, T0 + 1000, 0);
    watch_fini(&w);
}

static void test_new_interval(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, T0, 1000);
    fake_pass_to(T0 + 120);
    ticker_set_interval(w.ticker, 50);
    assert_int_equal(fake.armed_ms, T0 + 150);
    turn(&w);
    assert_int_equal(w.ticks, 0);
    fake_pass_to(T0 + 150);
    turn(&w);
    assert_tick(&w, 1, T0 + 150, 0);
    w.new_interval_ms = 1000; /* from within the tick */
    fake_pass_to(T0 + 200);
    turn(&w);
    assert_tick(&w, 2, T0 + 200, 0);
    assert_int_equal(fake.armed_ms, T0 + 1000);
    fake_pass_to(T0 + 1000);
    turn(&w);
    assert_tick(&w, 3, T0 + 1000, 0);
    watch_fini(&w);
}

/* ---- the clock is set -------------------------------------------------------------------- */

static const int64_t jumps_ms[] = {-HOUR_MS, -1500, -250, 250, 1500, HOUR_MS};

static void test_clock_set_while_waiting(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(jumps_ms); i++) {
        struct watch w;
        watch_init(&w, T0, 1000);
        fake_pass_to(T0 + 1000);
        turn(&w);
        int64_t now_ms = T0 + 1500 + jumps_ms[i];
        fake_set_clock(now_ms);
        turn(&w);
        assert_int_equal(w.clock_sets, 1);
        int64_t point_ms = grid_floor(now_ms, 1000);
        /* The present point, if it is another than the last one's; nothing was missed. */
        assert_tick(&w, point_ms == T0 + 1000 ? 1 : 2, point_ms, 0);
        assert_int_equal(fake.armed_ms, point_ms + 1000);
        fake_pass_to(point_ms + 1000);
        turn(&w);
        assert_tick(&w, point_ms == T0 + 1000 ? 2 : 3, point_ms + 1000, 0);
        assert_int_equal(w.clock_sets, 1);
        watch_fini(&w);
    }
}

/* Between the timer's read and its next arming: only the arming learns of it. */
static void test_clock_set_during_a_tick(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(jumps_ms); i++) {
        struct watch w;
        watch_init(&w, T0, 1000);
        int64_t now_ms = T0 + 1500 + jumps_ms[i];
        w.set_clock_in_tick_ms = now_ms;
        fake_pass_to(T0 + 1000);
        turn(&w);
        assert_tick(&w, 1, T0 + 1000, 0);
        assert_int_equal(w.clock_sets, 1);
        assert_int_equal(fake.armed_ms, grid_after(now_ms, 1000));
        fake_pass_to(fake.armed_ms);
        turn(&w);
        assert_tick(&w, 2, grid_after(now_ms, 1000), 0);
        assert_int_equal(w.clock_sets, 1);
        watch_fini(&w);
    }
}

/* Between reading the clock and arming for what it said: armed for a time that may be far off. */
static void test_clock_set_while_arming(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(jumps_ms); i++) {
        struct watch w;
        watch_init(&w, T0 + 500, 1000);
        int64_t now_ms = T0 + 500 + jumps_ms[i];
        fake.set_at_next_look_ms = now_ms;
        ticker_set_interval(w.ticker, 100);
        turn(&w);
        assert_int_equal(w.clock_sets, 1);
        assert_int_equal(fake.armed_ms, grid_after(now_ms, 100));
        fake_pass_to(fake.armed_ms);
        turn(&w);
        assert_tick(&w, 1, grid_after(now_ms, 100), 0);
        assert_int_equal(w.clock_sets, 1);
        watch_fini(&w);
    }
}

/* ---- the end ----------------------------------------------------------------------------- */

static void test_stopped_in_a_tick(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, T0, 1000);
    w.stop_in_tick = true;
    fake_pass_to(T0 + 1000);
    unsigned arms = fake.arms;
    turn(&w);
    assert_int_equal(w.ticks, 1);
    assert_int_equal(fake.arms, arms);
    watch_fini(&w);
}

static void test_stopped_when_the_clock_is_set(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, T0, 1000);
    w.stop_in_clock_set = true;
    fake_set_clock(T0 + HOUR_MS);
    turn(&w);
    assert_int_equal(w.clock_sets, 1);
    assert_int_equal(w.ticks, 0); /* stopped is stopped */
    watch_fini(&w);
}

static void test_stopped_with_an_expiry_unread(void **state)
{
    (void)state;
    struct watch w;
    watch_init(&w, T0, 1000);
    fake_pass_to(T0 + 1000);
    watch_fini(&w);
    assert_int_equal(w.ticks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_point_in_turn),
        cmocka_unit_test(test_started_exactly_on_a_point),
        cmocka_unit_test(test_points_that_were_slept_through),
        cmocka_unit_test(test_a_tick_longer_than_the_interval),
        cmocka_unit_test(test_woken_for_nothing),
        cmocka_unit_test(test_new_interval),
        cmocka_unit_test(test_clock_set_while_waiting),
        cmocka_unit_test(test_clock_set_during_a_tick),
        cmocka_unit_test(test_clock_set_while_arming),
        cmocka_unit_test(test_stopped_in_a_tick),
        cmocka_unit_test(test_stopped_when_the_clock_is_set),
        cmocka_unit_test(test_stopped_with_an_expiry_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
