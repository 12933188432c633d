/*
 * alerts.c: a tick, from samples to notices. Every pair of a rule and a series is judged, which is
 * all that happens on a quiet day; what is wrong becomes an incident, and the incidents of a tick
 * are told together at its end, so that a digest has all of them.
 *
 * Time is counted by the ticks' elapsed_ns: a clock that is set back an hour changes the times that
 * alerts show, and nothing else.
 */
#include "alert/alerts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alerts_internal.h"
#include "base/check.h"
#include "base/mem.h"

/* An alert about a series that is absent goes on so long after the series has been forgotten. */
#define ABSENCE_KEPT_MS INT64_C(86400000)

/* ---- what the watchlist tells -------------------------------------------------------------- */

static void pair_added(void *user, struct watched *w)
{
    struct alerts *a = user;
    struct incident *i = incident_orphan(a, w);
    if (!i)
        return;
    i->watched = w;
    w->incident = i;
    w->condition.well = true; /* what fires has begun at some time */
    a->unlinked |= i->in != w->rule;
}

static void pair_removed(void *user, struct watched *w)
{
    struct alerts *a = user;
    struct incident *i = w->incident;
    if (!i)
        return;
    i->watched = NULL;
    i->orphan_ns = a->mono_ns;
    w->incident = NULL;
}

static void rule_removed(void *user, struct watch_rule *r)
{
    struct alerts *a = user;
    LIST_EACH(node, &a->incidents)
    {
        struct incident *i = LIST_ENTRY(node, struct incident, node);
        if (i->in == r)
            i->in = NULL;
    }
    r->whole = NULL;
}

static const struct watchlist_ops watchlist_ops = {pair_added, pair_removed, rule_removed};

/* ---- life ---------------------------------------------------------------------------------- */

struct alerts *alerts_new(const struct alerts_settings *settings, const struct alerts_ops *ops,
                          void *user)
{
    struct alerts *a = mem_alloc(sizeof(*a));
    a->settings = *settings;
    a->settings.next_seq = MAX(settings->next_seq, UINT64_C(1));
    a->settings.next_id = MAX(settings->next_id, UINT64_C(1));
    a->ops = *ops;
    a->user = user;
    a->channels = mem_array(MAX(settings->channels_count, (size_t)1), sizeof(char *));
    for (size_t i = 0; i < settings->channels_count; i++)
        a->channels[i] = mem_string(settings->channels[i]);
    a->default_channels =
        mem_array(MAX(settings->default_channels_count, (size_t)1), sizeof(size_t));
    for (size_t i = 0; i < settings->default_channels_count; i++) {
        CHECK(settings->default_channels[i] < settings->channels_count);
        a->default_channels[i] = settings->default_channels[i];
    }
    a->bank = bank_new(&settings->detect);
    const struct limiter_settings limits = {
        .channels = settings->channels_count,
        .rate_count = settings->rate_count,
        .rate_ns = settings->rate_ms * NS_PER_MS,
        .cooldown_ns = settings->cooldown_ms * NS_PER_MS,
    };
    a->limiter = limiter_new(&limits);
    a->silences = silences_new(settings->next_silence_id);
    watchlist_init(&a->watchlist, &settings->detect, &watchlist_ops, a);
    list_init(&a->incidents);
    list_init(&a->dirty);
    map_init(&a->by_key);
    map_init(&a->mutes);
    return a;
}

void alerts_next(const struct alerts *a, uint64_t *ret_seq, uint64_t *ret_id,
                 uint64_t *ret_silence_id)
{
    *ret_seq = a->settings.next_seq;
    *ret_id = a->settings.next_id;
    *ret_silence_id = silences_next_id(a->silences);
}

void alerts_free(struct alerts *a)
{
    if (!a)
        return;
    LIST_EACH(node, &a->incidents)
    {
        incident_free(a, LIST_ENTRY(node, struct incident, node));
    }
    watchlist_fini(&a->watchlist);
    map_fini(&a->by_key);
    map_fini(&a->mutes);
    silences_free(a->silences);
    limiter_free(a->limiter);
    bank_free(a->bank);
    for (size_t i = 0; i < a->rules_count; i++)
        rule_unref(a->rules[i]);
    free(a->rules);
    for (size_t i = 0; i < a->settings.channels_count; i++)
        free(a->channels[i]);
    free(a->channels);
    free(a->default_channels);
    free(a);
}

void alerts_restore(struct alerts *a, struct alert *const *active, size_t count)
{
    for (size_t i = 0; i < count; i++)
        incident_restore(a, active[i]);
    a->mutes_changed = true; /* what muted them may have ended meanwhile */
    show_step(a);            /* people may look before the first tick */
}

const struct bank *alerts_bank(const struct alerts *a)
{
    return a->bank;
}

/* ---- a tick -------------------------------------------------------------------------------- */

/* Whether something is wrong where nothing was; NULL: no, or there is no room for it. `refused`
 * counts a trouble once, not every tick of it. */
static struct incident *begin(struct alerts *a, struct watch_rule *r, const char *series,
                              const struct judgement *j, bool whole, bool *refused)
{
    if (!j->known || j->level == LEVEL_CALM) {
        *refused = false;
        return NULL;
    }
    struct incident *i = incident_new(a, r->rule->name, series, whole);
    if (!i && !*refused) {
        a->refused++;
        *refused = true;
    }
    return i;
}

static void judge_pair(struct alerts *a, struct watched *w, const struct tick *t)
{
    struct reading reading;
    struct judgement judgement;
    struct verdict verdict;
    const struct rule *r = w->rule->rule;
    watchlist_read(w, t, a->bank, &verdict, &reading);
    struct incident *i = w->incident;
    condition_step(&w->condition, r, &reading, i && i->machine.stage == STAGE_FIRING, &judgement);
    if (!i) {
        i = begin(a, w->rule, w->series->key, &judgement, false, &w->refused);
        if (!i)
            return;
        i->watched = w;
        w->incident = i;
        incident_adopt(a, i, w->rule);
    }
    incident_follow(a, i, machine_step(&i->machine, r, &judgement, a->mono_ns), &judgement);
}

/* A metric of which there is no series at all. */
static void judge_whole(struct alerts *a, struct watch_rule *w, int64_t elapsed_ns)
{
    const struct rule *r = w->rule;
    w->silent_ns = w->count ? 0 : w->silent_ns + elapsed_ns;
    bool absent = w->silent_ns >= r->absent_ms * NS_PER_MS;
    const struct judgement j = {.known = true,
                                .level = absent ? 1 + (int)r->severity : LEVEL_CALM,
                                .reason = ALERT_BY_ABSENCE,
                                .value = NAN,
                                .threshold = NAN,
                                .z = NAN,
                                .mean = NAN,
                                .sigma = NAN};
    if (!w->whole) {
        struct incident *i = begin(a, w, r->selector.globs[0], &j, true, &w->refused);
        if (!i)
            return;
        w->whole = i;
        incident_adopt(a, i, w);
    }
    struct incident *i = w->whole;
    incident_follow(a, i, machine_step(&i->machine, r, &j, a->mono_ns), &j);
}

/* Whose series is not there any more is over after a while. */
static void judge_orphans(struct alerts *a)
{
    LIST_EACH(node, &a->incidents)
    {
        struct incident *i = LIST_ENTRY(node, struct incident, node);
        if (i->watched || i->whole || !i->now)
            continue;
        bool absent = i->now->reason == ALERT_BY_ABSENCE && i->rule->absent_ms;
        int64_t kept_ms = absent ? ABSENCE_KEPT_MS : MACHINE_STALE_MS;
        if (a->mono_ns - i->orphan_ns >= kept_ms * NS_PER_MS)
            incident_end(a, i);
    }
}

void alerts_step(struct alerts *a, struct tick *t)
{
    int64_t elapsed_ns = MAX(t->elapsed_ns, 0);
    a->mono_ns += elapsed_ns;
    a->now_ms = t->t_ms;
    bank_step(a->bank, t);
    if (watchlist_tick(&a->watchlist, t)) {
        bank_watch(a->bank, watchlist_anomalies(&a->watchlist));
        a->rules_stale = true;
    }
    if (a->unlinked)
        rulebook_apply(a);
    for (size_t i = 0; i < a->watchlist.rules_count; i++) {
        struct watch_rule *r = a->watchlist.rules[i];
        for (size_t k = 0; k < r->count; k++)
            judge_pair(a, r->items[k], t);
        if (r->rule->absent_ms)
            judge_whole(a, r, elapsed_ns);
    }
    judge_orphans(a);
    tell_step(a);
    show_step(a);
}
