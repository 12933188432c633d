/*
 * limiter.h: what is told when. For each channel: never more than `rate` notices in any such time
 * (a sliding window), and between two that speak of the same (rule, series) at least `cooldown`.
 * What has to wait goes into one notice with the next free slot; changes that are overtaken while
 * they wait are counted.
 *
 * It knows no alerts: it has `tellings`, one for each pair of an alert and a channel, which lie
 * inside the alerts. Core thread; times are monotonic nanoseconds of the caller.
 *
 *            changed                       taken                 cooldown is over
 *   RESTING ---------> WAITING (for a slot) -----> COOLING ------------------------+
 *      ^                  |  ^                        |  changed meanwhile         |
 *      +--- withdrawn ----+  +------------------------|----------------------------+
 *      +--------------------------------- nothing new +----------------------------+
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct limiter;

enum telling_place { TELLING_RESTING, TELLING_WAITING, TELLING_COOLING };

struct telling {
    struct list node;
    enum telling_place place;
    uint32_t news;   /* changes that wait to be told; told as one */
    int64_t told_ns; /* the last time it was taken */
    void *owner;     /* of the caller */
};

struct limiter_settings {
    size_t channels;
    uint32_t rate_count; /* at least 1 */
    int64_t rate_ns, cooldown_ns;
};

struct limiter *limiter_new(const struct limiter_settings *settings);
void limiter_free(struct limiter *l); /* NULL allowed; no telling may be in it any more */

void telling_init(struct telling *t, void *owner);

/* There is one more thing to tell. */
void limiter_changed(struct limiter *l, size_t channel, struct telling *t);
/* There is nothing to tell any more: what waited is counted as held back. */
void limiter_withdraw(struct limiter *l, size_t channel, struct telling *t);
/* It goes away; what waited is counted as held back. */
void limiter_forget(struct limiter *l, size_t channel, struct telling *t);

/* Ends the cooldowns that are over; rested is called for each telling that then has nothing to
 * tell, and may forget it. */
void limiter_step(struct limiter *l, int64_t now_ns, void (*rested)(void *user, struct telling *t),
                  void *user);

/* Whether something waits and may be told now. */
bool limiter_ready(const struct limiter *l, size_t channel, int64_t now_ns);
/* One after another of what waits, the longest waiting first; NULL: that was all. */
struct telling *limiter_take(struct limiter *l, size_t channel, int64_t now_ns);
/* They are told, all in one notice. Returns what was held back since the last one. */
uint64_t limiter_told(struct limiter *l, size_t channel, int64_t now_ns);

/* A notice that went out past the limits; it counts from the next step on, which is later than it
 * was, never earlier. */
void limiter_passed(struct limiter *l, size_t channel);

struct limiter_stats {
    uint64_t notices, asked, told, held; /* ever; asked = told + held + waiting */
    uint64_t waiting;                    /* changes now */
};
void limiter_stats(const struct limiter *l, size_t channel, struct limiter_stats *ret);
