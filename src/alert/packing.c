/*
 * packing.c: see packing.h. Numbers as they lie in memory, texts as their length and their bytes;
 * the alerts keep their order.
 */
#include "alert/packing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct packed_notice {
    uint64_t seq;
    int64_t t_ms;
    uint32_t test, more, held_back, count;
};

struct packed_alert {
    uint64_t seq, id, silence_id, inhibited_by;
    double value, threshold, z;
    int64_t changed_ms, pending_ms, started_ms, resolved_ms;
    uint32_t state, severity, reason, series_id;
};

#define TEXTS 5

static void texts_of(struct alert *a, char **ret[TEXTS])
{
    ret[0] = &a->rule;
    ret[1] = &a->series;
    ret[2] = &a->unit;
    ret[3] = &a->summary;
    ret[4] = &a->by;
}

static void put_alert(struct alert *a, struct buf *out)
{
    const struct packed_alert p = {
        .seq = a->seq,
        .id = a->id,
        .silence_id = a->silence_id,
        .inhibited_by = a->inhibited_by,
        .value = a->value,
        .threshold = a->threshold,
        .z = a->z,
        .changed_ms = a->changed_ms,
        .pending_ms = a->pending_ms,
        .started_ms = a->started_ms,
        .resolved_ms = a->resolved_ms,
        .state = a->state,
        .severity = a->severity,
        .reason = a->reason,
        .series_id = a->series_id,
    };
    char **texts[TEXTS];
    texts_of(a, texts);
    buf_append(out, &p, sizeof(p));
    for (size_t i = 0; i < TEXTS; i++) {
        uint32_t len = (uint32_t)strnlen(*texts[i], ALERT_TEXT_MAX);
        buf_append(out, &len, sizeof(len));
        buf_append(out, *texts[i], len);
    }
}

void packing_put(const struct notice *n, struct buf *out)
{
    const struct packed_notice p = {
        .seq = n->seq,
        .t_ms = n->t_ms,
        .test = n->test,
        .more = n->more,
        .held_back = n->held_back,
        .count = (uint32_t)n->count,
    };
    buf_append(out, &p, sizeof(p));
    for (size_t i = 0; i < n->count; i++)
        put_alert(n->alerts[i], out);
}

struct reader {
    const char *at;
    size_t left;
};

static int take(struct reader *r, void *into, size_t size)
{
    if (r->left < size)
        return -EPROTO;
    memcpy(into, r->at, size);
    r->at += size;
    r->left -= size;
    return 0;
}

static int take_text(struct reader *r, char **member)
{
    uint32_t len;
    if (take(r, &len, sizeof(len)) < 0 || len > ALERT_TEXT_MAX || len > r->left)
        return -EPROTO;
    CLEANUP(mem_freep) char *text = mem_string_n(r->at, len);
    alert_text(member, text);
    r->at += len;
    r->left -= len;
    return 0;
}

static int take_alert(struct reader *r, struct alert *a)
{
    struct packed_alert p;
    if (take(r, &p, sizeof(p)) < 0 || p.state >= ALERT_STATES || p.severity >= ALERT_SEVERITIES ||
        p.reason >= ALERT_REASONS)
        return -EPROTO;
    a->seq = p.seq;
    a->id = p.id;
    a->silence_id = p.silence_id;
    a->inhibited_by = p.inhibited_by;
    a->value = p.value;
    a->threshold = p.threshold;
    a->z = p.z;
    a->changed_ms = p.changed_ms;
    a->pending_ms = p.pending_ms;
    a->started_ms = p.started_ms;
    a->resolved_ms = p.resolved_ms;
    a->state = (enum alert_state)p.state;
    a->severity = (enum alert_severity)p.severity;
    a->reason = (enum alert_reason)p.reason;
    a->series_id = p.series_id;
    char **texts[TEXTS];
    texts_of(a, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        if (take_text(r, texts[i]) < 0)
            return -EPROTO;
    }
    return 0;
}

static int take_all(struct reader *r, struct notice *n)
{
    struct packed_notice p;
    if (take(r, &p, sizeof(p)) < 0 || p.test > 1 || p.count < 1 || p.count > NOTICE_ALERTS_MAX)
        return -EPROTO;
    for (uint32_t i = 0; i < p.count; i++) {
        n->alerts[n->count++] = alert_new();
        if (take_alert(r, n->alerts[i]) < 0)
            return -EPROTO;
    }
    n->seq = p.seq;
    n->t_ms = p.t_ms;
    n->test = p.test;
    n->more = p.more;
    n->held_back = p.held_back;
    return r->left ? -EPROTO : 0;
}

int packing_take(const void *data, size_t len, struct notice **ret)
{
    struct reader r = {data, len};
    struct notice *n = notice_new();
    int err = take_all(&r, n);
    if (err)
        notice_unref(n);
    else
        *ret = n;
    return err;
}
