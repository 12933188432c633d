/*
 * watchlist.h: which rule watches which series: the pairs of them, kept up to date with the ticks'
 * sets. A tick whose set is the same costs nothing here; of another set only the slots that hold
 * something else are looked at. Core thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/condition.h"
#include "alert/rule.h"
#include "detect/bank.h"
#include "model/tick.h"

/* Pairs at most; what is beyond is not watched, which the rule's status says. */
#define WATCHLIST_MAX 100000
/* Series that one is divided by at most, and that are compared for it when their labels have other
 * names. */
#define WATCHLIST_JOIN_MAX 64
#define WATCHLIST_SCAN_MAX 512

struct incident; /* alerts_internal.h */

struct slots {
    uint32_t *items;
    uint32_t count;
};

/* One series under one rule. */
struct watched {
    struct watch_rule *rule;
    struct series *series; /* one reference */
    uint32_t slot;
    struct slots per, where; /* joined on equal labels */
    bool included;           /* what `where` said last */
    struct condition condition;
    struct detector *detector; /* NULL: the bank's will do, or there is no anomaly */
    struct incident *incident; /* NULL: nothing is wrong */
    bool refused;              /* would have an incident, but there were too many */
    size_t index;              /* in the rule's items */
    struct watched *next_of_slot;
};

/* One rule in force. */
struct watch_rule {
    struct rule *rule; /* one reference */
    struct watched **items;
    size_t count, capacity;
    size_t left_out;   /* series beyond WATCHLIST_MAX */
    bool own_detector; /* sigma or window are its own */
    bool named;        /* some series has a name that the glob matches, whatever its labels */
    bool joins_stale, joins_cut;
    size_t prefix; /* of the glob, without anything special */
    char *text;    /* all keys: whether another one is the same */

    /* The caller's: */
    size_t channels[RULE_CHANNELS_MAX], channels_count;
    char trouble[120]; /* what is wrong with it whatever is measured; "" */
    size_t active;     /* incidents */
    int64_t silent_ns; /* no series at all for so long */
    bool refused;
    struct incident *whole; /* about the metric as a whole */
};

struct watchlist_ops {
    void (*added)(void *user, struct watched *w);
    void (*removed)(void *user, struct watched *w); /* still whole */
    void (*rule_removed)(void *user, struct watch_rule *r);
};

struct watchlist {
    struct watch_rule **rules; /* by name */
    size_t rules_count;
    size_t count; /* pairs */
    struct series_set *seen;
    struct watched **of_slot;
    uint32_t slots;
    struct bank_settings detect;
    int64_t interval_ms;
    int64_t tuned_interval_ms; /* what detectors of rules' own were made for last: the interval … */
    size_t tuned_watched;      /* … and how many series are watched for anomalies */
    const struct watchlist_ops *ops;
    void *user;
};

void watchlist_init(struct watchlist *w, const struct bank_settings *detect,
                    const struct watchlist_ops *ops, void *user);
void watchlist_fini(struct watchlist *w); /* tells of nothing */

/* These are the rules now: enabled ones, by name, each name once. A rule that says the same as
 * before goes on as it was. */
void watchlist_set_rules(struct watchlist *w, struct rule *const *rules, size_t count);

/* True: pairs have come or gone. */
bool watchlist_tick(struct watchlist *w, const struct tick *t);

struct watch_rule *watchlist_find(const struct watchlist *w, const char *name);

/* Series of a rule, without those that `where` leaves out for good. */
size_t watchlist_matched(const struct watch_rule *r);

/* Of all rules that look for anomalies. */
size_t watchlist_anomalies(const struct watchlist *w);

/* What a tick has of a pair, its detector's verdict in *verdict. */
void watchlist_read(struct watched *p, const struct tick *t, const struct bank *bank,
                    struct verdict *verdict, struct reading *ret);
