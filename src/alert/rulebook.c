/*
 * rulebook.c: the rules of all sources. Of several with one name the file's counts, then the API's,
 * then the default; that one is in force if it is enabled. What is in force goes to the watchlist,
 * and every incident finds the rule of its name again, or is over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alerts_internal.h"
#include "alert/series_text.h"
#include "base/mem.h"

static int rank(const struct rule *r)
{
    static const int ranks[] = {[RULE_FROM_FILE] = 0, [RULE_FROM_API] = 1, [RULE_DEFAULT] = 2};
    return ranks[r->source];
}

static int by_name(const void *left, const void *right)
{
    const struct rule *a = *(struct rule *const *)left, *b = *(struct rule *const *)right;
    int order = strcmp(a->name, b->name);
    return order ? order : rank(a) - rank(b);
}

static void sort(struct alerts *a)
{
    if (a->rules_count)
        qsort(a->rules, a->rules_count, sizeof(a->rules[0]), by_name);
    a->rules_generation++;
}

static void append(struct alerts *a, struct rule *r)
{
    a->rules = mem_resize(a->rules, a->rules_count + 1, sizeof(a->rules[0]));
    a->rules[a->rules_count++] = rule_ref(r);
}

static void remove_at(struct alerts *a, size_t at)
{
    rule_unref(a->rules[at]);
    a->rules_count--;
    memmove(&a->rules[at], &a->rules[at + 1], (a->rules_count - at) * sizeof(a->rules[0]));
}

static size_t find(const struct alerts *a, const char *name, enum rule_source source)
{
    size_t at = 0;
    while (at < a->rules_count &&
           (a->rules[at]->source != source || strcmp(a->rules[at]->name, name) != 0))
        at++;
    return at;
}

struct rule *rulebook_find(const struct alerts *a, const char *name, enum rule_source source)
{
    size_t at = find(a, name, source);
    return at < a->rules_count ? a->rules[at] : NULL;
}

struct rule *rulebook_best(const struct alerts *a, const char *name)
{
    for (size_t i = 0; i < a->rules_count; i++) { /* sorted: the first is the best */
        if (strcmp(a->rules[i]->name, name) == 0)
            return a->rules[i];
    }
    return NULL;
}

void rulebook_put(struct alerts *a, struct rule *r)
{
    rule_ref(r);
    size_t at = find(a, r->name, r->source);
    if (at < a->rules_count)
        remove_at(a, at);
    append(a, r);
    rule_unref(r);
    sort(a);
}

void rulebook_remove(struct alerts *a, const char *name, enum rule_source source)
{
    size_t at = find(a, name, source);
    if (at < a->rules_count)
        remove_at(a, at);
    sort(a);
}

/* Rules of the API stay when none of them is among the new ones: a file was read again. */
void rulebook_replace(struct alerts *a, struct rule *const *rules, size_t count)
{
    bool api = false;
    for (size_t i = 0; i < count; i++)
        api |= rules[i]->source == RULE_FROM_API;
    for (size_t i = a->rules_count; i-- > 0;) {
        if (api || a->rules[i]->source != RULE_FROM_API)
            remove_at(a, i);
    }
    for (size_t i = 0; i < count; i++) {
        if (a->rules_count < RULES_MAX)
            append(a, rules[i]);
        else
            a->dropped++;
    }
    sort(a);
}

/* ---- into force ---------------------------------------------------------------------------- */

static bool is_best(const struct alerts *a, size_t at)
{
    return at == 0 || strcmp(a->rules[at - 1]->name, a->rules[at]->name) != 0;
}

static size_t channel_find(const struct alerts *a, const char *name)
{
    size_t at = 0;
    while (at < a->settings.channels_count && strcmp(a->channels[at], name) != 0)
        at++;
    return at;
}

/* A rule none of whose channels exists is told on the usual ones: better there than nowhere. */
static void find_channels(const struct alerts *a, struct watch_rule *r)
{
    r->channels_count = 0;
    r->trouble[0] = '\0';
    for (size_t i = 0; i < r->rule->channels_count; i++) {
        size_t channel = channel_find(a, r->rule->channels[i]);
        if (channel < a->settings.channels_count)
            r->channels[r->channels_count++] = channel;
        else
            snprintf(r->trouble, sizeof(r->trouble), "there is no channel %s",
                     r->rule->channels[i]);
    }
    if (r->channels_count)
        return;
    r->channels_count = MIN(a->settings.default_channels_count, (size_t)RULE_CHANNELS_MAX);
    for (size_t i = 0; i < r->channels_count; i++)
        r->channels[i] = a->default_channels[i];
}

static bool selects(const struct rule *r, const char *series)
{
    struct series_text text;
    series_text_init(&text, series);
    bool yes = selector_matches(&r->selector, text.name, text.labels, text.labels_count);
    series_text_fini(&text);
    return yes;
}

/* An incident without a rule in force: the one of its name, if that still means its series. */
static void settle(struct alerts *a, struct incident *i)
{
    const char *series = strchr(i->key, '\n') + 1;
    char *name = mem_string_n(i->key, strcspn(i->key, "\n"));
    struct watch_rule *r = watchlist_find(&a->watchlist, name);
    free(name);
    bool meant = r && (i->whole ? r->rule->absent_ms && !r->whole &&
                                      strcmp(r->rule->selector.globs[0], series) == 0
                                : selects(r->rule, series));
    if (!meant) {
        if (i->restored) /* whom it was told nobody knows any more */
            tell_set_channels(a, i, a->default_channels,
                              MIN(a->settings.default_channels_count, (size_t)RULE_CHANNELS_MAX));
        i->restored = false;
        incident_end(a, i);
        return;
    }
    if (i->whole) {
        r->whole = i;
        r->silent_ns = r->rule->absent_ms * NS_PER_MS;
    }
    incident_adopt(a, i, r);
}

void rulebook_apply(struct alerts *a)
{
    struct rule **best = mem_array(MAX(a->rules_count, (size_t)1), sizeof(struct rule *));
    size_t count = 0;
    for (size_t i = 0; i < a->rules_count; i++) {
        if (is_best(a, i) && a->rules[i]->enabled)
            best[count++] = a->rules[i];
    }
    watchlist_set_rules(&a->watchlist, best, count);
    free(best);
    for (size_t i = 0; i < a->watchlist.rules_count; i++)
        find_channels(a, a->watchlist.rules[i]);
    a->unlinked = false;
    LIST_EACH(node, &a->incidents)
    {
        struct incident *i = LIST_ENTRY(node, struct incident, node);
        if (i->in)
            incident_adopt(a, i, i->in);
        else
            settle(a, i);
    }
    bank_watch(a->bank, watchlist_anomalies(&a->watchlist));
    a->rules_stale = true;
}

/* ---- how they fare ------------------------------------------------------------------------- */

static const char *missing(const struct watch_rule *r, char *out, size_t size)
{
    const struct rule *rule = r->rule;
    size_t undivided = 0, matched = watchlist_matched(r);
    for (size_t i = 0; i < r->count; i++)
        undivided += *rule->per && !r->items[i]->per.count;
    if (!r->count && !r->named)
        snprintf(out, size, "nothing here gives %s", rule->selector.globs[0]);
    else if (!r->count)
        snprintf(out, size, "no series of %s here matches", rule->selector.globs[0]);
    else if (!matched)
        snprintf(out, size, "none of its series has %s here", rule->where);
    else if (undivided == r->count)
        snprintf(out, size, "nothing here gives %s to divide by", rule->per);
    else if (r->left_out)
        snprintf(out, size, "too many series: %zu are not watched", r->left_out);
    else if (r->joins_cut)
        snprintf(out, size, "too many series belong together by their labels");
    else
        out[0] = '\0';
    return out;
}

static void status_of(const struct alerts *a, struct rule *rule, struct rule_status *ret)
{
    ret->rule = rule_ref(rule);
    const struct watch_rule *r = watchlist_find(&a->watchlist, rule->name);
    if (!rule->enabled) {
        snprintf(ret->note, sizeof(ret->note), "it is switched off");
    } else if (r) {
        ret->matched = (uint32_t)watchlist_matched(r);
        ret->active = (uint32_t)r->active;
        if (r->trouble[0])
            snprintf(ret->note, sizeof(ret->note), "%s", r->trouble);
        else if (a->watchlist.seen)
            missing(r, ret->note, sizeof(ret->note));
    }
}

void rulebook_show(struct alerts *a)
{
    size_t count = 0;
    for (size_t i = 0; i < a->rules_count; i++)
        count += is_best(a, i);
    struct rule_set *set = rule_set_new(count);
    set->generation = a->rules_generation;
    for (size_t i = 0, at = 0; i < a->rules_count; i++) {
        if (is_best(a, i))
            status_of(a, a->rules[i], &set->rules[at++]);
    }
    board_put_rules(a->settings.board, set);
}
