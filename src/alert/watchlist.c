/*
 * watchlist.c: see watchlist.h.
 *
 *   rules[] -- items[] --> struct watched <-- next_of_slot -- of_slot[slot]
 *
 * The set of the last tick is kept: two sets are compared slot by slot, by pointer, since whatever
 * is in a set that somebody holds cannot be another series. What `per` and `where` name is joined
 * anew for a rule when a series of that name, or one that the rule watches, has come or gone
 * (join.h).
 */
#include "alert/watchlist.h"

#include <stdlib.h>
#include <string.h>

#include "alert/join.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

void watchlist_init(struct watchlist *w, const struct bank_settings *detect,
                    const struct watchlist_ops *ops, void *user)
{
    *w = (struct watchlist){.detect = *detect, .interval_ms = MS_PER_S, .ops = ops, .user = user};
}

/* ---- pairs --------------------------------------------------------------------------------- */

static void watched_free(struct watched *p)
{
    series_unref(p->series);
    condition_fini(&p->condition);
    detector_free(p->detector);
    free(p->per.items);
    free(p->where.items);
    free(p);
}

static struct bank_settings own_settings(const struct watchlist *w, const struct rule *r)
{
    struct bank_settings settings = w->detect;
    if (r->sigma > 0)
        settings.sigma = r->sigma;
    if (r->window_ms)
        settings.window_ms = r->window_ms;
    return settings;
}

static void pair_add(struct watchlist *w, struct watch_rule *r, uint32_t slot,
                     struct series *series)
{
    if (w->count == WATCHLIST_MAX) {
        r->left_out++;
        return;
    }
    struct watched *p = mem_alloc(sizeof(*p));
    p->rule = r;
    p->series = series_ref(series);
    p->slot = slot;
    condition_init(&p->condition, r->rule);
    if (r->count == r->capacity) {
        r->capacity = MAX(2 * r->capacity, (size_t)4);
        r->items = mem_resize(r->items, r->capacity, sizeof(r->items[0]));
    }
    p->index = r->count;
    r->items[r->count++] = p;
    p->next_of_slot = w->of_slot[slot];
    w->of_slot[slot] = p;
    w->count++;
    r->joins_stale = true;
    w->ops->added(w->user, p);
}

/* Out of everything but its slot's chain, which is the caller's. */
static void pair_remove(struct watchlist *w, struct watched *p)
{
    struct watch_rule *r = p->rule;
    w->ops->removed(w->user, p);
    r->items[p->index] = r->items[--r->count];
    r->items[p->index]->index = p->index;
    w->count--;
    watched_free(p);
}

static void chain_remove(struct watchlist *w, struct watched *p)
{
    struct watched **at = &w->of_slot[p->slot];
    while (*at != p)
        at = &(*at)->next_of_slot;
    *at = p->next_of_slot;
}

/* Looks at one series for one rule. */
static void consider(struct watchlist *w, struct watch_rule *r, uint32_t slot, struct series *s)
{
    const char *glob = r->rule->selector.globs[0];
    if (strcmp(r->rule->per, s->name) == 0 || strcmp(r->rule->where, s->name) == 0)
        r->joins_stale = true;
    if (strncmp(s->name, glob, r->prefix) != 0 || !text_glob(glob, s->name))
        return;
    r->named = true;
    if (selector_has(&r->rule->selector, s))
        pair_add(w, r, slot, s);
}

/* How sure a detector has to be depends on how many there are, of which a tenth more or less makes
 * no difference; how many samples its window has, on the interval. */
static bool tune_again(struct watchlist *w, size_t watched)
{
    size_t before = w->tuned_watched, off = MAX(watched, before) - MIN(watched, before);
    if (w->tuned_interval_ms == w->interval_ms && off <= before / 10)
        return false;
    w->tuned_interval_ms = w->interval_ms;
    w->tuned_watched = watched;
    return true;
}

/* Once all pairs are there. */
static void tune_own(struct watchlist *w)
{
    size_t watched = watchlist_anomalies(w);
    bool again = tune_again(w, watched);
    for (size_t i = 0; i < w->rules_count; i++) {
        struct watch_rule *r = w->rules[i];
        if (!r->own_detector)
            continue;
        struct bank_settings settings = own_settings(w, r->rule);
        for (size_t k = 0; k < r->count; k++) {
            struct watched *p = r->items[k];
            if (!p->detector)
                p->detector = detector_new(&settings, w->interval_ms, watched);
            else if (again)
                detector_retune(p->detector, &settings, w->interval_ms, watched);
        }
    }
}

static void settle(struct watchlist *w)
{
    join_all(w);
    tune_own(w);
}

/* ---- rules --------------------------------------------------------------------------------- */

static void put_key(void *user, const char *key, const char *text)
{
    buf_printf(user, "%s=%s\n", key, text);
}

static struct watch_rule *rule_make(struct rule *rule, char *text)
{
    struct watch_rule *r = mem_alloc(sizeof(*r));
    r->rule = rule_ref(rule);
    r->text = text;
    r->prefix = strcspn(rule->selector.globs[0], "*?[\\");
    r->own_detector = rule->anomaly && (rule->sigma > 0 || rule->window_ms || *rule->per);
    return r;
}

static void rule_free(struct watch_rule *r)
{
    for (size_t i = 0; i < r->count; i++)
        watched_free(r->items[i]);
    rule_unref(r->rule);
    free(r->items);
    free(r->text);
    free(r);
}

void watchlist_fini(struct watchlist *w)
{
    for (size_t i = 0; i < w->rules_count; i++)
        rule_free(w->rules[i]);
    free(w->rules);
    free(w->of_slot);
    series_set_unref(w->seen);
}

struct watch_rule *watchlist_find(const struct watchlist *w, const char *name)
{
    for (size_t low = 0, high = w->rules_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, w->rules[middle]->rule->name);
        if (order == 0)
            return w->rules[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void rule_remove(struct watchlist *w, struct watch_rule *r)
{
    w->ops->rule_removed(w->user, r);
    while (r->count > 0) {
        struct watched *p = r->items[r->count - 1];
        chain_remove(w, p);
        pair_remove(w, p);
    }
    rule_free(r);
}

void watchlist_set_rules(struct watchlist *w, struct rule *const *rules, size_t count)
{
    struct watch_rule **made = mem_array(MAX(count, (size_t)1), sizeof(*made));
    bool *fresh = mem_array(MAX(count, (size_t)1), sizeof(*fresh));
    for (size_t i = 0; i < count; i++) {
        struct buf text = BUF_INIT;
        rule_each_key(rules[i], put_key, &text);
        struct watch_rule *old = watchlist_find(w, rules[i]->name);
        if (old && strcmp(old->text, buf_string(&text)) == 0) {
            rule_ref(rules[i]);
            rule_unref(old->rule);
            old->rule = rules[i];
            made[i] = old;
        } else {
            made[i] = rule_make(rules[i], mem_string(buf_string(&text)));
            fresh[i] = true;
        }
        buf_fini(&text);
    }
    struct watch_rule **before = w->rules;
    size_t before_count = w->rules_count;
    w->rules = made;
    w->rules_count = count;
    for (size_t i = 0; i < before_count; i++) {
        if (watchlist_find(w, before[i]->rule->name) != before[i])
            rule_remove(w, before[i]);
    }
    free(before);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t slot = 0; fresh[i] && w->seen && slot < w->seen->count; slot++) {
            if (w->seen->slots[slot])
                consider(w, made[i], slot, w->seen->slots[slot]);
        }
    }
    free(fresh);
    settle(w);
}

/* ---- ticks --------------------------------------------------------------------------------- */

static void slot_leaves(struct watchlist *w, uint32_t slot, const struct series *s)
{
    struct watched *next;
    for (struct watched *p = TAKE(w->of_slot[slot]); p; p = next) {
        next = p->next_of_slot;
        pair_remove(w, p);
    }
    for (size_t i = 0; i < w->rules_count; i++) {
        const struct rule *r = w->rules[i]->rule;
        if (strcmp(r->per, s->name) == 0 || strcmp(r->where, s->name) == 0)
            w->rules[i]->joins_stale = true;
    }
}

static void grow(struct watchlist *w, uint32_t slots)
{
    if (slots <= w->slots)
        return;
    w->of_slot = mem_resize(w->of_slot, slots, sizeof(w->of_slot[0]));
    memset(&w->of_slot[w->slots], 0, (slots - w->slots) * sizeof(w->of_slot[0]));
    w->slots = slots;
}

bool watchlist_tick(struct watchlist *w, const struct tick *t)
{
    struct series_set *set = t->set;
    w->interval_ms = t->interval_ms;
    if (w->seen && (w->seen == set || w->seen->generation == set->generation)) {
        if (w->interval_ms != w->tuned_interval_ms)
            tune_own(w);
        return false;
    }
    uint32_t before = w->seen ? w->seen->count : 0, most = MAX(before, set->count);
    grow(w, most);
    /* First who leaves: a series may have moved to another slot, and its alert moves along. */
    for (uint32_t slot = 0; slot < before; slot++) {
        struct series *was = w->seen->slots[slot];
        if (was && (slot >= set->count || was != set->slots[slot]))
            slot_leaves(w, slot, was);
    }
    for (uint32_t slot = 0; slot < set->count; slot++) {
        struct series *was = slot < before ? w->seen->slots[slot] : NULL;
        struct series *is = set->slots[slot];
        for (size_t i = 0; is && was != is && i < w->rules_count; i++)
            consider(w, w->rules[i], slot, is);
    }
    series_set_ref(set);
    series_set_unref(w->seen);
    w->seen = set;
    settle(w);
    return true;
}

size_t watchlist_matched(const struct watch_rule *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        count += !*r->rule->where || r->items[i]->where.count;
    return count;
}

size_t watchlist_anomalies(const struct watchlist *w)
{
    size_t count = 0;
    for (size_t i = 0; i < w->rules_count; i++)
        count += w->rules[i]->rule->anomaly ? watchlist_matched(w->rules[i]) : 0;
    return count;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* The sum of those that were sampled; NAN: none. */
static double sum(const struct slots *slots, const struct tick *t)
{
    double all = NAN;
    for (uint32_t i = 0; i < slots->count; i++) {
        double value = tick_shown(t, slots->items[i]);
        if (!isnan(value))
            all = isnan(all) ? value : all + value;
    }
    return all;
}

/* What `where` says; as long as its metric is not sampled, what it said last. */
static bool included(struct watched *p, const struct tick *t)
{
    if (!*p->rule->rule->where)
        return true;
    if (!p->where.count)
        return false;
    double marker = sum(&p->where, t);
    if (!isnan(marker))
        p->included = marker != 0;
    return p->included;
}

void watchlist_read(struct watched *p, const struct tick *t, const struct bank *bank,
                    struct verdict *verdict, struct reading *ret)
{
    const struct rule *r = p->rule->rule;
    CHECK(p->slot < t->count && t->set->slots[p->slot] == p->series);
    *ret = (struct reading){
        .sampled = t->state[p->slot] != SAMPLE_ABSENT,
        .value = tick_shown(t, p->slot),
        .per = 1,
        .excluded = !included(p, t),
        .elapsed_ns = t->elapsed_ns > 0 ? t->elapsed_ns : t->interval_ms * NS_PER_MS,
    };
    if (*r->per)
        ret->per = sum(&p->per, t);
    if (!r->anomaly)
        return;
    if (p->detector) {
        double value = *r->per ? ret->value / ret->per : ret->value;
        *verdict = detector_step(p->detector, t->t_ms, isfinite(value) ? value : NAN);
    } else {
        *verdict = bank_verdict(bank, p->slot);
    }
    ret->verdict = verdict;
}
