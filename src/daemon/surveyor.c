/*
 * surveyor.c: see surveyor.h. The timer is re-armed after each round, so a round that takes longer
 * than the interval delays the next instead of piling up.
 */
#include "daemon/surveyor.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "collect/select.h"
#include "daemon/core.h"
#include "loop/loop.h"

struct surveyor {
    struct loop loop;
    uv_timer_t timer;
    struct collector *collector;
    struct core *core;
    uint64_t interval_ms;
};

static void surveyor_found(void *user, struct engine *engine, struct message *result)
{
    struct surveyor *s = user;
    core_post_survey(s->core, engine, result);
}

static void surveyor_round(uv_timer_t *timer)
{
    struct surveyor *s = timer->data;
    collector_survey(s->collector, surveyor_found, s);
    uv_timer_start(&s->timer, surveyor_round, s->interval_ms, 0);
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
    s->interval_ms = (uint64_t)interval_ms;
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
