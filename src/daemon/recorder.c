/*
 * recorder.c: see recorder.h. The queue is the mailbox: at most RECORDER_TICKS ticks wait for a
 * slow disk, newer ones are dropped and counted; they stay visible live. Housekeeping is done in
 * small pieces by an idle handle, so a tick waits for one piece at most. What the store wants
 * people to hear becomes events.
 *
 * What alerting keeps comes through the same queue, which has room for all that a tick can change
 * beside the ticks. It is laid on the store's shelf at once and written by the housekeeping, so
 * that a thousand changes are a few transactions.
 *
 * Ticks are queued without their tables. Of those that are worth keeping the newest lies in a slot,
 * and is stored once a minute and at the end.
 */
#include "daemon/recorder.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slot.h"
#include "base/timing.h"
#include "daemon/core.h"
#include "daemon/stored_rules.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "model/alert.h"
#include "model/silence.h"
#include "model/tick.h"
#include "store/alerts.h"

#define RECORDER_TICKS 256
#define RECORDER_CHANGES 16384 /* more than there may be active alerts */
#define TIMING_EVERY_NS NS_PER_S
#define TABLES_EVERY_NS (60 * NS_PER_S)

enum parcel_kind { PARCEL_TICK, PARCEL_ALERT, PARCEL_RULE, PARCEL_SILENCE };

/* What lies in the mailbox. */
struct parcel {
    enum parcel_kind kind;
    struct tick *tick;         /* a reference */
    struct alert *alert;       /* a reference */
    struct stored_rule rule;   /* owned; no keys: it is gone */
    struct silence *silence;   /* owned */
    struct recorder *recorder; /* to be counted out there */
};

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
    /* How many lie in the mailbox, and how many found it full. */
    atomic_uint ticks_waiting, changes_waiting;
    atomic_uint_least64_t ticks_dropped, changes_dropped;
    uint64_t ticks_dropped_told, changes_dropped_told;
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

/* ---- parcels ------------------------------------------------------------------------------ */

static struct parcel *parcel_new(struct recorder *r, enum parcel_kind kind)
{
    struct parcel *p = mem_alloc(sizeof(*p));
    p->kind = kind;
    p->recorder = r;
    return p;
}

static void parcel_free(struct parcel *p)
{
    tick_unref(p->tick);
    alert_unref(p->alert);
    stored_rule_fini(&p->rule);
    free(p->silence);
    free(p);
}

static atomic_uint *parcel_waiting(struct parcel *p)
{
    return p->kind == PARCEL_TICK ? &p->recorder->ticks_waiting : &p->recorder->changes_waiting;
}

/* Ticks and changes have bounds of their own: neither takes the other's room. */
static void recorder_post(struct recorder *r, struct parcel *p)
{
    bool is_tick = p->kind == PARCEL_TICK;
    unsigned most = is_tick ? RECORDER_TICKS : RECORDER_CHANGES;
    atomic_uint *waiting = parcel_waiting(p);
    if (atomic_fetch_add(waiting, 1) < most && mailbox_post(r->inbox, p) == 0)
        return;
    atomic_fetch_sub(waiting, 1);
    atomic_fetch_add(is_tick ? &r->ticks_dropped : &r->changes_dropped, 1);
    parcel_free(p);
}

static void recorder_drop(void *item)
{
    struct parcel *p = item;
    atomic_fetch_sub(parcel_waiting(p), 1);
    parcel_free(p);
}

/* Of this kind more were dropped than has been told. */
static void recorder_tell_dropped(struct recorder *r, atomic_uint_least64_t *dropped,
                                  uint64_t *told, const char *what)
{
    uint64_t now = atomic_load(dropped);
    if (now == *told)
        return;
    char reason[128];
    snprintf(reason, sizeof(reason), "the disk is too slow: %llu %s were not written",
             (unsigned long long)(now - *told), what);
    log_warning("store", "%s", reason);
    recorder_tell(r, EVENT_LOSS, reason);
    *told = now;
}

static void recorder_receive_tick(struct recorder *r, struct tick *tick)
{
    recorder_write(r, tick);
    int64_t now_ns = clock_mono_ns();
    if (!r->tables_ns || now_ns - r->tables_ns >= TABLES_EVERY_NS)
        recorder_store_tables(r, now_ns);
    recorder_tell_notes(r);
    recorder_tell_dropped(r, &r->ticks_dropped, &r->ticks_dropped_told, "ticks");
    recorder_tell_dropped(r, &r->changes_dropped, &r->changes_dropped_told, "changes of alerts");
}

static void recorder_receive(void *item, void *user)
{
    struct recorder *r = user;
    struct parcel *p = item;
    switch (p->kind) {
    case PARCEL_TICK:
        recorder_receive_tick(r, p->tick);
        break;
    case PARCEL_ALERT:
        store_keep_alert(r->store, p->alert);
        break;
    case PARCEL_RULE:
        store_keep_rule(r->store, p->rule.name, p->rule.keys, p->rule.count);
        break;
    case PARCEL_SILENCE:
        store_keep_silence(r->store, p->silence);
        break;
    }
    recorder_drop(p);
    uv_idle_start(&r->idle, recorder_work);
}

static const struct mailbox_ops recorder_mailbox_ops = {recorder_receive, recorder_drop};

static void recorder_push(struct sink *sink, struct tick *tick)
{
    struct recorder *r = CONTAINER_OF(sink, struct recorder, sink);
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        if (tick->tables[kind] && store_keeps_table((enum table_kind)kind))
            slot_set(r->tables[kind], tick_table_new(tick, (enum table_kind)kind));
    }
    struct parcel *p = parcel_new(r, PARCEL_TICK);
    p->tick = tick_ref(tick_bare(tick));
    recorder_post(r, p);
}

void recorder_alert(struct recorder *r, struct alert *a)
{
    struct parcel *p = parcel_new(r, PARCEL_ALERT);
    p->alert = alert_ref(a);
    recorder_post(r, p);
}

void recorder_rule(struct recorder *r, const char *name, const struct rule *rule)
{
    struct parcel *p = parcel_new(r, PARCEL_RULE);
    stored_rule_write(name, rule, &p->rule);
    recorder_post(r, p);
}

void recorder_silence(struct recorder *r, const struct silence *s)
{
    struct parcel *p = parcel_new(r, PARCEL_SILENCE);
    p->silence = mem_alloc(sizeof(*p->silence));
    *p->silence = *s;
    recorder_post(r, p);
}

uint64_t recorder_changes_dropped(struct recorder *r)
{
    return atomic_load(&r->changes_dropped);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void recorder_on_stop(struct loop *loop, void *user)
{
    struct recorder *r = user;
    (void)loop;
    /* The core has ended before: what is in the box is all there will be. Housekeeping can wait
     * for the next start. */
    store_hurry(r->store);
    mailbox_flush(r->inbox);
    store_write_kept(r->store);
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
    r->inbox =
        mailbox_new(&r->loop.uv, RECORDER_TICKS + RECORDER_CHANGES, &recorder_mailbox_ops, r);
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
    return atomic_load(&r->ticks_dropped);
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
