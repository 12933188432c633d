/*
 * tell.c: who is to be told what.
 *
 * For each channel of an incident there is what it was told last and what is true now. As long as
 * the two differ and nothing mutes it, there is something to tell, and the limiter says when; when
 * they do not differ any more, what waited is dropped and counted. So whatever is limited, silenced
 * or muted, what was told last becomes what is true once things are quiet.
 *
 *   muted      a silence names it, or a link that is down has the same device: not told, and when
 *              that ends it is told if it differs
 *   known      somebody acknowledged it: firing is not told, that it is over is
 *   left       its rule names other channels now: likewise
 */
#include <stdlib.h>
#include <string.h>

#include "alert/alerts_internal.h"
#include "alert/series_text.h"
#include "base/check.h"
#include "base/mem.h"

/* ---- channels ------------------------------------------------------------------------------ */

static struct tell *tell_of(const struct incident *i, size_t channel)
{
    for (size_t k = 0; k < i->tells_count; k++) {
        if (i->tells[k]->channel == channel)
            return i->tells[k];
    }
    return NULL;
}

static void tell_free(struct alerts *a, struct tell *t)
{
    a->dropped += t->telling.news;
    limiter_forget(a->limiter, t->channel, &t->telling);
    free(t);
}

/* When what mutes an alert of an earlier run began; INT64_MIN: nobody knows. */
static int64_t muted_since_ms(const struct alerts *a, const struct alert *one)
{
    int64_t since_ms = INT64_MAX;
    if (one->silence_id) {
        const struct silence *s = silences_find(a->silences, one->silence_id);
        since_ms = s ? s->from_ms : INT64_MIN;
    }
    if (!one->inhibited_by)
        return since_ms;
    LIST_EACH(node, &a->incidents)
    {
        const struct incident *i = LIST_ENTRY(node, struct incident, node);
        if (i->now && i->now->id == one->inhibited_by)
            return MIN(since_ms, i->now->pending_ms);
    }
    return INT64_MIN;
}

/* The channels of an alert of an earlier run were told of it then, unless it was muted from the
 * start. How severe it was before it was muted nobody knows: rather once too often. */
static struct tell *tell_new(const struct alerts *a, struct incident *i, size_t channel)
{
    struct tell *t = mem_alloc(sizeof(*t));
    telling_init(&t->telling, i);
    t->channel = channel;
    t->telling.told_ns = a->mono_ns;
    if (i->restored && i->now->started_ms < muted_since_ms(a, i->now)) {
        bool muted = i->now->silence_id || i->now->inhibited_by;
        t->id = i->now->id;
        t->severity = muted ? ALERT_WARNING : i->now->severity;
    }
    return t;
}

void tell_set_channels(struct alerts *a, struct incident *i, const size_t *channels, size_t count)
{
    struct tell **tells = mem_array(MAX(count + i->tells_count, (size_t)1), sizeof(struct tell *));
    size_t named = count;
    for (size_t k = 0; k < named; k++) {
        tells[k] = tell_of(i, channels[k]);
        if (!tells[k])
            tells[k] = tell_new(a, i, channels[k]);
        tells[k]->left = false;
    }
    for (size_t k = 0; k < i->tells_count; k++) {
        struct tell *t = i->tells[k];
        bool kept = false;
        for (size_t n = 0; n < named; n++)
            kept |= tells[n] == t;
        if (kept)
            continue;
        t->left = true;
        t->again = false;
        if (t->id)
            tells[count++] = t;
        else
            tell_free(a, t);
    }
    free(i->tells);
    i->tells = tells;
    i->tells_count = count;
}

void tell_forget(struct alerts *a, struct incident *i)
{
    for (size_t k = 0; k < i->tells_count; k++)
        tell_free(a, i->tells[k]);
    free(i->tells);
    i->tells = NULL;
    i->tells_count = 0;
}

/* ---- muting -------------------------------------------------------------------------------- */

void tell_mute(struct alerts *a, struct incident *i)
{
    if (i->mute_key || !i->rule || !*i->rule->mutes || !i->now)
        return;
    struct series_text series;
    series_text_init(&series, i->now->series);
    const char *value = series_text_label(&series, i->rule->mutes);
    if (value) {
        i->mute_key = mem_printf("%s=%s", i->rule->mutes, value);
        i->mute_next = map_get(&a->mutes, i->mute_key);
        map_put(&a->mutes, i->mute_key, i);
        a->mutes_changed = true;
    }
    series_text_fini(&series);
}

void tell_unmute(struct alerts *a, struct incident *i)
{
    if (!i->mute_key)
        return;
    struct incident *first = map_get(&a->mutes, i->mute_key);
    if (first == i && !i->mute_next) {
        map_remove(&a->mutes, i->mute_key);
    } else if (first == i) {
        map_put(&a->mutes, i->mute_key, i->mute_next);
    } else {
        while (first->mute_next != i)
            first = first->mute_next;
        first->mute_next = i->mute_next;
    }
    i->mute_next = NULL;
    free(i->mute_key);
    i->mute_key = NULL;
    a->mutes_changed = true;
}

/* The id of the alert that mutes this one; one that mutes is never muted itself. */
static uint64_t find_muter(const struct alerts *a, const struct incident *i)
{
    if (!a->mutes.count || !i->rule || *i->rule->mutes)
        return 0;
    struct series_text series;
    uint64_t id = 0;
    series_text_init(&series, strchr(i->key, '\n') + 1);
    for (size_t k = 0; k < series.labels_count && !id; k++) {
        char *key = mem_printf("%s=%s", series.labels[k].name, series.labels[k].value);
        const struct incident *muter = map_get(&a->mutes, key);
        if (muter)
            id = muter->now->id;
        free(key);
    }
    series_text_fini(&series);
    return id;
}

void tell_look(struct alerts *a, struct incident *i)
{
    char *name = mem_string_n(i->key, strcspn(i->key, "\n"));
    uint64_t silence = silences_match(a->silences, name, strchr(i->key, '\n') + 1);
    uint64_t muter = find_muter(a, i);
    free(name);
    if (silence == i->silence_id && muter == i->inhibited_by)
        return;
    i->silence_id = silence;
    i->inhibited_by = muter;
    /* What fires shows it, pending ones show it when they fire. */
    bool shown =
        i->now && i->now->state != ALERT_PENDING &&
        (i->now->inhibited_by != muter || (!i->acknowledged && i->now->silence_id != silence));
    if (shown)
        incident_publish(a, i, alert_copy(i->now));
    tell_dirty(a, i);
}

/* ---- what there is to tell ----------------------------------------------------------------- */

void tell_dirty(struct alerts *a, struct incident *i)
{
    if (list_empty(&i->dirty))
        list_append(&a->dirty, &i->dirty);
}

static bool is_firing(const struct incident *i)
{
    return i->machine.stage == STAGE_FIRING;
}

static bool is_muted(const struct incident *i)
{
    return i->silence_id || i->inhibited_by;
}

static bool differs(const struct incident *i, const struct tell *t)
{
    if (!is_firing(i))
        return t->id != 0;
    return t->id != i->now->id || t->severity != i->now->severity;
}

/* Whether nothing of it is told on this channel as things are. */
static bool is_kept_from(const struct incident *i, const struct tell *t)
{
    return is_muted(i) || (is_firing(i) && (i->acknowledged || t->left));
}

static bool needs(const struct incident *i, const struct tell *t)
{
    return !is_kept_from(i, t) && (differs(i, t) || t->again);
}

/* Nothing is wrong, nothing waits, everybody knows. */
static bool is_done(const struct incident *i)
{
    if (i->machine.stage != STAGE_INACTIVE)
        return false;
    for (size_t k = 0; k < i->tells_count; k++) {
        const struct tell *t = i->tells[k];
        if (t->telling.place != TELLING_RESTING || differs(i, t))
            return false;
    }
    return true;
}

static void look_at_tell(struct alerts *a, struct incident *i, struct tell *t)
{
    bool muted = is_kept_from(i, t);
    if (muted)
        t->again = false;
    for (uint32_t k = 0; k < i->news && !muted; k++)
        limiter_changed(a->limiter, t->channel, &t->telling);
    if (!needs(i, t))
        limiter_withdraw(a->limiter, t->channel, &t->telling);
    else if (!t->telling.news)
        limiter_changed(a->limiter, t->channel, &t->telling);
}

static void look_at_dirty(struct alerts *a)
{
    LIST_EACH(node, &a->dirty)
    {
        struct incident *i = LIST_ENTRY(node, struct incident, dirty);
        list_remove(&i->dirty);
        for (size_t k = 0; k < i->tells_count; k++)
            look_at_tell(a, i, i->tells[k]);
        i->news = 0;
        if (is_done(i))
            incident_free(a, i);
    }
}

static void repeat(struct alerts *a)
{
    LIST_EACH(node, &a->incidents)
    {
        struct incident *i = LIST_ENTRY(node, struct incident, node);
        int64_t every_ns = i->rule ? i->rule->repeat_ms * NS_PER_MS : 0;
        if (!every_ns || !is_firing(i))
            continue;
        for (size_t k = 0; k < i->tells_count; k++) {
            struct tell *t = i->tells[k];
            if (!t->again && !t->left && t->id == i->now->id &&
                a->mono_ns - t->telling.told_ns >= every_ns) {
                t->again = true;
                tell_dirty(a, i);
            }
        }
    }
}

/* ---- telling ------------------------------------------------------------------------------- */

static void rested(void *user, struct telling *t)
{
    tell_dirty(user, t->owner); /* perhaps that was the last that held it */
}

static void tell_channel(struct alerts *a, size_t channel)
{
    struct notice *n = notice_new();
    struct telling *telling;
    while ((telling = limiter_take(a->limiter, channel, a->mono_ns))) {
        struct incident *i = telling->owner;
        struct tell *t = CONTAINER_OF(telling, struct tell, telling);
        struct alert *one = is_firing(i) ? i->now : i->last;
        CHECK(one);
        notice_add(n, one);
        t->again = false;
        t->id = is_firing(i) ? one->id : 0;
        t->severity = one->severity;
    }
    uint64_t held = limiter_told(a->limiter, channel, a->mono_ns);
    n->held_back = (uint32_t)MIN(held, (uint64_t)UINT32_MAX);
    n->t_ms = a->now_ms;
    a->ops.notice(a->user, channel, n);
    notice_unref(n);
}

void tell_step(struct alerts *a)
{
    bool silenced = silences_step(a->silences, a->now_ms);
    a->silences_stale |= silenced;
    if (silenced || a->mutes_changed) {
        a->mutes_changed = false;
        LIST_EACH(node, &a->incidents)
        {
            tell_look(a, LIST_ENTRY(node, struct incident, node));
        }
    }
    repeat(a);
    look_at_dirty(a);
    limiter_step(a->limiter, a->mono_ns, rested, a);
    look_at_dirty(a);
    for (size_t c = 0; c < a->settings.channels_count; c++) {
        if (limiter_ready(a->limiter, c, a->mono_ns))
            tell_channel(a, c);
    }
}
