/*
 * collect_bench.c: see collect_bench.h. A round is what the daemon does in a second: the engine's
 * watchers have their turn, a survey, whose results are taken, and a tick, which is sealed and
 * thrown away. In the time of a tick is only the collecting; of a survey only the reading, not the
 * taking. The first round of a level is not in the figures: what is new is learned in it.
 */
#include "bench/collect_bench.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "bench/pairs.h"
#include "bench/stop.h"
#include "collect/select.h"
#include "model/table.h"
#include "model/tick.h"

#define SERIES_MAX 20000 /* as collect.series_limit has it without a configuration */
#define INTERVAL_MS 1000
#define TURN_MS 100

struct bench {
    const struct collect_settings *settings;
    struct collector *collector;
    uv_loop_t loop;
    struct registry *registry;
    struct draft *draft;
    uint64_t seq, next_event;
    bool surveys; /* the last survey had a result */
    struct spread tick, survey;
    struct collect_level *level;
};

static void on_survey(void *user, struct engine *e, struct message *result)
{
    struct bench *b = user;
    b->surveys = true;
    collector_take_survey(b->collector, e, result);
}

static size_t sampled(const struct tick *t)
{
    size_t count = 0;
    for (uint32_t i = 0; i < t->count; i++)
        count += t->state[i] != SAMPLE_ABSENT;
    return count;
}

static int one_round(struct bench *b, bool counts)
{
    int64_t now_ms = clock_wall_ms();
    int64_t elapsed_ns = b->seq++ ? INTERVAL_MS * NS_PER_MS : 0;
    uv_run(&b->loop, UV_RUN_NOWAIT);
    b->surveys = false;
    int64_t began_ns = clock_mono_ns();
    collector_survey(b->collector, on_survey, b);
    int64_t surveyed_ns = clock_mono_ns();
    draft_begin(b->draft, b->seq, now_ms, elapsed_ns, surveyed_ns, INTERVAL_MS);
    const struct engine_sink sink = {
        .registry = b->registry, .draft = b->draft, .now_ms = now_ms, .mono_ns = surveyed_ns};
    int64_t tick_ns = clock_mono_ns();
    collector_collect(b->collector, &sink);
    int64_t collected_ns = clock_mono_ns();
    struct tick *t = draft_seal(b->draft, collected_ns, &b->next_event);
    if (!t)
        return -ENOMEM;
    b->level->series = sampled(t);
    const struct table *connections = t->tables[TABLE_CONNECTIONS];
    if (connections)
        b->level->sockets = connections->rows_count;
    tick_unref(t);
    if (!counts)
        return 0;
    spread_add(&b->tick, collected_ns - tick_ns);
    if (b->surveys)
        spread_add(&b->survey, surveyed_ns - began_ns);
    b->level->rounds++;
    return 0;
}

static void fail(struct collect_level *level, enum collect_outcome outcome, const char *why)
{
    level->outcome = outcome;
    snprintf(level->why, sizeof(level->why), "%s", why);
}

static void show_progress(const struct bench *b, const char *engine)
{
    if (b->settings->progress)
        fprintf(stderr, "\r%s, %u connections: round %llu ", engine, b->level->connections,
                (unsigned long long)b->level->rounds);
}

static void measure(struct bench *b, const char *engine)
{
    int64_t end_ns = 0, told_ns = 0;
    memset(&b->tick, 0, sizeof(b->tick));
    memset(&b->survey, 0, sizeof(b->survey));
    for (bool first = true;; first = false) {
        int64_t now_ns = clock_mono_ns();
        if (stop_is_wanted()) {
            fail(b->level, COLLECT_INTERRUPTED, "a signal ended it");
            return;
        }
        if (now_ns - told_ns > TURN_MS * NS_PER_MS) {
            show_progress(b, engine);
            told_ns = now_ns;
        }
        int err = one_round(b, !first);
        if (err) {
            fail(b->level, COLLECT_FAILED, strerror(-err));
            return;
        }
        if (first)
            end_ns = clock_mono_ns() + (int64_t)(b->settings->seconds * (double)NS_PER_S);
        else if (clock_mono_ns() >= end_ns)
            break;
    }
    b->level->tick = spread_summary(&b->tick);
    b->level->survey = spread_summary(&b->survey);
    b->level->tick_ns_per_series =
        b->level->series ? b->level->tick.p50_ms * (double)NS_PER_MS / (double)b->level->series
                         : NAN;
    b->level->outcome = COLLECT_MEASURED;
}

static void one_level(struct bench *b, const char *engine, unsigned connections,
                      struct collect_level *ret)
{
    struct pairs *pairs = NULL;
    *ret = (struct collect_level){.connections = connections};
    b->level = ret;
    int err = pairs_open(connections, &pairs);
    if (err)
        fail(ret, COLLECT_FAILED,
             err == -EMFILE ? "the limit for open files leaves no room for the connections"
                            : strerror(-err));
    else
        measure(b, engine);
    pairs_close(pairs);
    if (b->settings->progress)
        fprintf(stderr, "\r\033[K");
}

static size_t all_levels(struct bench *b, const char *engine, struct collect_level *ret)
{
    size_t count = 0;
    while (count < b->settings->levels_count) {
        one_level(b, engine, b->settings->levels[count], &ret[count]);
        if (ret[count++].outcome == COLLECT_INTERRUPTED)
            break;
    }
    return count;
}

/* Why the engine of this name gives nothing. */
static void unavailable(struct collector *c, const char *engine, struct collect_level *ret)
{
    const struct collector_status *status = collector_status(c);
    *ret = (struct collect_level){0};
    fail(ret, COLLECT_UNAVAILABLE, "it can give nothing here");
    for (size_t i = 0; i < status->count; i++) {
        if (strcmp(status->engines[i].name, engine) == 0 && *status->engines[i].reason)
            fail(ret, COLLECT_UNAVAILABLE, status->engines[i].reason);
    }
}

static void on_detached(void *user)
{
    *(bool *)user = true;
}

size_t collect_bench(const struct collect_settings *settings, const char *engine,
                     struct collect_level ret[COLLECT_LEVELS_MAX])
{
    CHECK(settings->levels_count && settings->levels_count <= COLLECT_LEVELS_MAX);
    const char *bad = NULL;
    struct bench *b = mem_alloc(sizeof(*b));
    size_t count = 1;
    b->settings = settings;
    b->next_event = 1;
    int err = collector_new(&b->collector, settings->engines, &engine, 1, &bad);
    CHECK(!err); /* a name of collector_engine_name */
    err = uv_loop_init(&b->loop);
    CHECK(!err);
    b->registry = registry_new(SERIES_MAX, 1);
    b->draft = draft_new(b->registry);
    err = collector_open(b->collector);
    if (!err)
        err = collector_attach(b->collector, &b->loop);
    if (err) {
        unavailable(b->collector, engine, &ret[0]);
    } else {
        bool detached = false;
        count = all_levels(b, engine, ret);
        collector_detach(b->collector, on_detached, &detached);
        while (!detached)
            uv_run(&b->loop, UV_RUN_ONCE);
    }
    collector_free(b->collector);
    draft_free(b->draft);
    registry_free(b->registry);
    uv_run(&b->loop, UV_RUN_NOWAIT); /* handles that are closing */
    uv_loop_close(&b->loop);
    free(b);
    return count;
}
