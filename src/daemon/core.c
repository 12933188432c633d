/*
 * core.c: one tick, from the timer to the sinks.
 *
 *   ticker ─► draft_begin ─► engines ─► own numbers ─► posted events ─► seal ─► sinks
 *
 * Everything in struct core but the inbox belongs to the core thread. Ticks are numbered one by
 * one; the wall time of a tick is its grid point, its rates divide by the monotonic time since
 * the tick before. Grid points that passed while a tick was late are counted, and told as an event
 * at most every LATE_EVENT_NS.
 */
#include "daemon/core.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timing.h"
#include "collect/select.h"
#include "loop/grid.h"
#include "loop/mailbox.h"
#include "model/others.h"
#include "model/tick.h"

#define CORE_INBOX 1024
#define LATE_EVENT_NS (10 * NS_PER_S)
#define SILENT_SERIES_MS (24 * 3600 * MS_PER_S) /* CONTRACT section 7 */
#define SWEEP_EVERY_MS (600 * MS_PER_S)
#define SILENT_TICKS 10 /* a series that was silent for so long may have to make room */

enum own {
    OWN_TICKS,
    OWN_TICK_SECONDS,
    OWN_MISSED,
    OWN_FAILED,
    OWN_REFUSED,
    OWN_EVICTED,
    OWN_LOST,
    OWN_LIVE,
    OWN_METRICS
};

static const struct metric own_metrics[OWN_METRICS] = {
    [OWN_TICKS] = {"netsonde_ticks_total", "ticks", "Ticks collected since the start.",
                   METRIC_COUNTER, 1},
    [OWN_TICK_SECONDS] = {"netsonde_tick_seconds_total", "seconds",
                          "Time spent collecting, sealing, encoding and handing on ticks.",
                          METRIC_COUNTER, 1e-9},
    [OWN_MISSED] = {"netsonde_ticks_missed_total", "ticks",
                    "Points of the interval's grid that passed without a tick because the one "
                    "before was late.",
                    METRIC_COUNTER, 1},
    [OWN_FAILED] = {"netsonde_ticks_failed_total", "ticks",
                    "Ticks that were collected and then lost for lack of memory.", METRIC_COUNTER,
                    1},
    [OWN_REFUSED] = {"netsonde_series_refused_total", "series",
                     "Times a series was turned away because collect.series_limit was reached.",
                     METRIC_COUNTER, 1},
    [OWN_EVICTED] = {"netsonde_series_evicted_total", "series",
                     "Series that left before a day of silence had passed because "
                     "collect.series_limit was near.",
                     METRIC_COUNTER, 1},
    [OWN_LOST] = {"netsonde_core_lost_total", "messages",
                  "Events and results of surveys that found the core's queue full.", METRIC_COUNTER,
                  1},
    [OWN_LIVE] = {"netsonde_series", "series", "Series that are live now.", METRIC_GAUGE, 1},
};

struct core {
    struct loop loop;
    struct mailbox *inbox;
    struct ticker *ticker;
    struct registry *registry;
    struct draft *draft;
    struct others *others; /* NULL: no pages */
    struct collector *collector;
    struct sink *sinks[CORE_SINKS_MAX];
    size_t sinks_count;
    void (*end)(void *user);
    void *end_user;
    void (*sample)(void *user, struct registry *registry, struct draft *draft, bool counts_only);
    void *sample_user;
    void (*engines)(void *user, const struct collector_status *status);
    void *engines_user;
    struct timing *collect, *seal; /* NULL: nobody wants to know */
    uint64_t engines_told;         /* generation of the status that was told last; 0: none */

    int64_t interval_ms, paced_ms; /* as configured; as the ticker has it */
    uint64_t next_seq, next_event_seq;
    int64_t last_mono_ns; /* start of the last tick; 0: none yet */
    int64_t full_second;  /* of the wall clock, in which a tick has read everything */
    int64_t last_sweep_ms;
    struct draft_queue {
        struct event *events[CORE_INBOX];
        size_t count;
    } posted;

    uint64_t ticks, missed, failed, posts_lost;
    uint64_t tick_ns; /* spent on all ticks before this one */
    uint64_t missed_untold;
    int64_t missed_told_ns;
    struct series *own[OWN_METRICS];
};

const struct metric *core_metric_at(size_t index)
{
    return index < OWN_METRICS ? &own_metrics[index] : NULL;
}

/* ---- letters to the core ----------------------------------------------------------------- */

enum letter_kind { LETTER_EVENT, LETTER_SURVEY, LETTER_INTERVAL, LETTER_CALL };

struct letter {
    enum letter_kind kind;
    struct event *event;
    struct engine *engine;
    struct message *result;
    int64_t interval_ms;
    struct {
        void (*run)(void *user, void *item);
        void *user;
        void (*drop)(void *item);
        void *item; /* NULL: has been run */
    } call;
};

static void letter_drop(void *item)
{
    struct letter *letter = item;
    event_unref(letter->event);
    message_unref(letter->result);
    if (letter->call.item)
        letter->call.drop(letter->call.item);
    free(letter);
}

/* A longer interval begins with the tick that tells it: until one does, who waits for the next tick
 * takes it for late. */
static void core_pace(struct core *core)
{
    if (core->paced_ms == core->interval_ms)
        return;
    core->paced_ms = core->interval_ms;
    if (core->ticker) /* none any more while the engines let go of the loop */
        ticker_set_interval(core->ticker, core->interval_ms);
}

static void core_receive(void *item, void *user)
{
    struct core *core = user;
    struct letter *letter = item;
    switch (letter->kind) {
    case LETTER_EVENT:
        if (core->posted.count < ARRAY_LEN(core->posted.events))
            core->posted.events[core->posted.count++] = TAKE(letter->event);
        else
            core->posts_lost++;
        break;
    case LETTER_SURVEY:
        collector_take_survey(core->collector, letter->engine, TAKE(letter->result));
        break;
    case LETTER_INTERVAL:
        core->interval_ms = letter->interval_ms;
        if (core->interval_ms < core->paced_ms)
            core_pace(core);
        break;
    case LETTER_CALL:
        letter->call.run(letter->call.user, TAKE(letter->call.item));
        break;
    }
    letter_drop(letter);
}

static const struct mailbox_ops core_mailbox_ops = {core_receive, letter_drop};

static int core_post(struct core *core, struct letter letter)
{
    struct letter *copy = mem_alloc(sizeof(*copy));
    *copy = letter;
    /* A refused letter is counted by the mailbox: OWN_LOST. */
    int err = mailbox_post(core->inbox, copy);
    if (err < 0) {
        copy->call.item = NULL; /* stays with the caller */
        letter_drop(copy);
    }
    return err;
}

void core_post_event(struct core *core, struct event *event)
{
    core_post(core, (struct letter){.kind = LETTER_EVENT, .event = event});
}

void core_post_survey(struct core *core, struct engine *engine, struct message *result)
{
    core_post(core, (struct letter){.kind = LETTER_SURVEY, .engine = engine, .result = result});
}

int core_post_call(struct core *core, void (*run)(void *user, void *item), void *user,
                   void (*drop)(void *item), void *item)
{
    return core_post(core, (struct letter){.kind = LETTER_CALL, .call = {run, user, drop, item}});
}

int core_post_interval(struct core *core, int64_t interval_ms)
{
    return core_post(core, (struct letter){.kind = LETTER_INTERVAL, .interval_ms = interval_ms});
}

/* ---- one tick ---------------------------------------------------------------------------- */

static void core_tell_missed(struct core *core, uint64_t missed, int64_t now_ns, int64_t t_ms)
{
    core->missed += missed;
    core->missed_untold += missed;
    if (!core->missed_untold ||
        (core->missed_told_ns && now_ns - core->missed_told_ns < LATE_EVENT_NS))
        return;
    struct event *e = event_new(EVENT_LOSS, t_ms);
    event_text(e, "what", "ticks");
    event_number(e, "count", (double)core->missed_untold);
    event_text(e, "reason", "a tick took longer than the interval");
    draft_event(core->draft, e);
    core->missed_untold = 0;
    core->missed_told_ns = now_ns;
}

/* The status may change between ticks too, but nobody needs to know sooner than with the next. */
static void core_tell_engines(struct core *core)
{
    uint64_t generation = collector_status_generation(core->collector) + 1;
    if (!core->engines || generation == core->engines_told)
        return;
    core->engines_told = generation;
    core->engines(core->engines_user, collector_status(core->collector));
}

static void core_sample_own(struct core *core, bool counts_only)
{
    struct draft *d = core->draft;
    draft_counter(d, core->own[OWN_TICKS], core->ticks, 0);
    draft_counter(d, core->own[OWN_TICK_SECONDS], core->tick_ns, 0);
    draft_counter(d, core->own[OWN_MISSED], core->missed, 0);
    draft_counter(d, core->own[OWN_FAILED], core->failed, 0);
    draft_counter(d, core->own[OWN_REFUSED], registry_refused(core->registry), 0);
    draft_counter(d, core->own[OWN_EVICTED], registry_evicted(core->registry), 0);
    draft_counter(d, core->own[OWN_LOST], core->posts_lost + mailbox_refused(core->inbox), 0);
    draft_gauge(d, core->own[OWN_LIVE], (double)registry_live(core->registry));
    if (core->sample)
        core->sample(core->sample_user, core->registry, d, counts_only);
}

static void core_tick(void *user, int64_t point_ms, uint64_t missed)
{
    struct core *core = user;
    int64_t now_ns = clock_mono_ns();
    int64_t elapsed_ns = core->last_mono_ns ? now_ns - core->last_mono_ns : 0;
    core->last_mono_ns = now_ns;
    core->ticks++;

    uint64_t tick_seq = core->next_seq++;
    draft_begin(core->draft, tick_seq, point_ms, elapsed_ns, now_ns, core->interval_ms);
    struct engine_sink sink = {
        .registry = core->registry,
        .draft = core->draft,
        .now_ms = point_ms,
        .counts_only = core->full_second == point_ms / MS_PER_S,
    };
    core->full_second = point_ms / MS_PER_S;
    collector_collect(core->collector, &sink);
    if (core->collect)
        timing_record(core->collect, clock_mono_ns() - now_ns);
    core_tell_engines(core);
    core_tell_missed(core, missed, now_ns, point_ms);
    core_sample_own(core, sink.counts_only);
    for (size_t i = 0; i < core->posted.count; i++)
        draft_event(core->draft, core->posted.events[i]);
    core->posted.count = 0;

    int64_t seal_ns = clock_mono_ns();
    struct tick *tick = draft_seal(core->draft, seal_ns, &core->next_event_seq);
    if (core->seal)
        timing_record(core->seal, clock_mono_ns() - seal_ns);
    if (!tick) {
        core->failed++;
        log_error("core", "no memory for a tick of %zu series; it is lost",
                  registry_live(core->registry));
        return;
    }
    core_pace(core);
    if (core->others)
        others_fold(core->others, tick);
    for (size_t i = 0; i < core->sinks_count; i++)
        core->sinks[i]->push(core->sinks[i], tick);
    tick_unref(tick);
    core->tick_ns += (uint64_t)(clock_mono_ns() - now_ns);

    /* Ticks are numbered one by one, so this is ten intervals ago. */
    registry_make_room(core->registry, tick_seq - MIN(tick_seq, SILENT_TICKS));
    if (point_ms - core->last_sweep_ms >= SWEEP_EVERY_MS || point_ms < core->last_sweep_ms) {
        core->last_sweep_ms = point_ms;
        registry_sweep(core->registry, point_ms - SILENT_SERIES_MS);
    }
}

static void core_clock_set(void *user)
{
    struct core *core = user;
    struct event *e = event_new(EVENT_ERROR, clock_wall_ms());
    event_text(e, "what", "clock");
    event_text(e, "reason", "the wall clock was set");
    draft_event(core->draft, e);
}

static const struct ticker_ops core_ticker_ops = {core_tick, core_clock_set};

/* ---- life -------------------------------------------------------------------------------- */

static void core_detached(void *user)
{
    struct core *core = user;
    mailbox_close(core->inbox);
    if (core->end)
        core->end(core->end_user);
}

static void core_on_stop(struct loop *loop, void *user)
{
    struct core *core = user;
    (void)loop;
    ticker_stop(TAKE(core->ticker));
    collector_detach(core->collector, core_detached, core);
}

struct core *core_new(const struct core_settings *settings)
{
    struct core *core = mem_alloc(sizeof(*core));
    core->registry = settings->registry;
    core->collector = settings->collector;
    core->interval_ms = core->paced_ms = settings->interval_ms;
    core->next_seq = MAX(settings->next_seq, 1U);
    core->next_event_seq = MAX(settings->next_event_seq, 1U);
    core->draft = draft_new(core->registry);
    core->others = settings->page_limit ? others_new(settings->page_limit) : NULL;
    core->ticker = ticker_new(&core_ticker_ops, core);
    int err = core->ticker ? loop_init(&core->loop, "core", core_on_stop, core) : -errno;
    if (err) {
        ticker_stop(core->ticker);
        others_free(core->others);
        draft_free(core->draft);
        free(core);
        errno = -err;
        return NULL;
    }
    core->inbox = mailbox_new(&core->loop.uv, CORE_INBOX, &core_mailbox_ops, core);
    CHECK(core->inbox); /* descriptors were just enough for the loop itself */
    for (size_t i = 0; i < OWN_METRICS; i++) {
        struct series *s = registry_get(core->registry, &own_metrics[i], NULL, 0, "self");
        core->own[i] = s ? series_ref(s) : NULL;
    }
    return core;
}

uv_loop_t *core_uv(struct core *core)
{
    return &core->loop.uv;
}

void core_add_sink(struct core *core, struct sink *sink)
{
    CHECK(core->sinks_count < CORE_SINKS_MAX);
    core->sinks[core->sinks_count++] = sink;
}

void core_on_end(struct core *core, void (*end)(void *user), void *user)
{
    core->end = end;
    core->end_user = user;
}

void core_on_sample(struct core *core,
                    void (*sample)(void *user, struct registry *registry, struct draft *draft,
                                   bool counts_only),
                    void *user)
{
    core->sample = sample;
    core->sample_user = user;
}

void core_time_stages(struct core *core, struct timing *collect, struct timing *seal)
{
    core->collect = collect;
    core->seal = seal;
}

void core_on_engines(struct core *core,
                     void (*changed)(void *user, const struct collector_status *status), void *user)
{
    core->engines = changed;
    core->engines_user = user;
}

int core_start(struct core *core)
{
    int err = collector_attach(core->collector, &core->loop.uv);
    if (!err)
        err = ticker_start(core->ticker, &core->loop.uv, core->paced_ms);
    return err ? err : loop_start(&core->loop);
}

void core_stop(struct core *core)
{
    loop_stop(&core->loop);
}

void core_join(struct core *core)
{
    loop_join(&core->loop);
}

void core_numbers(const struct core *core, uint64_t *ret_seq, uint64_t *ret_event_seq,
                  uint32_t *ret_series_id)
{
    *ret_seq = core->next_seq;
    *ret_event_seq = core->next_event_seq;
    *ret_series_id = registry_next_id(core->registry);
}

void core_free(struct core *core)
{
    if (!core)
        return;
    for (size_t i = 0; i < core->posted.count; i++)
        event_unref(core->posted.events[i]);
    for (size_t i = 0; i < OWN_METRICS; i++)
        series_unref(core->own[i]);
    mailbox_free(core->inbox);
    others_free(core->others);
    draft_free(core->draft);
    collector_free(core->collector);
    registry_free(core->registry);
    free(core);
}
