/*
 * alert_rig.h: alerts, notices and sets as tests need them.
 */
#pragma once

#include "maker.h"

#include "model/alert.h"
#include "model/notice.h"

static inline struct alert *alert_of(uint64_t id, uint64_t seq, enum alert_state state,
                                     enum alert_severity severity)
{
    struct alert *a = alert_new();
    a->id = id;
    a->seq = seq;
    a->state = state;
    a->severity = severity;
    a->series_id = 7;
    a->value = 0.5;
    a->threshold = 1;
    a->changed_ms = MAKER_T0_MS + (int64_t)seq;
    a->pending_ms = MAKER_T0_MS;
    a->started_ms = state == ALERT_PENDING ? 0 : MAKER_T0_MS + 1;
    a->resolved_ms = state == ALERT_RESOLVED ? MAKER_T0_MS + 2 : 0;
    alert_text(&a->rule, "link_down");
    alert_text(&a->series, "node_network_up{device=\"eth0\"}");
    alert_text(&a->summary, "eth0 is down");
    return a;
}

/* A notice of so many alerts, whose changes have the numbers up to `seq`. */
static inline struct notice *notice_of(uint64_t seq, size_t count)
{
    struct notice *n = notice_new();
    n->t_ms = MAKER_T0_MS;
    for (size_t i = 0; i < count; i++) {
        struct alert *a = alert_of(i + 1, seq - i, ALERT_FIRING, ALERT_WARNING);
        notice_add(n, a);
        alert_unref(a);
    }
    return n;
}

/* A state with so many firing alerts, as of the change `seq`. */
static inline struct alert_set *alerts_of(uint64_t seq, size_t count)
{
    struct alert_set *set = alert_set_new(count);
    set->seq = seq;
    set->t_ms = MAKER_T0_MS;
    for (size_t i = 0; i < count; i++)
        set->alerts[set->count++] = alert_of(i + 1, seq, ALERT_FIRING, ALERT_WARNING);
    return set;
}
