/*
 * test_core.c: what threads hand to the core arrives in a tick, and what does not fit is counted in
 * one; letters that come while it stops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "collect/select.h"
#include "daemon/core.h"
#include "http/assets.h"
#include "model/tick.h"

#define QUEUE 1024 /* CORE_INBOX */
#define WAIT_MS 10000

/* The dashboard, which only the executable has. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

struct seen {
    struct sink sink;
    int pipe[2]; /* one byte when all that is expected has come */
    size_t expected, events;
    bool done;
    uint64_t lost; /* as the newest tick says */
};

/* Core thread. */
static void seen_push(struct sink *sink, struct tick *tick)
{
    struct seen *s = CONTAINER_OF(sink, struct seen, sink);
    if (s->done)
        return;
    for (size_t i = 0; i < tick->events_count; i++)
        s->events += tick->events[i]->kind == EVENT_ERROR;
    for (uint32_t i = 0; i < tick->count; i++) {
        if (tick->state[i] != SAMPLE_ABSENT && /* a slot may be free */
            strcmp(tick->set->slots[i]->name, "netsonde_core_lost_total") == 0)
            s->lost = tick->absolute[i];
    }
    s->done = s->events >= s->expected;
    if (s->done)
        assert_int_equal(write(s->pipe[1], "!", 1), 1);
}

static struct core *core_of_this_host(void)
{
    const struct engine_settings engines = {
        .proc_root = "/proc", .sys_root = "/sys", .interval_ms = 50};
    struct core_settings settings = {.registry = registry_new(20000, 1), .interval_ms = 50};
    const char *bad = NULL;
    assert_int_equal(collector_new(&settings.collector, &engines, NULL, 0, &bad), 0);
    assert_int_equal(collector_open(settings.collector), 0);
    struct core *core = core_new(&settings);
    assert_non_null(core);
    return core;
}

static void run_with_events(size_t count, size_t expected, struct seen *ret)
{
    *ret = (struct seen){
        .sink = {.name = "seen", .push = seen_push}, .expected = expected, .lost = UINT64_MAX};
    assert_int_equal(pipe(ret->pipe), 0);
    struct core *core = core_of_this_host();
    core_add_sink(core, &ret->sink);
    for (size_t i = 0; i < count; i++)
        core_post_event(core, event_new(EVENT_ERROR, 1764000000000));
    assert_int_equal(core_start(core), 0);
    struct pollfd waiting = {.fd = ret->pipe[0], .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
    core_stop(core);
    core_join(core);
    core_free(core);
    close(ret->pipe[0]);
    close(ret->pipe[1]);
}

static void test_events_arrive(void **state)
{
    struct seen seen;
    (void)state;
    run_with_events(100, 100, &seen);
    assert_int_equal(seen.events, 100);
    assert_int_equal(seen.lost, 0);
}

static void test_what_does_not_fit_is_counted(void **state)
{
    struct seen seen;
    (void)state;
    /* A tick has room for almost as many; what it has no room for it tells in a loss event. */
    run_with_events(QUEUE + 7, QUEUE / 2, &seen);
    assert_int_equal(seen.lost, 7);
}

struct seconds {
    struct sink sink;
    int pipe[2];
    bool counts_only; /* of the tick that is made */
    int64_t second;   /* of the tick before; 0: none */
    size_t whole, counts, wrong;
};

/* Core thread, both: first the one, then with the same tick the other. */
static void seconds_sample(void *user, struct registry *registry, struct draft *draft,
                           bool counts_only)
{
    (void)registry;
    (void)draft;
    ((struct seconds *)user)->counts_only = counts_only;
}

static void seconds_push(struct sink *sink, struct tick *tick)
{
    struct seconds *s = CONTAINER_OF(sink, struct seconds, sink);
    int64_t second = tick->t_ms / 1000;
    if (s->whole == 2)
        return;
    s->wrong += s->counts_only != (second == s->second);
    s->second = second;
    *(s->counts_only ? &s->counts : &s->whole) += 1;
    if (s->whole == 2)
        assert_int_equal(write(s->pipe[1], "!", 1), 1);
}

/* The first tick of each second of the wall clock reads everything. */
static void test_whole_once_a_second(void **state)
{
    (void)state;
    struct seconds seen = {.sink = {.name = "seen", .push = seconds_push}};
    assert_int_equal(pipe(seen.pipe), 0);
    struct core *core = core_of_this_host();
    core_add_sink(core, &seen.sink);
    core_on_sample(core, seconds_sample, &seen);
    assert_int_equal(core_start(core), 0);
    struct pollfd waiting = {.fd = seen.pipe[0], .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
    core_stop(core);
    core_join(core);
    core_free(core);
    close(seen.pipe[0]);
    close(seen.pipe[1]);
    assert_int_equal(seen.wrong, 0);
    assert_int_equal(seen.whole, 2);
}

/* SIGHUP and at once SIGTERM, while a tick keeps the core busy: both letters wait. The engines let
 * go of the loop one turn later than the ticker. */
static void test_interval_while_stopping(void **state)
{
    (void)state;
    struct core *core = core_of_this_host();
    core_post_interval(core, 20);
    core_stop(core);
    assert_int_equal(core_start(core), 0);
    core_join(core);
    core_free(core);
}

struct pace {
    struct sink sink;
    int pipe[2];
    int64_t told_ms; /* of the tick before */
};

/* Core thread. */
static void pace_push(struct sink *sink, struct tick *tick)
{
    struct pace *p = CONTAINER_OF(sink, struct pace, sink);
    if (tick->interval_ms != p->told_ms)
        assert_int_equal(write(p->pipe[1], "!", 1), 1);
    p->told_ms = tick->interval_ms;
}

/* Who waits for a tick is told that it will be long before it is: an hour is not waited for here.
 */
static void test_longer_interval_is_told(void **state)
{
    struct pace pace = {.sink = {.name = "pace", .push = pace_push}};
    struct core *core = core_of_this_host();
    char told;
    (void)state;
    assert_int_equal(pipe(pace.pipe), 0);
    core_add_sink(core, &pace.sink);
    assert_int_equal(core_start(core), 0);
    struct pollfd waiting = {.fd = pace.pipe[0], .events = POLLIN};
    static const int64_t intervals_ms[] = {50, 3600 * 1000, 60};
    for (size_t i = 0; i < ARRAY_LEN(intervals_ms); i++) {
        if (i > 0)
            assert_int_equal(core_post_interval(core, intervals_ms[i]), 0);
        assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
        assert_int_equal(read(pace.pipe[0], &told, 1), 1);
    }
    core_stop(core);
    core_join(core);
    core_free(core);
    close(pace.pipe[0]);
    close(pace.pipe[1]);
    assert_int_equal(pace.told_ms, 60);
}

/* A busy core may refuse it: who posted it must know that the old interval stays in force. */
static void test_interval_refused(void **state)
{
    (void)state;
    struct core *core = core_of_this_host();
    assert_int_equal(core_post_interval(core, 100), 0);
    for (size_t i = 1; i < QUEUE; i++)
        core_post_event(core, event_new(EVENT_ERROR, 1764000000000));
    assert_int_equal(core_post_interval(core, 200), -ENOBUFS);
    core_stop(core);
    assert_int_equal(core_start(core), 0);
    core_join(core);
    core_free(core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_arrive),
        cmocka_unit_test(test_what_does_not_fit_is_counted),
        cmocka_unit_test(test_whole_once_a_second),
        cmocka_unit_test(test_interval_while_stopping),
        cmocka_unit_test(test_interval_refused),
        cmocka_unit_test(test_longer_interval_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
