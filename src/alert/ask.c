/*
 * ask.c: what people ask for. Each request comes with the wall time; durations and what is told
 * wait for the next tick, which is at most an interval away, but the board has the answer at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alerts_internal.h"
#include "base/check.h"
#include "base/mem.h"

static struct incident *find_active(const struct alerts *a, uint64_t id)
{
    LIST_EACH(node, &a->incidents)
    {
        struct incident *i = LIST_ENTRY(node, struct incident, node);
        if (i->now && i->now->id == id && i->machine.stage == STAGE_FIRING)
            return i;
    }
    return NULL;
}

int alerts_acknowledge(struct alerts *a, uint64_t id, const char *by, int64_t now_ms)
{
    struct incident *i = find_active(a, id);
    if (!i)
        return -ENOENT;
    if (i->acknowledged)
        return -EALREADY;
    a->now_ms = now_ms;
    i->acknowledged = true;
    struct alert *next = alert_copy(i->now);
    alert_text(&next->by, by);
    incident_publish(a, i, next);
    tell_dirty(a, i);
    show_step(a);
    return 0;
}

/* ---- rules --------------------------------------------------------------------------------- */

void alerts_set_rules(struct alerts *a, struct rule *const *rules, size_t count)
{
    rulebook_replace(a, rules, count);
    rulebook_apply(a);
    show_step(a);
}

int alerts_put_rule(struct alerts *a, struct rule *r, bool replace, int64_t now_ms)
{
    CHECK(r->source == RULE_FROM_API);
    const struct rule *best = rulebook_best(a, r->name);
    if (best && best->source == RULE_FROM_FILE)
        return -EPERM;
    if (best && !replace)
        return -EALREADY;
    if (a->rules_count >= RULES_MAX && !rulebook_find(a, r->name, RULE_FROM_API))
        return -ENOSPC;
    a->now_ms = now_ms;
    rulebook_put(a, r);
    rulebook_apply(a);
    show_step(a);
    a->ops.keep_rule(a->user, r->name, r);
    return 0;
}

int alerts_delete_rule(struct alerts *a, const char *name, int64_t now_ms)
{
    const struct rule *best = rulebook_best(a, name);
    if (!best)
        return -ENOENT;
    if (best->source != RULE_FROM_API)
        return -EPERM;
    char *kept = mem_string(name); /* it may be the rule's own */
    a->now_ms = now_ms;
    rulebook_remove(a, kept, RULE_FROM_API);
    rulebook_apply(a);
    show_step(a);
    a->ops.keep_rule(a->user, kept, NULL);
    free(kept);
    return 0;
}

/* ---- silences ------------------------------------------------------------------------------ */

static void silences_changed(struct alerts *a, uint64_t id, int64_t now_ms)
{
    a->now_ms = now_ms;
    a->silences_stale = true;
    if (silences_step(a->silences, now_ms)) {
        LIST_EACH(node, &a->incidents)
        {
            tell_look(a, LIST_ENTRY(node, struct incident, node));
        }
    }
    show_step(a);
    struct silence_set *set = silences_set(a->silences);
    for (size_t i = 0; i < set->count; i++) {
        if (set->silences[i].id == id)
            a->ops.keep_silence(a->user, &set->silences[i]);
    }
    silence_set_unref(set);
}

void alerts_restore_silence(struct alerts *a, const struct silence *s)
{
    if (silences_restore(a->silences, s))
        a->dropped++;
    a->silences_stale = true;
    show_step(a);
}

int alerts_add_silence(struct alerts *a, const struct silence *s, int64_t now_ms, uint64_t *ret_id)
{
    int err = silences_add(a->silences, s, now_ms, ret_id);
    if (!err)
        silences_changed(a, *ret_id, now_ms);
    return err;
}

int alerts_end_silence(struct alerts *a, uint64_t id, int64_t now_ms)
{
    const struct silence *ended;
    int err = silences_end(a->silences, id, now_ms, &ended);
    if (!err)
        silences_changed(a, id, now_ms);
    return err;
}

/* ---- channels ------------------------------------------------------------------------------ */

int alerts_test_channel(struct alerts *a, const char *channel, int64_t now_ms)
{
    size_t at = 0;
    while (at < a->settings.channels_count && strcmp(a->channels[at], channel) != 0)
        at++;
    if (at == a->settings.channels_count)
        return -ENOENT;
    struct alert *one = alert_new();
    char *summary = mem_printf("this is what an alert on channel %s looks like", a->channels[at]);
    one->state = ALERT_FIRING;
    one->changed_ms = one->started_ms = now_ms;
    alert_text(&one->rule, "test");
    alert_text(&one->series, "netsonde_test");
    alert_text(&one->summary, summary);
    free(summary);
    struct notice *n = notice_new();
    n->test = true;
    n->t_ms = now_ms;
    notice_add(n, one);
    limiter_passed(a->limiter, at);
    a->ops.notice(a->user, at, n);
    notice_unref(n);
    alert_unref(one);
    return 0;
}
