/* show.c: the newest state of everything for the board, and the statistics. What has not changed is
 * not made anew. */
#include <stdlib.h>

#include "alert/alerts_internal.h"

/* The worst first: what fires before what may, critical before warning, then the newest. */
static int by_urgency(const void *left, const void *right)
{
    const struct alert *a = *(struct alert *const *)left, *b = *(struct alert *const *)right;
    bool a_pends = a->state == ALERT_PENDING, b_pends = b->state == ALERT_PENDING;
    if (a_pends != b_pends)
        return a_pends ? 1 : -1;
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    if (a->changed_ms != b->changed_ms)
        return a->changed_ms > b->changed_ms ? -1 : 1;
    return a->id > b->id ? -1 : a->id < b->id;
}

static void show_alerts(struct alerts *a)
{
    struct alert_set *set = alert_set_new(a->incidents_count);
    LIST_EACH(node, &a->incidents)
    {
        const struct incident *i = LIST_ENTRY(node, struct incident, node);
        if (i->now)
            set->alerts[set->count++] = alert_ref(i->now);
    }
    qsort(set->alerts, set->count, sizeof(struct alert *), by_urgency);
    set->seq = a->settings.next_seq - 1;
    set->t_ms = a->now_ms;
    board_put_alerts(a->settings.board, set);
}

void show_step(struct alerts *a)
{
    if (a->set_stale)
        show_alerts(a);
    if (a->rules_stale)
        rulebook_show(a);
    if (a->silences_stale)
        board_put_silences(a->settings.board, silences_set(a->silences));
    a->set_stale = a->rules_stale = a->silences_stale = false;
}

void alerts_stats(const struct alerts *a, struct alerts_stats *ret)
{
    *ret = (struct alerts_stats){
        .changes = a->changes,
        .dropped = a->dropped,
        .refused = a->refused,
        .rules = a->watchlist.rules_count,
        .series_watched = a->watchlist.count,
        .anomalous = bank_anomalous(a->bank),
    };
    LIST_EACH(node, &a->incidents)
    {
        const struct incident *i = LIST_ENTRY(node, struct incident, node);
        if (!i->now)
            continue;
        ret->firing[i->now->severity] += i->now->state == ALERT_FIRING;
        ret->pending += i->now->state == ALERT_PENDING;
        ret->acknowledged += i->now->state == ALERT_ACKNOWLEDGED;
        ret->silenced += i->now->state == ALERT_SILENCED;
        ret->inhibited += i->inhibited_by != 0;
    }
    for (size_t c = 0; c < a->settings.channels_count; c++) {
        struct limiter_stats lane;
        limiter_stats(a->limiter, c, &lane);
        ret->notices += lane.notices;
        ret->held_back += lane.held;
        ret->waiting += lane.waiting;
    }
}

uint64_t alerts_held_back(const struct alerts *a, size_t channel)
{
    struct limiter_stats lane;
    limiter_stats(a->limiter, channel, &lane);
    return lane.held;
}
