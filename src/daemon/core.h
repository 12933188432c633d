/*
 * core.h: the core thread: once an interval it lets the engines collect, seals the tick and hands
 * it to the sinks. Nothing here blocks: whoever is slow (disk, sockets, surveys) has a thread of
 * its own and a bounded queue.
 */
#pragma once

#include <stdint.h>

#include "loop/loop.h"
#include "model/event.h"
#include "model/series.h"
#include "model/sink.h"
#include "model/tick.h"

struct collector;
struct core;

#define CORE_SINKS_MAX 4

struct core_settings {
    struct registry *registry;   /* taken */
    struct collector *collector; /* taken; opened */
    int64_t interval_ms;
    uint64_t next_seq, next_event_seq; /* as the store says; at least 1 */
    size_t page_limit; /* samples that a page of /metrics has room for; 0: no pages */
};

/* Before the threads start. NULL: no memory or descriptors (errno tells). */
struct core *core_new(const struct core_settings *settings);

/* The loop on which hub and others open their core side, before core_start. */
uv_loop_t *core_uv(struct core *core);

/* Sinks are called in the order of adding, before core_start only. */
void core_add_sink(struct core *core, struct sink *sink);

/* Called on the core thread when it ends, after the last tick: closes what lives on its loop. */
void core_on_end(struct core *core, void (*end)(void *user), void *user);

/* Called on the core thread in every tick, after the engines: the daemon's own numbers.
 * counts_only: as in struct engine_sink. */
void core_on_sample(struct core *core,
                    void (*sample)(void *user, struct registry *registry, struct draft *draft,
                                   bool counts_only),
                    void *user);

/* Where the core records how long collecting and sealing take; borrowed, core thread. */
struct timing;
void core_time_stages(struct core *core, struct timing *collect, struct timing *seal);

/* Called on the core thread whenever the engines look different, and once at the first tick. */
struct collector_status;
void core_on_engines(struct core *core,
                     void (*changed)(void *user, const struct collector_status *status),
                     void *user);

/* Every metric that the core itself makes, for docs/METRICS.md; NULL past the last. */
const struct metric *core_metric_at(size_t index);

int core_start(struct core *core); /* 0 or -errno */
void core_stop(struct core *core); /* any thread */
void core_join(struct core *core);
/* After core_join: the first numbers that no tick, event or series of this run has. */
void core_numbers(const struct core *core, uint64_t *ret_seq, uint64_t *ret_event_seq,
                  uint32_t *ret_series_id);
void core_free(struct core *core); /* after join, or never started; NULL allowed */

/* Any thread: puts the event into the next tick. Takes the reference; a full queue is counted. */
void core_post_event(struct core *core, struct event *event);

/* Any thread: hands a survey's result to the collector's engine on the core thread. */
struct engine;
struct message;
void core_post_survey(struct core *core, struct engine *engine, struct message *result);

/* Any thread: `run` is called with the item on the core thread, between two ticks, and has it then.
 * 0; or a negative errno (the queue is full: counted, or the core has ended), and the caller has
 * it. An item that is never run is given to `drop`. */
int core_post_call(struct core *core, void (*run)(void *user, void *item), void *user,
                   void (*drop)(void *item), void *item);

/* Any thread, on SIGHUP. A longer interval begins after one more tick. 0, or a negative errno: the
 * queue is full (counted), nothing changes. */
int core_post_interval(struct core *core, int64_t interval_ms);
