/*
 * limiter.c: see limiter.h. The window of a channel is the times of its last `rate_count` notices
 * in a ring: there is a free slot when the oldest of them is more than rate_ns ago. Cooldowns all
 * take equally long, so the tellings that cool down are a queue, and each step only looks at its
 * front.
 */
#include "alert/limiter.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"

struct lane {
    struct list waiting, cooling;
    int64_t *times; /* rate_count of them */
    size_t count, next;
    uint32_t passed;     /* to be counted with the next step */
    uint64_t held_since; /* the last notice */
    struct limiter_stats stats;
};

struct limiter {
    struct limiter_settings settings;
    struct lane *lanes;
};

struct limiter *limiter_new(const struct limiter_settings *settings)
{
    struct limiter *l = mem_alloc(sizeof(*l));
    l->settings = *settings;
    l->settings.rate_count = MAX(l->settings.rate_count, 1U);
    l->lanes = mem_array(MAX(settings->channels, (size_t)1), sizeof(*l->lanes));
    for (size_t i = 0; i < settings->channels; i++) {
        list_init(&l->lanes[i].waiting);
        list_init(&l->lanes[i].cooling);
        l->lanes[i].times = mem_array(l->settings.rate_count, sizeof(int64_t));
    }
    return l;
}

void limiter_free(struct limiter *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->settings.channels; i++) {
        CHECK(list_empty(&l->lanes[i].waiting) && list_empty(&l->lanes[i].cooling));
        free(l->lanes[i].times);
    }
    free(l->lanes);
    free(l);
}

static struct lane *lane_of(const struct limiter *l, size_t channel)
{
    CHECK(channel < l->settings.channels);
    return &l->lanes[channel];
}

/* ---- tellings ------------------------------------------------------------------------------ */

void telling_init(struct telling *t, void *owner)
{
    *t = (struct telling){.owner = owner};
    list_init(&t->node);
}

static void move(struct telling *t, enum telling_place place, struct list *where)
{
    list_remove(&t->node);
    t->place = place;
    if (where)
        list_append(where, &t->node);
}

void limiter_changed(struct limiter *l, size_t channel, struct telling *t)
{
    struct lane *lane = lane_of(l, channel);
    t->news++;
    lane->stats.asked++;
    lane->stats.waiting++;
    if (t->place == TELLING_RESTING)
        move(t, TELLING_WAITING, &lane->waiting);
}

static void hold_back(struct lane *lane, struct telling *t, uint32_t count)
{
    lane->stats.held += count;
    lane->held_since += count;
    lane->stats.waiting -= count;
    t->news -= count;
}

void limiter_withdraw(struct limiter *l, size_t channel, struct telling *t)
{
    hold_back(lane_of(l, channel), t, t->news);
    if (t->place == TELLING_WAITING)
        move(t, TELLING_RESTING, NULL);
}

void limiter_forget(struct limiter *l, size_t channel, struct telling *t)
{
    hold_back(lane_of(l, channel), t, t->news);
    move(t, TELLING_RESTING, NULL);
}

/* ---- time ---------------------------------------------------------------------------------- */

static void count_notice(struct limiter *l, struct lane *lane, int64_t now_ns)
{
    lane->times[lane->next] = now_ns;
    lane->next = (lane->next + 1) % l->settings.rate_count;
    lane->count = MIN(lane->count + 1, (size_t)l->settings.rate_count);
    lane->stats.notices++;
}

void limiter_step(struct limiter *l, int64_t now_ns, void (*rested)(void *user, struct telling *t),
                  void *user)
{
    for (size_t i = 0; i < l->settings.channels; i++) {
        struct lane *lane = &l->lanes[i];
        for (; lane->passed > 0; lane->passed--)
            count_notice(l, lane, now_ns);
        while (!list_empty(&lane->cooling)) {
            struct telling *t = LIST_ENTRY(lane->cooling.next, struct telling, node);
            if (now_ns - t->told_ns < l->settings.cooldown_ns)
                break;
            if (t->news) {
                move(t, TELLING_WAITING, &lane->waiting);
            } else {
                move(t, TELLING_RESTING, NULL);
                rested(user, t);
            }
        }
    }
}

bool limiter_ready(const struct limiter *l, size_t channel, int64_t now_ns)
{
    const struct lane *lane = lane_of(l, channel);
    if (list_empty(&lane->waiting))
        return false;
    /* `next` is the oldest once the ring is full. Those that passed have no time yet. */
    size_t used = lane->count + lane->passed;
    if (used < l->settings.rate_count)
        return true;
    return !lane->passed && now_ns - lane->times[lane->next] > l->settings.rate_ns;
}

struct telling *limiter_take(struct limiter *l, size_t channel, int64_t now_ns)
{
    struct lane *lane = lane_of(l, channel);
    if (list_empty(&lane->waiting))
        return NULL;
    struct telling *t = LIST_ENTRY(lane->waiting.next, struct telling, node);
    hold_back(lane, t, t->news - 1); /* the newest speaks for all */
    t->news = 0;
    lane->stats.waiting--;
    lane->stats.told++;
    t->told_ns = now_ns;
    move(t, TELLING_COOLING, &lane->cooling);
    return t;
}

uint64_t limiter_told(struct limiter *l, size_t channel, int64_t now_ns)
{
    struct lane *lane = lane_of(l, channel);
    uint64_t held = lane->held_since;
    lane->held_since = 0;
    count_notice(l, lane, now_ns);
    return held;
}

void limiter_passed(struct limiter *l, size_t channel)
{
    lane_of(l, channel)->passed++;
}

void limiter_stats(const struct limiter *l, size_t channel, struct limiter_stats *ret)
{
    *ret = lane_of(l, channel)->stats;
}
