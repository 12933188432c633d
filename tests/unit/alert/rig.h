/*
 * rig.h: alerts with a registry, ticks and a clock that only moves when told to; what it says is
 * written down. The gauge test_level{device} is what rules of tests mostly look at.
 *
 *   rig_start(&rig, "cooldown..."); rig_rules(&rig, RULE, ...); rig_tick(&rig, "a=5 b=7"); …
 */
#pragma once

#include "../model/stand.h"

#include "alert/alerts_internal.h"
#include "rules.h"

#define RIG_LOG 4096

struct rig_notice {
    size_t channel;
    int64_t at_ms; /* monotonic */
    uint32_t more, held_back;
    size_t count;
    bool test;
    struct alert *first;
    char title[256];
};

struct rig {
    struct stand stand;
    struct alerts_settings settings;
    struct board *board;
    struct alerts *alerts;
    int64_t mono_ms, wall_shift_ms;
    size_t changes_count;
    struct alert *changes[RIG_LOG]; /* the newest of them */
    size_t notices_count;
    struct rig_notice notices[RIG_LOG];
    size_t kept_rules, kept_silences;
    void (*on_notice)(struct rig *rig, size_t channel, struct notice *n);
    void *user;
};

static inline void rig_changed(void *user, struct alert *a)
{
    struct rig *rig = user;
    struct alert **place = &rig->changes[rig->changes_count++ % RIG_LOG];
    alert_unref(*place);
    *place = alert_ref(a);
}

static inline void rig_notice(void *user, size_t channel, struct notice *n)
{
    struct rig *rig = user;
    struct rig_notice *note = &rig->notices[rig->notices_count++ % RIG_LOG];
    struct buf title = BUF_INIT;
    alert_unref(note->first);
    *note = (struct rig_notice){.channel = channel,
                                .at_ms = rig->mono_ms,
                                .more = n->more,
                                .held_back = n->held_back,
                                .count = n->count,
                                .test = n->test,
                                .first = alert_ref(n->alerts[0])};
    notice_title(n, &title);
    snprintf(note->title, sizeof(note->title), "%s", buf_string(&title));
    buf_fini(&title);
    if (rig->on_notice)
        rig->on_notice(rig, channel, n);
}

static inline void rig_keep_rule(void *user, const char *name, const struct rule *r)
{
    (void)name;
    (void)r;
    ((struct rig *)user)->kept_rules++;
}

static inline void rig_keep_silence(void *user, const struct silence *s)
{
    (void)s;
    ((struct rig *)user)->kept_silences++;
}

static inline void rig_open(struct rig *rig)
{
    static const struct alerts_ops ops = {rig_changed, rig_notice, rig_keep_rule, rig_keep_silence};
    rig->alerts = alerts_new(&rig->settings, &ops, rig);
}

static const char *const rig_channels[] = {"websocket", "log", "ops"};
static const size_t rig_default_channels[] = {0, 1};

static inline void rig_start(struct rig *rig)
{
    *rig = (struct rig){.stand = stand_new(200000)};
    rig->board = board_new();
    rig->settings = (struct alerts_settings){
        .detect = {.sigma = 2.5,
                   .window_ms = 300000,
                   .min_samples = 60,
                   .confirm = 3,
                   .out_of = 5,
                   .learning_ms = 600000,
                   .false_alarms_per_s = 1.0 / 86400},
        .rate_count = 5,
        .rate_ms = 60000,
        .cooldown_ms = 60000,
        .channels = rig_channels,
        .channels_count = 3,
        .default_channels = rig_default_channels,
        .default_channels_count = 1,
        .next_seq = 1,
        .next_id = 1,
        .next_silence_id = 1,
        .board = rig->board,
    };
    rig_open(rig);
}

static inline void rig_end(struct rig *rig)
{
    alerts_free(rig->alerts);
    board_free(rig->board);
    for (size_t i = 0; i < RIG_LOG; i++) {
        alert_unref(rig->changes[i]);
        alert_unref(rig->notices[i].first);
    }
    stand_free(&rig->stand);
}

/* Rules of the file, as texts; ends with NULL. */
static inline void rig_rules(struct rig *rig, const char *text, ...)
{
    struct rule *rules[64];
    size_t count = 0;
    va_list args;
    va_start(args, text);
    for (; text; text = va_arg(args, const char *))
        rules[count++] = rule_of(RULE_FROM_FILE, text);
    va_end(args);
    alerts_set_rules(rig->alerts, rules, count);
    for (size_t i = 0; i < count; i++)
        rule_unref(rules[i]);
}

static inline int64_t rig_now(const struct rig *rig)
{
    return STAND_T0_MS + rig->mono_ms + rig->wall_shift_ms;
}

static inline void rig_begin(struct rig *rig, int64_t elapsed_ms)
{
    struct stand *s = &rig->stand;
    rig->mono_ms += elapsed_ms;
    s->seq++;
    s->t_ms = rig_now(rig);
    draft_begin(s->draft, s->seq, s->t_ms, s->seq == 1 ? 0 : elapsed_ms * NS_PER_MS,
                rig->mono_ms * NS_PER_MS, 1000);
}

static inline void rig_seal(struct rig *rig)
{
    stand_seal(&rig->stand);
    alerts_step(rig->alerts, rig->stand.tick);
}

static inline void rig_gauge(struct rig *rig, const char *metric, const char *device, double value)
{
    struct metric m = {metric, "", "Is what a test says.", METRIC_GAUGE, 1};
    const struct label label = {"device", device};
    draft_gauge(rig->stand.draft, registry_get(rig->stand.registry, &m, &label, 1, "test"), value);
}

/* A second later: "a=5 b=7 other_metric/a=1"; devices that are not named are not sampled. */
static inline void rig_tick(struct rig *rig, const char *samples)
{
    char *copy = mem_string(samples), *rest = NULL;
    rig_begin(rig, 1000);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '='), *device = strchr(word, '/');
        *value++ = '\0';
        if (device)
            *device++ = '\0';
        rig_gauge(rig, device ? word : "test_level", device ? device : word, strtod(value, NULL));
    }
    free(copy);
    rig_seal(rig);
}

static inline void rig_ticks(struct rig *rig, int count, const char *samples)
{
    for (int i = 0; i < count; i++)
        rig_tick(rig, samples);
}

/* The newest change; NULL when there was none. */
static inline const struct alert *rig_last(const struct rig *rig)
{
    return rig->changes_count ? rig->changes[(rig->changes_count - 1) % RIG_LOG] : NULL;
}

static inline const struct rig_notice *rig_told(const struct rig *rig)
{
    return rig->notices_count ? &rig->notices[(rig->notices_count - 1) % RIG_LOG] : NULL;
}

static inline size_t rig_active(const struct rig *rig)
{
    struct alert_set *set = board_alerts(rig->board);
    size_t count = set->count;
    alert_set_unref(set);
    return count;
}
