/* alerting_numbers.c: see alerting_numbers.h. One table, in which a metric's series are counted by
 * the values of its label. */
#include "daemon/alerting_numbers.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/mem.h"

enum number {
    NUMBER_PENDING,
    NUMBER_FIRING,
    NUMBER_ACKNOWLEDGED,
    NUMBER_SILENCED,
    NUMBER_INHIBITED,
    NUMBER_CHANGES,
    NUMBER_REFUSED,
    NUMBER_NOT_KEPT,
    NUMBER_RULES,
    NUMBER_WATCHED,
    NUMBER_ANOMALOUS,
    NUMBER_COURIER_RESTARTS,
    NUMBERS
};

static const struct metric alerts_metric = {
    "netsonde_alerts", "alerts", "Alerts that are active now, by their state.", METRIC_GAUGE, 1};
static const struct metric inhibited_metric = {
    "netsonde_alerts_inhibited", "alerts",
    "Alerts that are active and muted by another one, a link that is down.", METRIC_GAUGE, 1};
static const struct metric changes_metric = {"netsonde_alert_changes_total", "changes",
                                             "Changes of alerts, told or not.", METRIC_COUNTER, 1};
static const struct metric refused_metric = {
    "netsonde_alerts_refused_total", "alerts",
    "Alerts that could not begin because as many as there may be were active.", METRIC_COUNTER, 1};
static const struct metric not_kept_metric = {
    "netsonde_alert_changes_dropped_total", "changes",
    "Changes of alerts, rules and silences that found the queue to the disk full.", METRIC_COUNTER,
    1};
static const struct metric rules_metric = {"netsonde_alert_rules", "rules",
                                           "Rules that are in force.", METRIC_GAUGE, 1};
static const struct metric watched_metric = {"netsonde_watched_series", "series",
                                             "Pairs of a rule and a series that it watches.",
                                             METRIC_GAUGE, 1};
static const struct metric anomalous_metric = {
    "netsonde_anomalous_series", "series",
    "Series whose newest sample has an anomaly score above 0.99.", METRIC_GAUGE, 1};
static const struct metric restarts_metric = {
    "netsonde_courier_restarts_total", "starts",
    "Times that the process which carries notices was started again because it was killed.",
    METRIC_COUNTER, 1};
static const struct metric notices_metric = {
    "netsonde_alert_notices_total", "notices",
    "Messages about alerts by channel: sent, failed after all attempts, merged with another one, "
    "or "
    "dropped; held_back counts changes that were overtaken by newer ones before they were told.",
    METRIC_COUNTER, 1};

static const struct {
    const struct metric *metric;
    const char *state; /* NULL: no label */
} numbers[NUMBERS] = {
    [NUMBER_PENDING] = {&alerts_metric, "pending"},
    [NUMBER_FIRING] = {&alerts_metric, "firing"},
    [NUMBER_ACKNOWLEDGED] = {&alerts_metric, "acknowledged"},
    [NUMBER_SILENCED] = {&alerts_metric, "silenced"},
    [NUMBER_INHIBITED] = {&inhibited_metric, NULL},
    [NUMBER_CHANGES] = {&changes_metric, NULL},
    [NUMBER_REFUSED] = {&refused_metric, NULL},
    [NUMBER_NOT_KEPT] = {&not_kept_metric, NULL},
    [NUMBER_RULES] = {&rules_metric, NULL},
    [NUMBER_WATCHED] = {&watched_metric, NULL},
    [NUMBER_ANOMALOUS] = {&anomalous_metric, NULL},
    [NUMBER_COURIER_RESTARTS] = {&restarts_metric, NULL},
};

enum result {
    RESULT_SENT,
    RESULT_FAILED,
    RESULT_MERGED,
    RESULT_DROPPED,
    RESULT_HELD_BACK,
    RESULTS
};

static const char *const result_names[RESULTS] = {"sent", "failed", "merged", "dropped",
                                                  "held_back"};

struct alerting_numbers {
    size_t channels;
    struct series *series[NUMBERS];
    struct series **results; /* by channel and result */
};

const struct metric *alerting_metric_at(size_t index, const char **ret_labels)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        if (i > 0 && numbers[i].metric == numbers[i - 1].metric)
            continue;
        *ret_labels = numbers[i].state ? "state" : "";
        if (index-- == 0)
            return numbers[i].metric;
    }
    *ret_labels = "channel,result";
    return index == 0 ? &notices_metric : NULL;
}

struct alerting_numbers *alerting_numbers_new(size_t channels)
{
    struct alerting_numbers *n = mem_alloc(sizeof(*n));
    n->channels = channels;
    n->results = mem_array(channels * RESULTS, sizeof(n->results[0]));
    return n;
}

void alerting_numbers_free(struct alerting_numbers *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < NUMBERS; i++)
        series_unref(n->series[i]);
    for (size_t i = 0; i < n->channels * RESULTS; i++)
        series_unref(n->results[i]);
    free(n->results);
    free(n);
}

/* NULL while the registry is full: tried again with the next tick. */
static void sample_one(struct series **s, const struct metric *m, const struct label *labels,
                       size_t labels_count, struct registry *registry, struct draft *draft,
                       uint64_t value)
{
    if (!*s) {
        struct series *found = registry_get(registry, m, labels, labels_count, "self");
        *s = found ? series_ref(found) : NULL;
    }
    if (m->kind == METRIC_COUNTER)
        draft_counter(draft, *s, value, (uint64_t)getpid()); /* counts of one run, as in self.c */
    else
        draft_gauge(draft, *s, (double)value);
}

void alerting_numbers_sample(struct alerting_numbers *n, const struct alerting_counts *counts,
                             const struct channel_set *channels, struct registry *registry,
                             struct draft *draft)
{
    const struct alerts_stats *a = &counts->alerts;
    const uint64_t values[NUMBERS] = {
        [NUMBER_PENDING] = a->pending,
        [NUMBER_FIRING] = a->firing[ALERT_WARNING] + a->firing[ALERT_CRITICAL],
        [NUMBER_ACKNOWLEDGED] = a->acknowledged,
        [NUMBER_SILENCED] = a->silenced,
        [NUMBER_INHIBITED] = a->inhibited,
        [NUMBER_CHANGES] = a->changes,
        [NUMBER_REFUSED] = a->refused,
        [NUMBER_NOT_KEPT] = counts->not_kept,
        [NUMBER_RULES] = a->rules,
        [NUMBER_WATCHED] = a->series_watched,
        [NUMBER_ANOMALOUS] = a->anomalous,
        [NUMBER_COURIER_RESTARTS] = counts->courier_restarts,
    };
    for (size_t i = 0; i < NUMBERS; i++) {
        struct label state = {"state", numbers[i].state};
        sample_one(&n->series[i], numbers[i].metric, &state, numbers[i].state != NULL, registry,
                   draft, values[i]);
    }
    for (size_t i = 0; i < n->channels && i < channels->count; i++) {
        const struct channel_status *c = &channels->channels[i];
        const uint64_t results[RESULTS] = {c->sent, c->failed, c->merged, c->dropped, c->held_back};
        for (size_t k = 0; k < RESULTS; k++) {
            struct label labels[] = {{"channel", c->name}, {"result", result_names[k]}};
            sample_one(&n->results[i * RESULTS + k], &notices_metric, labels, 2, registry, draft,
                       results[k]);
        }
    }
}
