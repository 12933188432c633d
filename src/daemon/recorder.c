/*
 * recorder.c: see recorder.h. The queue is the mailbox: at most RECORDER_INBOX ticks wait for a
 * slow disk, newer ones are dropped and counted; they stay visible live. Housekeeping is done in
 * small pieces by an idle handle, so a tick waits for one piece at most. What the store wants
 * people to hear becomes events.
 *
 * Ticks are queued without their tables. Of those that are worth keeping the newest lies in a slot,
 * and is stored once a minute and at the end.
 */
#include "daemon/recorder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slot.h"
#include "base/timing.h"
#include "daemon/core.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "model/tick.h"
#include "store/store.h"

#define RECORDER_INBOX 256
#define TIMING_EVERY_NS NS_PER_S
#define TABLES_EVERY_NS (60 * NS_PER_S)

struct recorder {
    struct sink sink;
    struct loop loop;
    uv_idle_t idle; /* active while there is housekeeping to do */
    struct mailbox *inbox;
    struct store *store;
    struct core *core;
    struct slot *tables[TABLE_KINDS]; /* newest; set by the core thread */
    uint64_t stored_seq[TABLE_KINDS]; /* of the tick whose table was stored last */
    int64_t tables_ns;                /* when that was; 0: never */
    uint64_t dropped_told;
    struct timing timing; /* not handed over yet */
    int64_t timing_given_ns;
    struct timing_handover timing_given;
};

static void recorder_tell(struct recorder *r, enum event_kind kind, const char *reason)
{
    struct event *e = event_new(kind, clock_wall_ms());
    event_text(e, "what", "history");
    event_text(e, "reason", reason);
    core_post_event(r->core, e);
}

static void recorder_tell_notes(struct recorder *r)
{
    struct store_note note;
    while (store_take_note(r->store, &note)) {
        if (note.recovered)
            log_info("store", "%s", note.text);
        else
            log_error("store", "%s", note.text);
        recorder_tell(r, note.kind, note.text);
    }
}

static void recorder_work(uv_idle_t *idle)
{
    struct recorder *r = idle->data;
    if (!store_work(r->store))
        uv_idle_stop(idle);
    recorder_tell_notes(r);
}

static void recorder_write(struct recorder *r, const struct tick *tick)
{
    int64_t began_ns = clock_mono_ns();
    store_write(r->store, tick); /* a failure is counted and noted by the store */
    int64_t now_ns = clock_mono_ns();
    timing_record(&r->timing, now_ns - began_ns);
    if (now_ns - r->timing_given_ns < TIMING_EVERY_NS)
        return;
    timing_give(&r->timing_given, &r->timing);
    r->timing_given_ns = now_ns;
}

/* The tables that are newer than those stored last. */
static void recorder_store_tables(struct recorder *r, int64_t now_ns)
{
    bool stored = false;
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        struct tick_table *t = slot_get(r->tables[kind]);
        if (t && t->seq != r->stored_seq[kind]) {
            store_write_table(r->store, t); /* a failure is counted by the store */
            r->stored_seq[kind] = t->seq;
            r->tables_ns = now_ns;
            stored = true;
        }
        tick_table_unref(t);
    }
    if (stored)
        mem_trim(); /* the sockets and processes of a busy minute leave holes behind */
}

static void recorder_receive(void *item, void *user)
{
    struct recorder *r = user;
    struct tick *tick = item;
    recorder_write(r, tick);
    tick_unref(tick);
    int64_t now_ns = clock_mono_ns();
    if (!r->tables_ns || now_ns - r->tables_ns >= TABLES_EVERY_NS)
        recorder_store_tables(r, now_ns);
    recorder_tell_notes(r);

    uint64_t dropped = mailbox_refused(r->inbox);
    if (dropped != r->dropped_told) {
        char reason[128];
        snprintf(reason, sizeof(reason), "the disk is too slow: %llu ticks were not written",
                 (unsigned long long)(dropped - r->dropped_told));
        log_warning("store", "%s", reason);
        recorder_tell(r, EVENT_LOSS, reason);
        r->dropped_told = dropped;
    }
    uv_idle_start(&r->idle, recorder_work);
}

static void recorder_drop(void *item)
{
    tick_unref(item);
}

static const struct mailbox_ops recorder_mailbox_ops = {recorder_receive, recorder_drop};

static void recorder_push(struct sink *sink, struct tick *tick)
{
    struct recorder *r = CONTAINER_OF(sink, struct recorder, sink);
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        if (tick->tables[kind] && store_keeps_table((enum table_kind)kind))
            slot_set(r->tables[kind], tick_table_new(tick, (enum table_kind)kind));
    }
    struct tick *bare = tick_bare(tick);
    if (mailbox_post(r->inbox, tick_ref(bare)) < 0)
        tick_unref(bare); /* the mailbox has counted it */
}

static void recorder_on_stop(struct loop *loop, void *user)
{
    struct recorder *r = user;
    (void)loop;
    /* The core has ended before: what is in the box is all there will be. Housekeeping can wait
     * for the next start. */
    store_hurry(r->store);
    mailbox_flush(r->inbox);
    recorder_store_tables(r, clock_mono_ns());
    mailbox_close(r->inbox);
    uv_close((uv_handle_t *)&r->idle, NULL);
}

static void *table_get(void *item)
{
    return item ? tick_table_ref(item) : NULL;
}

static void table_put(void *item)
{
    tick_table_unref(item);
}

struct recorder *recorder_new(struct store *store, struct core *core,
                              const struct timing_bounds *bounds)
{
    struct recorder *r = mem_alloc(sizeof(*r));
    r->sink = (struct sink){.name = "store", .push = recorder_push};
    r->store = store;
    r->core = core;
    if (loop_init(&r->loop, "store", recorder_on_stop, r) < 0) {
        free(r);
        return NULL;
    }
    for (int kind = 0; kind < TABLE_KINDS; kind++)
        r->tables[kind] = slot_new(NULL, table_get, table_put);
    timing_init(&r->timing, bounds);
    timing_handover_init(&r->timing_given, bounds);
    r->inbox = mailbox_new(&r->loop.uv, RECORDER_INBOX, &recorder_mailbox_ops, r);
    int err = uv_idle_init(&r->loop.uv, &r->idle);
    CHECK(err == 0);
    r->idle.data = r;
    CHECK(r->inbox); /* descriptors were just enough for the loop itself */
    return r;
}

struct sink *recorder_sink(struct recorder *r)
{
    return &r->sink;
}

uint64_t recorder_dropped(struct recorder *r)
{
    return mailbox_refused(r->inbox);
}

void recorder_take_timing(struct recorder *r, struct timing *into)
{
    timing_take(&r->timing_given, into);
}

int recorder_start(struct recorder *r)
{
    return loop_start(&r->loop);
}

void recorder_stop(struct recorder *r)
{
    loop_stop(&r->loop);
}

void recorder_join(struct recorder *r)
{
    loop_join(&r->loop);
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    mailbox_free(r->inbox);
    for (int kind = 0; kind < TABLE_KINDS; kind++)
        slot_free(r->tables[kind]);
    timing_handover_fini(&r->timing_given);
    free(r);
}
