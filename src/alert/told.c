/* told.c: see told.h. An array sorted by id: new alerts have larger ones, so they go to the end. */
#include "alert/told.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"

void told_init(struct told *t)
{
    *t = (struct told){0};
}

void told_fini(struct told *t)
{
    for (size_t i = 0; i < t->count; i++)
        alert_unref(t->alerts[i]);
    free(t->alerts);
    told_init(t);
}

void told_release(struct notice **n)
{
    notice_unref(*n);
}

/* Where it is, or would be. */
static size_t told_at(const struct told *t, uint64_t id)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->alerts[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct alert *told_find(const struct told *t, uint64_t id)
{
    size_t at = told_at(t, id);
    return at < t->count && t->alerts[at]->id == id ? t->alerts[at] : NULL;
}

static void told_put(struct told *t, struct alert *a)
{
    size_t at = told_at(t, a->id);
    if (at < t->count && t->alerts[at]->id == a->id) {
        alert_unref(t->alerts[at]);
        t->alerts[at] = alert_ref(a);
        return;
    }
    if (t->count == TOLD_MAX)
        return;
    if (t->count == t->capacity) {
        t->capacity = MAX(2 * t->capacity, (size_t)16);
        t->alerts = mem_resize(t->alerts, t->capacity, sizeof(struct alert *));
    }
    memmove(&t->alerts[at + 1], &t->alerts[at], (t->count - at) * sizeof(struct alert *));
    t->alerts[at] = alert_ref(a);
    t->count++;
}

static void told_remove(struct told *t, uint64_t id)
{
    size_t at = told_at(t, id);
    if (at == t->count || t->alerts[at]->id != id)
        return;
    alert_unref(t->alerts[at]);
    t->count--;
    memmove(&t->alerts[at], &t->alerts[at + 1], (t->count - at) * sizeof(struct alert *));
}

/* The rest of a notice whose alerts are chosen anew. */
static struct notice *notice_like(const struct notice *n)
{
    struct notice *like = notice_new();
    like->seq = n->seq;
    like->t_ms = n->t_ms;
    like->test = n->test;
    like->more = n->more;
    like->held_back = n->held_back;
    return like;
}

struct notice *told_select(const struct channel_spec *spec, struct notice *n)
{
    size_t over = 0;
    for (size_t i = 0; i < n->count && !spec->resolved; i++)
        over += !alert_is_active(n->alerts[i]);
    if (!over)
        return notice_ref(n);
    if (over == n->count)
        return NULL;
    struct notice *meant = notice_like(n);
    for (size_t i = 0; i < n->count; i++) {
        if (alert_is_active(n->alerts[i]))
            notice_add(meant, n->alerts[i]);
    }
    return meant;
}

static void add_ended(struct notice *n, const struct alert *a, enum alert_severity severity,
                      int64_t ended_ms)
{
    struct alert *ended = alert_copy(a);
    ended->state = ALERT_RESOLVED;
    ended->severity = severity;
    ended->resolved_ms = ended_ms;
    notice_add(n, ended);
    alert_unref(ended);
}

struct notice *told_complete(const struct told *t, const struct channel_spec *spec,
                             struct notice *n)
{
    size_t moved = 0;
    if (spec->type != CHANNEL_TYPE_ALERTMANAGER || n->test)
        return notice_ref(n);
    for (size_t i = 0; i < n->count; i++) {
        const struct alert *before = told_find(t, n->alerts[i]->id);
        moved += before && before->severity != n->alerts[i]->severity;
    }
    if (!moved)
        return notice_ref(n);
    struct notice *full = notice_like(n);
    for (size_t i = 0; i < n->count; i++) {
        struct alert *a = n->alerts[i];
        const struct alert *before = told_find(t, a->id);
        bool other = before && before->severity != a->severity;
        if (other && !alert_is_active(a)) {
            add_ended(full, a, before->severity, a->resolved_ms);
            continue;
        }
        notice_add(full, a);
        if (other)
            add_ended(full, before, before->severity, a->changed_ms);
    }
    return full;
}

void told_note(struct told *t, const struct channel_spec *spec, const struct notice *n)
{
    if (spec->type != CHANNEL_TYPE_ALERTMANAGER || n->test)
        return;
    for (size_t i = 0; i < n->count; i++) {
        if (alert_is_active(n->alerts[i]))
            told_put(t, n->alerts[i]);
        else
            told_remove(t, n->alerts[i]->id);
    }
}

void told_recall(struct told *t, const struct channel_spec *spec, struct alert *a)
{
    if (spec->type == CHANNEL_TYPE_ALERTMANAGER && alert_is_active(a))
        told_put(t, a);
}

struct notice *told_renewal(const struct told *t, size_t *at,
                            bool (*is_active)(void *user, uint64_t alert), void *user)
{
    int64_t now_ms = clock_wall_ms();
    if (*at >= t->count)
        return NULL;
    struct notice *n = notice_new();
    n->t_ms = now_ms;
    for (; *at < t->count && n->count < NOTICE_ALERTS_MAX; ++*at) {
        struct alert *a = t->alerts[*at];
        if (!is_active || is_active(user, a->id))
            notice_add(n, a);
        else
            add_ended(n, a, a->severity, now_ms);
    }
    return n;
}
