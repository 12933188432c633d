/*
 * alerting.c: see alerting.h. The machines are pure; whatever they say goes on from here, within
 * the tick: to the stream first, because somebody may be waiting, then to the log and the courier.
 * The disk has a queue of its own.
 *
 * What people see of the state is put on the board by the machines; the hub is told when the set on
 * it is another one than before. The counts of channels change with every notice, so they are put
 * there at most once a tick.
 */
#include "daemon/alerting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/channel.h"
#include "alert/courier.h"
#include "alert/told.h"
#include "api/command.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timing.h"
#include "daemon/alerting_numbers.h"
#include "daemon/config.h"
#include "daemon/core.h"
#include "daemon/recorder.h"
#include "daemon/seasons.h"
#include "daemon/server.h"
#include "daemon/stored_rules.h"

struct alerting {
    struct sink sink;
    struct alerts *alerts;
    struct board *board;
    struct channel_spec *const *channels;
    size_t channels_count;
    struct courier *courier; /* NULL: none */
    struct core *core;
    struct hub *hub;
    struct recorder *recorder;
    struct timing *stage;
    struct alert_set *told; /* the state that the hub has; NULL: none yet */
    bool channels_changed;
    bool *by_default; /* in alerting.channels */
    uint32_t *unsaid; /* held back, and in a notice of which nothing was meant for the channel */
    struct channel_status *own; /* what is known here of channels that the courier does not carry */
    struct alerting_numbers *numbers;
    struct seasons *seasons; /* NULL: not attached yet */
    const char *data_dir;
};

/* ---- who is told ------------------------------------------------------------------------- */

static enum log_level level_of(const struct alert *a)
{
    if (a->state == ALERT_RESOLVED)
        return LOG_LEVEL_INFO;
    return a->severity == ALERT_CRITICAL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
}

static void alerting_log(const struct notice *n, const char *why)
{
    for (size_t i = 0; i < n->count; i++) {
        const struct alert *a = n->alerts[i];
        log_write(level_of(a), "alert", "%s%s %s (%s): %s [%s]%s%s", n->test ? "test: " : "",
                  a->rule, alert_state_name(a->state), alert_severity_name(a->severity), a->summary,
                  a->series, *why ? "; " : "", why);
    }
    if (n->more || n->held_back)
        log_write(LOG_LEVEL_WARNING, "alert", "%u further alerts, %u more held back", n->more,
                  n->held_back);
}

/* What of the notice is meant for this channel; NULL: nothing, and what was held back is told with
 * the next one. A notice is the machines' until it is handed on, so it can still be told more. */
static struct notice *alerting_meant(struct alerting *a, size_t channel, struct notice *n)
{
    uint32_t *unsaid = &a->unsaid[channel];
    n->held_back += MIN(*unsaid, UINT32_MAX - n->held_back);
    struct notice *meant = told_select(a->channels[channel], n);
    *unsaid = meant ? 0 : n->held_back;
    return meant;
}

static void alerting_notice(void *user, size_t channel, struct notice *n)
{
    struct alerting *a = user;
    const struct channel_spec *spec = a->channels[channel];
    a->channels_changed = true;
    CLEANUP(told_release) struct notice *meant = alerting_meant(a, channel, n);
    if (!meant)
        return;
    if (channel_is_courier(spec)) {
        courier_send(a->courier, channel, meant);
        return;
    }
    if (spec->type == CHANNEL_TYPE_WEBSOCKET)
        hub_publish_notice(a->hub, meant);
    else
        alerting_log(meant, "");
    a->own[channel].sent++;
    a->own[channel].last_ms = meant->t_ms;
}

/* No attempt and no fallback delivered it. */
static void alerting_lost(void *user, size_t channel, struct notice *n, const char *why)
{
    struct alerting *a = user;
    char text[256];
    snprintf(text, sizeof(text), "channel %s: %s", a->channels[channel]->name, why);
    alerting_log(n, text);
}

static void alerting_courier_changed(void *user)
{
    struct alerting *a = user;
    a->channels_changed = true;
}

/* ---- what is kept ------------------------------------------------------------------------ */

static void alerting_changed(void *user, struct alert *alert)
{
    struct alerting *a = user;
    recorder_alert(a->recorder, alert);
}

static void alerting_keep_rule(void *user, const char *name, const struct rule *r)
{
    struct alerting *a = user;
    recorder_rule(a->recorder, name, r);
}

static void alerting_keep_silence(void *user, const struct silence *s)
{
    struct alerting *a = user;
    recorder_silence(a->recorder, s);
}

static const struct alerts_ops alerts_ops = {
    .changed = alerting_changed,
    .notice = alerting_notice,
    .keep_rule = alerting_keep_rule,
    .keep_silence = alerting_keep_silence,
};

/* ---- a tick ------------------------------------------------------------------------------ */

static void alerting_show_channels(struct alerting *a)
{
    size_t count = a->channels_count;
    struct channel_set *set = channel_set_new(count);
    a->channels_changed = false;
    for (size_t i = 0; i < count; i++) {
        const struct channel_spec *spec = a->channels[i];
        struct channel_status *status = &set->channels[i];
        *status = a->own[i];
        if (channel_is_courier(spec) && a->courier)
            courier_status(a->courier, i, status);
        status->held_back = alerts_held_back(a->alerts, i);
        snprintf(status->name, sizeof(status->name), "%s", spec->name);
        snprintf(status->type, sizeof(status->type), "%s", channel_type_name(spec->type));
        snprintf(status->fallback, sizeof(status->fallback), "%s", spec->fallback);
        channel_target(spec, status->target, sizeof(status->target));
        status->by_default = a->by_default[i];
    }
    board_put_channels(a->board, set);
}

static void alerting_show_state(struct alerting *a)
{
    struct alert_set *set = board_alerts(a->board);
    if (set == a->told) {
        alert_set_unref(set);
        return;
    }
    hub_publish_alert_state(a->hub, set);
    alert_set_unref(a->told);
    a->told = set;
}

static void alerting_show(struct alerting *a)
{
    alerting_show_state(a);
    if (a->channels_changed)
        alerting_show_channels(a);
}

static void alerting_push(struct sink *sink, struct tick *t)
{
    struct alerting *a = CONTAINER_OF(sink, struct alerting, sink);
    int64_t began_ns = clock_mono_ns();
    alerts_step(a->alerts, t);
    seasons_tick(a->seasons, t->t_ms, t->interval_ms, t->sealed_mono_ns);
    alerting_show(a);
    timing_record(a->stage, clock_mono_ns() - began_ns);
}

static bool alerting_verdict(void *user, uint32_t slot, double ret[3])
{
    const struct alerting *a = user;
    struct verdict v = bank_verdict(alerts_bank(a->alerts), slot);
    ret[0] = v.score;
    ret[1] = v.mean;
    ret[2] = v.sigma;
    return v.score == v.score;
}

struct verdicts alerting_verdicts(struct alerting *a)
{
    return (struct verdicts){.get = alerting_verdict, .user = a};
}

/* ---- what people change ------------------------------------------------------------------ */

struct rule_list {
    size_t count;
    struct rule **rules;
};

static struct rule_list *rule_list_new(const struct config *config)
{
    struct rule_list *list = mem_alloc(sizeof(*list));
    list->rules = config_rules(config, &list->count);
    return list;
}

static void rule_list_free(void *item)
{
    struct rule_list *list = item;
    for (size_t i = 0; i < list->count; i++)
        rule_unref(list->rules[i]);
    free(list->rules);
    free(list);
}

static void alerting_take_rules(void *user, void *item)
{
    struct alerting *a = user;
    struct rule_list *list = item;
    alerts_set_rules(a->alerts, list->rules, list->count);
    alerting_show(a);
    rule_list_free(list);
}

int alerting_post_rules(struct alerting *a, const struct config *config)
{
    struct rule_list *list = rule_list_new(config);
    int err = core_post_call(a->core, alerting_take_rules, a, rule_list_free, list);
    if (err)
        rule_list_free(list);
    return err;
}

static void command_reply(void *item)
{
    server_post_reply(item);
}

static void alerting_command(void *user, void *item)
{
    struct alerting *a = user;
    api_command_run(item, a->alerts, clock_wall_ms());
    alerting_show(a);
    command_reply(item);
}

int alerting_post_command(void *alerting, struct api_command *cmd)
{
    struct alerting *a = alerting;
    return core_post_call(a->core, alerting_command, a, command_reply, cmd);
}

/* ---- life -------------------------------------------------------------------------------- */

static size_t channel_index(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->channels_count; i++) {
        if (strcmp(config->channels[i]->name, name) == 0)
            return i;
    }
    CHECK(false); /* the configuration was checked */
    return 0;
}

static void alerting_restore(struct alerting *a, const struct alerting_sources *sources)
{
    const struct stored_alerts *past = sources->past;
    struct rule_list *list = rule_list_new(sources->config);
    list->rules = mem_resize(list->rules, list->count + past->rules_count, sizeof(list->rules[0]));
    for (size_t i = 0; i < past->rules_count; i++) {
        char why[320];
        if (stored_rule_read(&past->rules[i], &list->rules[list->count], why, sizeof(why)) == 0)
            list->count++;
        else /* it stays on the disk */
            log_warning("alert", "the stored rule %s is left out: %s", past->rules[i].name, why);
    }
    alerts_set_rules(a->alerts, list->rules, list->count);
    rule_list_free(list);
    alerts_restore(a->alerts, past->alerts, past->alerts_count);
    for (size_t i = 0; i < past->silences_count; i++)
        alerts_restore_silence(a->alerts, &past->silences[i]);
}

struct bank_settings alerting_detection(const struct config *config)
{
    return (struct bank_settings){
        .sigma = config->detect.sigma,
        .window_ms = config->detect.window_ms,
        .min_samples = (uint32_t)config->detect.min_samples,
        .confirm = config->detect.confirm.part,
        .out_of = config->detect.confirm.whole,
        .learning_ms = config->detect.learning_ms,
        .false_alarms_per_s = (double)config->detect.false_alarms.count * MS_PER_S /
                              (double)config->detect.false_alarms.ms,
    };
}

struct alerting *alerting_new(const struct alerting_sources *sources)
{
    const struct config *c = sources->config;
    struct alerting *a = mem_alloc(sizeof(*a));
    a->sink = (struct sink){.name = "alerting", .push = alerting_push};
    a->board = sources->board;
    a->channels = c->channels;
    a->channels_count = c->channels_count;
    a->courier = sources->courier;
    a->data_dir = c->data_dir;
    a->own = mem_array(c->channels_count, sizeof(a->own[0]));
    a->by_default = mem_array(c->channels_count, sizeof(a->by_default[0]));
    a->unsaid = mem_array(c->channels_count, sizeof(a->unsaid[0]));
    a->channels_changed = true;
    a->numbers = alerting_numbers_new(c->channels_count);

    const char **names = mem_array(c->channels_count, sizeof(names[0]));
    size_t *defaults = mem_array(c->alerting.channels.count, sizeof(defaults[0]));
    for (size_t i = 0; i < c->channels_count; i++)
        names[i] = c->channels[i]->name;
    for (size_t i = 0; i < c->alerting.channels.count; i++) {
        defaults[i] = channel_index(c, c->alerting.channels.items[i]);
        a->by_default[defaults[i]] = true;
    }
    struct alerts_settings settings = {
        .detect = alerting_detection(c),
        .rate_count = (uint32_t)c->alerting.rate.count,
        .rate_ms = c->alerting.rate.ms,
        .cooldown_ms = c->alerting.cooldown_ms,
        .channels = names,
        .channels_count = c->channels_count,
        .default_channels = defaults,
        .default_channels_count = c->alerting.channels.count,
        .next_seq = sources->next.seq,
        .next_id = sources->next.id,
        .next_silence_id = sources->next.silence_id,
        .board = a->board,
    };
    a->alerts = alerts_new(&settings, &alerts_ops, a);
    free(names);
    free(defaults);
    alerting_restore(a, sources);
    return a;
}

void alerting_connect(struct alerting *a, struct core *core, struct hub *hub,
                      struct recorder *recorder, struct timing *stage)
{
    a->core = core;
    a->hub = hub;
    a->recorder = recorder;
    a->stage = stage;
}

struct sink *alerting_sink(struct alerting *a)
{
    return &a->sink;
}

static bool alerting_is_active(void *user, uint64_t alert)
{
    struct alerting *a = user;
    struct alert_set *set = board_alerts(a->board);
    bool found = false;
    for (size_t i = 0; i < set->count && !found; i++)
        found = set->alerts[i]->id == alert;
    alert_set_unref(set);
    return found;
}

static const struct courier_ops courier_ops = {
    .lost = alerting_lost, .changed = alerting_courier_changed, .is_active = alerting_is_active};

/* NULL: by default. */
static bool rule_tells(const struct alerting *a, const struct rule *r, size_t channel)
{
    if (!r || !r->channels_count)
        return a->by_default[channel];
    for (size_t i = 0; i < r->channels_count; i++) {
        if (strcmp(r->channels[i], a->channels[channel]->name) == 0)
            return true;
    }
    return false;
}

/* What an earlier run told is to be told again where it would be forgotten. */
static void alerting_recall(struct alerting *a)
{
    struct alert_set *active = board_alerts(a->board);
    struct rule_set *rules = board_rules(a->board);
    for (size_t i = 0; i < active->count; i++) {
        const struct rule *rule = NULL;
        for (size_t k = 0; k < rules->count && !rule; k++) {
            if (strcmp(rules->rules[k].rule->name, active->alerts[i]->rule) == 0)
                rule = rules->rules[k].rule;
        }
        for (size_t c = 0; c < a->channels_count; c++) {
            if (a->channels[c]->type == CHANNEL_TYPE_ALERTMANAGER && rule_tells(a, rule, c))
                courier_recall(a->courier, c, active->alerts[i]);
        }
    }
    alert_set_unref(active);
    message_unref(&rules->msg);
}

int alerting_attach(struct alerting *a, uv_loop_t *uv)
{
    a->seasons = seasons_new(uv, a->data_dir, a->alerts);
    if (!a->courier)
        return 0;
    int err = courier_attach(a->courier, uv, &courier_ops, a);
    if (!err)
        alerting_recall(a);
    return err;
}

void alerting_detach(struct alerting *a)
{
    if (a->courier)
        courier_detach(a->courier);
    seasons_close(a->seasons);
}

void alerting_sample(struct alerting *a, struct registry *registry, struct draft *draft)
{
    struct courier_state courier;
    courier_state(a->courier, &courier);
    struct alerting_counts counts = {.not_kept = recorder_changes_dropped(a->recorder),
                                     .courier_restarts = courier.restarts};
    alerts_stats(a->alerts, &counts.alerts);
    struct channel_set *channels = board_channels(a->board);
    alerting_numbers_sample(a->numbers, &counts, channels, registry, draft);
    message_unref(&channels->msg);
}

struct store_alert_numbers alerting_end(const struct alerting *a)
{
    struct store_alert_numbers next;
    struct alerts_stats stats;
    alerts_stats(a->alerts, &stats);
    if (stats.waiting)
        log_warning("alert",
                    "%llu alerts have changed and were not told any more, because of "
                    "alerting.rate and alerting.cooldown; the list and the history have them",
                    (unsigned long long)stats.waiting);
    alerts_next(a->alerts, &next.seq, &next.id, &next.silence_id);
    return next;
}

void alerting_free(struct alerting *a)
{
    if (!a)
        return;
    seasons_free(a->seasons);
    alerts_free(a->alerts);
    alert_set_unref(a->told);
    free(a->own);
    free(a->by_default);
    free(a->unsaid);
    alerting_numbers_free(a->numbers);
    free(a);
}
