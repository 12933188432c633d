/*
 * alerts_internal.h: what the files behind alerts.h share. Core thread.
 *
 *   rulebook.c   all rules of all sources -> those in force -> watchlist.h
 *   alerts.c     a tick: every pair judged, every machine moved, what follows
 *   incident.c   one thing that is wrong: from pending until all of it is told
 *   tell.c       who is to be told what: silences, inhibition, the limiter, notices
 *   ask.c        what people ask for
 *   show.c       the board and the statistics
 */
#pragma once

#include "alert/alerts.h"
#include "alert/limiter.h"
#include "alert/machine.h"
#include "alert/silences.h"
#include "alert/watchlist.h"
#include "base/list.h"
#include "base/map.h"

/* What a channel was told of an incident, and whether there is more. */
struct tell {
    struct telling telling; /* owner: the incident */
    size_t channel;
    uint64_t id; /* of the alert it was told to be firing; 0: of none */
    enum alert_severity severity;
    bool again; /* `repeat` */
    bool left;  /* the rule does not name it any more: only the end of what it was told is told */
};

/*
 * One (rule, series) that is not at rest: an alert is pending or firing, or one that is over has
 * not been told or cools down. Outlives its series and, until it is told, its rule.
 */
struct incident {
    struct list node;        /* alerts.incidents */
    struct list dirty;       /* alerts.dirty: who is to be told has to be looked at */
    char *key;               /* rule and series (whole: metric), as in alerts.by_key */
    struct rule *rule;       /* one reference; NULL: restored, and not found yet */
    struct watch_rule *in;   /* NULL: not in force */
    struct watched *watched; /* NULL: the series is not there, or it is about the whole metric */
    bool whole;
    bool restored;     /* and not adopted yet */
    int64_t orphan_ns; /* without its series since then */
    struct machine machine;
    struct alert *now;  /* pending or firing; NULL: neither */
    struct alert *last; /* the newest that was not pending; NULL: none yet */
    bool acknowledged;
    uint64_t silence_id, inhibited_by;
    uint32_t news; /* changes that have not been looked at */
    struct tell **tells;
    size_t tells_count;
    char *mute_key; /* in alerts.mutes; NULL: mutes nothing */
    struct incident *mute_next;
};

struct alerts {
    struct alerts_settings settings;
    size_t *default_channels;
    char **channels;
    struct alerts_ops ops;
    void *user;
    struct bank *bank;
    struct limiter *limiter;
    struct silences *silences;
    struct watchlist watchlist;
    struct rule **rules; /* of all sources */
    size_t rules_count;
    uint64_t rules_generation;

    int64_t mono_ns; /* time that ticks say has passed */
    int64_t now_ms;  /* wall time of what is going on */
    struct list incidents, dirty;
    size_t incidents_count;
    struct map by_key; /* -> incident of a series */
    struct map mutes;  /* "label=value" -> incidents that mute it */
    bool mutes_changed, unlinked, set_stale, rules_stale, silences_stale;
    uint64_t changes, refused, dropped;
};

/* ---- rulebook.c ---- */
/* Puts the best rule of each name into force. */
void rulebook_apply(struct alerts *a);
/* Replaces those of these sources; takes references. */
void rulebook_replace(struct alerts *a, struct rule *const *rules, size_t count);
struct rule *rulebook_find(const struct alerts *a, const char *name, enum rule_source source);
/* The one that counts. NULL: none. */
struct rule *rulebook_best(const struct alerts *a, const char *name);
void rulebook_put(struct alerts *a, struct rule *r); /* replaces one of its name and source */
void rulebook_remove(struct alerts *a, const char *name, enum rule_source source);
void rulebook_show(struct alerts *a); /* board_put_rules */

/* ---- incident.c ---- */
/* NULL: there are ALERTS_MAX. whole: it is about the metric, not one of its series. */
struct incident *incident_new(struct alerts *a, const char *rule, const char *series, bool whole);
void incident_free(struct alerts *a, struct incident *i);
/* Finds one that waits for this pair to come back. */
struct incident *incident_orphan(const struct alerts *a, const struct watched *w);
/* It belongs to this rule, which may say another thing than before. */
void incident_adopt(struct alerts *a, struct incident *i, struct watch_rule *r);
/* What the machine did, and what it saw. */
void incident_follow(struct alerts *a, struct incident *i, enum machine_change change,
                     const struct judgement *j);
/* Is over, whatever its condition. */
void incident_end(struct alerts *a, struct incident *i);
/* Something about it is different: takes `next`, its new state, freezes and tells it. */
void incident_publish(struct alerts *a, struct incident *i, struct alert *next);
void incident_restore(struct alerts *a, struct alert *one);

/* ---- tell.c ---- */
void tell_set_channels(struct alerts *a, struct incident *i, const size_t *channels, size_t count);
void tell_forget(struct alerts *a, struct incident *i);
/* Looks again who mutes it, and whether its state is another one thereby. */
void tell_look(struct alerts *a, struct incident *i);
void tell_dirty(struct alerts *a, struct incident *i);
void tell_mute(struct alerts *a, struct incident *i);   /* it begins to mute, if its rule does */
void tell_unmute(struct alerts *a, struct incident *i); /* … no more */
/* The end of a tick: who is to be told what, and telling it. */
void tell_step(struct alerts *a);

/* ---- show.c ---- */
void show_step(struct alerts *a);
