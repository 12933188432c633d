/* test_loop.c: how a loop's thread begins and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/defs.h"
#include "loop/loop.h"

struct room {
    struct loop loop;
    uv_timer_t timer;
    bool has_timer;
    /* Written on the loop's thread, read after the join. */
    unsigned stops, timeouts;
    pthread_t stop_thread;
    char name[16];
    sigset_t mask;
    bool stop_itself;
};

static void on_stop(struct loop *loop, void *user)
{
    struct room *r = user;
    assert_ptr_equal(loop, &r->loop);
    r->stops++;
    r->stop_thread = pthread_self();
    pthread_getname_np(pthread_self(), r->name, sizeof(r->name));
    pthread_sigmask(SIG_SETMASK, NULL, &r->mask);
    if (r->has_timer)
        uv_close((uv_handle_t *)&r->timer, NULL);
}

static void on_timeout(uv_timer_t *timer)
{
    struct room *r = timer->data;
    r->timeouts++;
    if (r->stop_itself)
        loop_stop(&r->loop);
}

static void room_init(struct room *r, uint64_t timeout_ms)
{
    memset(r, 0, sizeof(*r));
    assert_int_equal(loop_init(&r->loop, "room", on_stop, r), 0);
    if (!timeout_ms)
        return;
    assert_int_equal(uv_timer_init(&r->loop.uv, &r->timer), 0);
    r->timer.data = r;
    r->has_timer = true;
    assert_int_equal(uv_timer_start(&r->timer, on_timeout, timeout_ms, timeout_ms), 0);
}

static void test_never_started(void **state)
{
    (void)state;
    struct room r;
    room_init(&r, 0);
    loop_fini(&r.loop);
    assert_int_equal(r.stops, 1); /* what was set up is taken down the same way */
    assert_true(pthread_equal(r.stop_thread, pthread_self()));

    room_init(&r, 1000000);
    loop_fini(&r.loop);
    assert_int_equal(r.stops, 1);
    assert_int_equal(r.timeouts, 0);
}

static void test_start_stop_join(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct room r;
        room_init(&r, i % 2 ? 1000000 : 0);
        assert_int_equal(loop_start(&r.loop), 0);
        loop_stop(&r.loop); /* most likely before the thread has come so far as to listen */
        loop_join(&r.loop);
        assert_int_equal(r.stops, 1);
        assert_false(pthread_equal(r.stop_thread, pthread_self()));
        assert_string_equal(r.name, "room");
    }
}

static void test_stopped_by_itself(void **state)
{
    (void)state;
    struct room r;
    room_init(&r, 1);
    r.stop_itself = true;
    assert_int_equal(loop_start(&r.loop), 0);
    loop_join(&r.loop);
    assert_int_equal(r.stops, 1);
    assert_true(r.timeouts >= 1);
}

static void *stopper_main(void *arg)
{
    struct room *r = arg;
    for (unsigned i = 0; i < 100; i++)
        loop_stop(&r->loop);
    return NULL;
}

static void test_stopped_by_many(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 30; round++) {
        struct room r;
        pthread_t threads[3];
        room_init(&r, 0);
        assert_int_equal(loop_start(&r.loop), 0);
        for (size_t i = 0; i < ARRAY_LEN(threads); i++)
            assert_int_equal(pthread_create(&threads[i], NULL, stopper_main, &r), 0);
        for (size_t i = 0; i < ARRAY_LEN(threads); i++)
            pthread_join(threads[i], NULL);
        loop_join(&r.loop);
        assert_int_equal(r.stops, 1);
    }
}

/* Signals are the main thread's: none may interrupt a loop. */
static void test_signals_stay_outside(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE, SIGCHLD, SIGALRM};
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    struct room r;
    room_init(&r, 0);
    assert_int_equal(loop_start(&r.loop), 0);
    loop_stop(&r.loop);
    loop_join(&r.loop);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        assert_int_equal(sigismember(&r.mask, signals[i]), 1);
        assert_int_equal(sigismember(&after, signals[i]), sigismember(&before, signals[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_started),        cmocka_unit_test(test_start_stop_join),
        cmocka_unit_test(test_stopped_by_itself),    cmocka_unit_test(test_stopped_by_many),
        cmocka_unit_test(test_signals_stay_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
