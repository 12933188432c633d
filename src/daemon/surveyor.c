/*
 * surveyor.c: see surveyor.h. The timer is re-armed after each round, so a round that takes longer
 * than the interval delays the next instead of piling up. What a round costs is the processor time
 * of this thread: waiting for a lock in the kernel is no cost to others.
 */
#include "daemon/surveyor.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/select.h"
#include "daemon/core.h"
#include "daemon/pace.h"
#include "loop/loop.h"

struct surveyor {
    struct loop loop;
    uv_timer_t timer;
    struct collector *collector;
    struct core *core;
    struct pace pace;
    /* For other threads to look at. */
    atomic_uint_fast64_t rounds, cpu_ns;
    atomic_int_fast64_t interval_ms;
};

static void surveyor_found(void *user, struct engine *engine, struct message *result)
{
    struct surveyor *s = user;
    core_post_survey(s->core, engine, result);
}

static int64_t thread_cpu_ns(void)
{
    struct timespec used = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * NS_PER_S + used.tv_nsec;
}

static void surveyor_keep_pace(struct surveyor *s, int64_t cost_ns)
{
    double period_s;
    switch (pace_round(&s->pace, cost_ns)) {
    case PACE_SLOWED:
        period_s = (double)s->pace.period_ms / (double)MS_PER_S;
        log_warning("survey",
                    "a survey takes %.0f ms of processor time; to stay below 5 %% of a core it is "
                    "made every %g s from now on, or less often",
                    (double)cost_ns / (double)NS_PER_MS, period_s);
        break;
    case PACE_RECOVERED:
        log_info("survey", "surveys are made every %g s again",
                 (double)s->pace.interval_ms / (double)MS_PER_S);
        break;
    case PACE_SAME:
    case PACE_SLOWER:
        break;
    }
    atomic_fetch_add_explicit(&s->rounds, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->cpu_ns, (uint64_t)cost_ns, memory_order_relaxed);
    atomic_store_explicit(&s->interval_ms, s->pace.period_ms, memory_order_relaxed);
}

static void surveyor_round(uv_timer_t *timer)
{
    struct surveyor *s = timer->data;
    int64_t began_ms = clock_wall_ms(), began_ns = thread_cpu_ns();
    collector_survey(s->collector, surveyor_found, s);
    surveyor_keep_pace(s, thread_cpu_ns() - began_ns);
    uv_update_time(&s->loop.uv); /* or the round's own time would count as waited */
    uv_timer_start(&s->timer, surveyor_round,
                   (uint64_t)pace_wait_ms(&s->pace, began_ms, clock_wall_ms()), 0);
}

void surveyor_stats(const struct surveyor *s, struct surveyor_stats *ret)
{
    *ret = (struct surveyor_stats){
        .rounds = atomic_load_explicit(&s->rounds, memory_order_relaxed),
        .cpu_ns = atomic_load_explicit(&s->cpu_ns, memory_order_relaxed),
        .interval_ms = atomic_load_explicit(&s->interval_ms, memory_order_relaxed),
    };
}

static void surveyor_on_stop(struct loop *loop, void *user)
{
    struct surveyor *s = user;
    (void)loop;
    uv_close((uv_handle_t *)&s->timer, NULL);
}

struct surveyor *surveyor_new(struct collector *collector, struct core *core, int64_t interval_ms)
{
    struct surveyor *s = mem_alloc(sizeof(*s));
    s->collector = collector;
    s->core = core;
    pace_init(&s->pace, interval_ms);
    atomic_init(&s->interval_ms, interval_ms);
    if (loop_init(&s->loop, "survey", surveyor_on_stop, s) < 0) {
        free(s);
        return NULL;
    }
    int err = uv_timer_init(&s->loop.uv, &s->timer);
    CHECK(err == 0);
    s->timer.data = s;
    err = uv_timer_start(&s->timer, surveyor_round, 0, 0);
    CHECK(err == 0);
    return s;
}

int surveyor_start(struct surveyor *s)
{
    return loop_start(&s->loop);
}

void surveyor_stop(struct surveyor *s)
{
    loop_stop(&s->loop);
}

void surveyor_join(struct surveyor *s)
{
    loop_join(&s->loop);
}

void surveyor_free(struct surveyor *s)
{
    free(s);
}
