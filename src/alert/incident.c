/*
 * incident.c: one thing that is wrong, from the first tick that saw it until everybody was told
 * that it is over.
 *
 * An incident stays while its alert is over and something of it still waits (limiter.h), so that
 * a series that flaps keeps one place and one cooldown; each time that it fires anew the alert has
 * a new id. Then it is freed, and a series that is well costs nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/alerts_internal.h"
#include "alert/template.h"
#include "base/mem.h"

static char *key_of(const char *rule, const char *series)
{
    return mem_printf("%s\n%s", rule, series); /* no rule has a line break in its name */
}

static struct incident *incident_find(const struct alerts *a, const char *rule, const char *series)
{
    char *key = key_of(rule, series);
    struct incident *i = map_get(&a->by_key, key);
    free(key);
    return i;
}

/* An alert's text of a series is cleaned (alert_text), a series' own is not. */
struct incident *incident_orphan(const struct alerts *a, const struct watched *w)
{
    if (!a->by_key.count)
        return NULL;
    struct incident *i = incident_find(a, w->rule->rule->name, w->series->key);
    if (!i) {
        char *clean = mem_string("");
        alert_text(&clean, w->series->key);
        i = incident_find(a, w->rule->rule->name, clean);
        free(clean);
    }
    return i && !i->watched ? i : NULL;
}

struct incident *incident_new(struct alerts *a, const char *rule, const char *series, bool whole)
{
    if (a->incidents_count >= ALERTS_MAX)
        return NULL;
    struct incident *i = mem_alloc(sizeof(*i));
    i->key = key_of(rule, series);
    i->whole = whole;
    list_init(&i->dirty);
    list_append(&a->incidents, &i->node);
    a->incidents_count++;
    if (!whole) /* a metric without labels has a series of that name, too */
        map_put(&a->by_key, i->key, i);
    return i;
}

void incident_free(struct alerts *a, struct incident *i)
{
    tell_unmute(a, i);
    tell_forget(a, i);
    if (i->watched)
        i->watched->incident = NULL;
    if (i->whole && i->in)
        i->in->whole = NULL;
    if (i->now && i->in)
        i->in->active--;
    if (!i->whole)
        map_remove(&a->by_key, i->key);
    list_remove(&i->node);
    list_remove(&i->dirty);
    a->incidents_count--;
    alert_unref(i->now);
    alert_unref(i->last);
    rule_unref(i->rule);
    free(i->key);
    free(i);
}

void incident_adopt(struct alerts *a, struct incident *i, struct watch_rule *r)
{
    if (i->in == r && i->rule == r->rule)
        return;
    if (i->now && i->in)
        i->in->active--;
    if (i->now)
        r->active++;
    tell_unmute(a, i);
    rule_ref(r->rule);
    rule_unref(i->rule);
    i->rule = r->rule;
    i->in = r;
    tell_set_channels(a, i, r->channels, r->channels_count);
    i->restored = false;
    tell_mute(a, i);
    tell_dirty(a, i);
}

/* ---- what becomes of it -------------------------------------------------------------------- */

static enum alert_state firing_state(const struct incident *i)
{
    if (i->acknowledged)
        return ALERT_ACKNOWLEDGED;
    return i->silence_id ? ALERT_SILENCED : ALERT_FIRING;
}

static void set_now(struct incident *i, struct alert *next)
{
    if (i->in && next && !i->now)
        i->in->active++;
    if (i->in && !next && i->now)
        i->in->active--;
    alert_unref(i->now);
    i->now = next;
}

void incident_publish(struct alerts *a, struct incident *i, struct alert *next)
{
    a->set_stale = a->rules_stale = true;
    next->changed_ms = a->now_ms;
    if (i->machine.stage == STAGE_FIRING)
        next->state = firing_state(i);
    next->silence_id = next->state == ALERT_SILENCED ? i->silence_id : 0;
    next->inhibited_by = next->state == ALERT_RESOLVED ? 0 : i->inhibited_by;
    next->seq = 0;
    if (next->state == ALERT_PENDING) {
        set_now(i, next);
        return;
    }
    next->seq = a->settings.next_seq++;
    a->changes++;
    alert_unref(i->last);
    i->last = alert_ref(next);
    set_now(i, next->state == ALERT_RESOLVED ? NULL : alert_ref(next));
    a->ops.changed(a->user, next);
    alert_unref(next);
}

static struct alert *alert_begin(struct alerts *a, const struct incident *i)
{
    struct alert *next = alert_new();
    const char *series = strchr(i->key, '\n') + 1;
    next->id = a->settings.next_id++;
    next->pending_ms = a->now_ms;
    alert_text(&next->rule, i->rule->name);
    alert_text(&next->series, series);
    if (!i->watched)
        return next;
    const struct series *s = i->watched->series;
    next->series_id = s->id;
    if (*i->rule->per) {
        /* A share has no unit; what is divided by another thing has both. */
        const struct slots *per = &i->watched->per;
        const char *divisor = per->count ? a->watchlist.seen->slots[per->items[0]]->unit : s->unit;
        char *unit =
            strcmp(s->unit, divisor) == 0 ? mem_string("") : mem_printf("%s/%s", s->unit, divisor);
        alert_text(&next->unit, unit);
        free(unit);
    } else if (s->kind == METRIC_COUNTER) {
        char *unit = mem_printf("%s/s", s->unit);
        alert_text(&next->unit, unit);
        free(unit);
    } else {
        alert_text(&next->unit, s->unit);
    }
    return next;
}

/* The reason, the numbers and the words of this moment. */
static void alert_judged(struct alert *next, const struct incident *i, const struct judgement *j)
{
    next->reason = j->reason;
    next->severity = (enum alert_severity)MAX(j->level - 1, 0);
    if (i->machine.stage == STAGE_FIRING)
        next->severity = i->machine.severity;
    next->value = j->value;
    next->threshold = j->threshold;
    next->z = j->z;
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    template_summary(i->rule, next, j, &text);
    alert_text(&next->summary, buf_string(&text));
}

/* The words stay: what was said of it is how people know it again. */
static void alert_measured(struct alert *next, const struct judgement *j)
{
    next->value = j->value;
    next->z = j->z;
}

static void fires(struct alerts *a, struct incident *i, const struct judgement *j)
{
    struct alert *next = i->now ? alert_copy(i->now) : alert_begin(a, i);
    i->acknowledged = false;
    next->started_ms = a->now_ms;
    next->state = ALERT_FIRING;
    alert_judged(next, i, j);
    i->news++;
    tell_look(a, i);
    incident_publish(a, i, next);
    tell_mute(a, i);
}

static void moves(struct alerts *a, struct incident *i, const struct judgement *j)
{
    struct alert *next = alert_copy(i->now);
    /* Who knew of a warning does not know that it became critical. */
    if (i->machine.severity > next->severity && i->acknowledged) {
        i->acknowledged = false;
        alert_text(&next->by, "");
    }
    if (j->level ==
        LEVEL_CALM) { /* it was worse within `keep`: "0 (above 5)" would be no sentence */
        next->severity = i->machine.severity;
        alert_measured(next, j);
    } else {
        alert_judged(next, i, j);
    }
    i->news++;
    incident_publish(a, i, next);
}

/* What is said of an alert that is over is what was said of it, so that people know it again. */
static void resolves(struct alerts *a, struct incident *i, const struct judgement *j)
{
    struct alert *next = alert_copy(i->now);
    next->state = ALERT_RESOLVED;
    next->severity = i->machine.worst;
    next->resolved_ms = a->now_ms;
    if (j && j->known)
        alert_measured(next, j);
    i->acknowledged = false;
    i->news++;
    tell_unmute(a, i);
    incident_publish(a, i, next);
}

void incident_follow(struct alerts *a, struct incident *i, enum machine_change change,
                     const struct judgement *j)
{
    struct alert *next;
    switch (change) {
    case MACHINE_STAYS:
        return;
    case MACHINE_PENDS:
        next = alert_begin(a, i);
        next->state = ALERT_PENDING;
        alert_judged(next, i, j);
        incident_publish(a, i, next);
        tell_mute(a, i);
        break;
    case MACHINE_DROPS:
        a->set_stale = a->rules_stale = true;
        tell_unmute(a, i);
        set_now(i, NULL);
        break;
    case MACHINE_FIRES:
        fires(a, i, j);
        break;
    case MACHINE_MOVES:
        moves(a, i, j);
        break;
    case MACHINE_RESOLVES:
        resolves(a, i, j);
        break;
    }
    tell_dirty(a, i);
}

void incident_end(struct alerts *a, struct incident *i)
{
    bool firing = i->machine.stage == STAGE_FIRING;
    i->machine.stage = STAGE_INACTIVE;
    if (i->now)
        incident_follow(a, i, firing ? MACHINE_RESOLVES : MACHINE_DROPS, NULL);
}

/* ---- an earlier run ------------------------------------------------------------------------ */

void incident_restore(struct alerts *a, struct alert *one)
{
    bool whole = one->series_id == 0;
    if (!alert_is_active(one) || one->state == ALERT_PENDING ||
        (!whole && incident_find(a, one->rule, one->series)))
        return;
    struct incident *i = incident_new(a, one->rule, one->series, whole);
    if (!i) {
        a->refused++;
        return;
    }
    i->restored = true;
    i->acknowledged = one->state == ALERT_ACKNOWLEDGED;
    i->silence_id = one->silence_id;
    i->inhibited_by = one->inhibited_by;
    i->orphan_ns = a->mono_ns;
    machine_restore(&i->machine, one->severity, a->mono_ns);
    i->now = alert_ref(one);
    i->last = alert_ref(one);
    a->unlinked = a->set_stale = true;
    if (one->id >= a->settings.next_id)
        a->settings.next_id = one->id + 1;
    if (one->seq >= a->settings.next_seq)
        a->settings.next_seq = one->seq + 1;
}
