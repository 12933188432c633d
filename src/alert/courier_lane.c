/*
 * courier_lane.c: the queues of main's end: what waits, what becomes of it when it does not fit,
 * and where it goes when it was not delivered. Core thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "alert/courier_internal.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/log.h"
#include "base/mem.h"

void errand_free(struct errand *e)
{
    list_remove(&e->node);
    notice_unref(e->notice);
    free(e);
}

struct errand *lane_first(struct lane *lane)
{
    return LIST_ENTRY(lane->queue.next, struct errand, node);
}

void lane_note(struct lane *lane, const char *why)
{
    lane->last_ms = clock_wall_ms();
    snprintf(lane->last_error, sizeof(lane->last_error), "%s", why);
}

/* Two notices as one; each alert once, as it was last. */
static struct notice *merge(const struct notice *a, const struct notice *b)
{
    struct notice *both = notice_new();
    for (size_t i = 0; i < a->count; i++) {
        bool newer = false;
        for (size_t k = 0; k < b->count && !newer; k++)
            newer = a->alerts[i]->id == b->alerts[k]->id && b->alerts[k]->seq >= a->alerts[i]->seq;
        if (!newer)
            notice_add(both, a->alerts[i]);
    }
    for (size_t k = 0; k < b->count; k++) {
        bool newer = false;
        for (size_t i = 0; i < a->count && !newer; i++)
            newer = a->alerts[i]->id == b->alerts[k]->id && a->alerts[i]->seq > b->alerts[k]->seq;
        if (!newer)
            notice_add(both, b->alerts[k]);
    }
    both->seq = MAX(a->seq, b->seq);
    both->t_ms = MAX(a->t_ms, b->t_ms);
    both->test = a->test && b->test;
    both->more += a->more + b->more;
    both->held_back = a->held_back + b->held_back;
    return both;
}

/* The lane is full. Of a test and the real thing only the latter counts. */
static void lane_merge(struct lane *lane, struct notice *n)
{
    struct errand *last = LIST_ENTRY(lane->queue.prev, struct errand, node);
    if (n->test && !last->notice->test) {
        lane->dropped++;
        return;
    }
    struct notice *both;
    if (last->notice->test && !n->test) {
        lane->dropped++;
        both = notice_ref(n);
    } else {
        lane->merged++;
        both = merge(last->notice, n);
    }
    notice_unref(last->notice);
    last->notice = both;
    last->renewal = false;
}

void lane_add(struct courier *c, struct lane *lane, struct notice *n, size_t origin, bool renewal)
{
    if (lane->queued - lane->under_way >= lane->spec->queue) {
        if (!renewal)
            lane_merge(lane, n);
        return;
    }
    struct errand *e = mem_alloc(sizeof(*e));
    e->notice = notice_ref(n);
    e->id = c->next_id++;
    e->origin = origin;
    e->renewal = renewal;
    list_append(&lane->queue, &e->node);
    lane->queued++;
}

/* The first of the lane has come to its end. */
void lane_pass(struct courier *c, struct lane *lane)
{
    struct errand *e = lane_first(lane);
    lane->under_way = false;
    if (c->out.lane == lane) {
        buf_clear(&c->out.packed);
        c->out.lane = NULL;
    }
    lane->queued--;
    errand_free(e);
}

/* The first of the lane goes to this one; SIZE_MAX: to the log. `lost` may send. */
static void lane_hand_on(struct courier *c, struct lane *lane, size_t to, const char *why)
{
    struct errand *e = lane_first(lane);
    lane_note(lane, why);
    if (e->renewal) {
        lane_pass(c, lane);
        return;
    }
    struct notice *n = notice_ref(e->notice);
    size_t origin = e->origin;
    lane->failed++;
    lane_pass(c, lane);
    if (to != NO_LANE) {
        lane->fell_back++;
        lane_add(c, &c->lanes[to], n, origin, false);
    } else if (c->ops) {
        lane->fell_back++;
        c->ops->lost(c->user, origin, n, why);
    } else {
        lane_bury(c, origin, n);
    }
    notice_unref(n);
}

void lane_bury(struct courier *c, size_t origin, const struct notice *n)
{
    c->undelivered++;
    for (size_t i = 0; i < n->count && !n->test; i++) {
        const struct alert *a = n->alerts[i];
        log_write(LOG_LEVEL_WARNING, "alert", "%s %s (%s): %s [%s]; channel %s: not told any more",
                  a->rule, alert_state_name(a->state), alert_severity_name(a->severity), a->summary,
                  a->series, c->lanes[origin].spec->name);
    }
    if (n->more)
        log_write(LOG_LEVEL_WARNING, "alert", "%u further alerts", n->more);
}

/* The channel could not deliver it. */
void lane_fail(struct courier *c, struct lane *lane, const char *why)
{
    lane->failing = true;
    lane_hand_on(c, lane, lane->fallback, why);
}

/* There is nobody to deliver anything. */
void lane_return(struct courier *c, struct lane *lane, const char *why)
{
    lane_hand_on(c, lane, NO_LANE, why);
}
