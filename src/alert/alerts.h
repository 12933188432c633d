/*
 * alerts.h: the state machine of every (rule, series), and what is told when. Ticks in, changes and
 * notices out. Core thread only; pure: times come from the ticks and from `now`, no clock, no
 * socket, no disk.
 *
 *   tick -> detect bank -> rules -> machines -> changes  -> store, board (all of them)
 *                                           \-> limiter  -> notices (what `rate`, `cooldown`,
 *                                                           silences and inhibition let through)
 *
 * Bounded: ALERTS_MAX machines that are not inactive; more are counted (alerts_stats) and told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/board.h"
#include "alert/rule.h"
#include "detect/bank.h"
#include "model/alert.h"
#include "model/notice.h"
#include "model/tick.h"

#define ALERTS_MAX 10000

struct alerts_settings {
    struct bank_settings detect;
    uint32_t rate_count;         /* alerting.rate: so many notices … */
    int64_t rate_ms;             /* … in any such time, for each channel */
    int64_t cooldown_ms;         /* between two notices of one (rule, series) */
    const char *const *channels; /* names of all channels; the first is "websocket", then "log" */
    size_t channels_count;
    const size_t *default_channels; /* indexes of alerting.channels */
    size_t default_channels_count;
    uint64_t next_seq, next_id, next_silence_id; /* first unused */
    struct board *board;                         /* borrowed: the newest state is put there */
};

/* Called within the functions below. */
struct alerts_ops {
    /* Every change but those of pending ones, in order of seq. Borrowed. */
    void (*changed)(void *user, struct alert *a);
    /* To be told on this channel now. Borrowed. */
    void (*notice)(void *user, size_t channel, struct notice *n);
    /* To be kept: a rule of the API (NULL: the one of that name is gone), a silence. Borrowed. */
    void (*keep_rule)(void *user, const char *name, const struct rule *r);
    void (*keep_silence)(void *user, const struct silence *s);
};

struct alerts;

struct alerts *alerts_new(const struct alerts_settings *settings, const struct alerts_ops *ops,
                          void *user);
void alerts_free(struct alerts *a); /* NULL allowed */

/* Before the first tick: what an earlier run left. Active alerts go on as they were; one whose rule
 * is gone is resolved with the first tick. References are taken as needed. */
void alerts_restore(struct alerts *a, struct alert *const *active, size_t count);
void alerts_restore_silence(struct alerts *a, const struct silence *s);

/* The rules of the defaults and the file (SIGHUP: again), and of the API (at the start). An alert
 * whose rule is deleted or does not select its series any more is resolved. */
void alerts_set_rules(struct alerts *a, struct rule *const *rules, size_t count);

void alerts_step(struct alerts *a, struct tick *t);

/* What people ask for, by the API. 0; -ENOENT; -EPERM (rules of the file are read-only, defaults
 * cannot be deleted); -EALREADY (acknowledged, ended; a rule of that name, and not to be replaced);
 * -ENOSPC (RULES_MAX, SILENCES_MAX). `now_ms` is wall time. The board has the answer at once; what
 * is to be told is told with the next tick. A rule that is put is of RULE_FROM_API. */
int alerts_acknowledge(struct alerts *a, uint64_t id, const char *by, int64_t now_ms);
int alerts_put_rule(struct alerts *a, struct rule *r, bool replace, int64_t now_ms);
int alerts_delete_rule(struct alerts *a, const char *name, int64_t now_ms);
int alerts_add_silence(struct alerts *a, const struct silence *s, int64_t now_ms, uint64_t *ret_id);
int alerts_end_silence(struct alerts *a, uint64_t id, int64_t now_ms);

/* A notice that says that it is a test, past the limits but counted by them. -ENOENT: no channel.
 */
int alerts_test_channel(struct alerts *a, const char *channel, int64_t now_ms);

/* The first numbers that have not been given out: for the next run. */
void alerts_next(const struct alerts *a, uint64_t *ret_seq, uint64_t *ret_id,
                 uint64_t *ret_silence_id);

/* The series that are watched for anomalies; one that several rules watch comes several times. */
void alerts_each_anomaly(const struct alerts *a, void (*tell)(void *user, const struct series *s),
                         void *user);

/* What one of them was like in hours long gone, for what is usual at an hour of the week. From then
 * on its hours are learned as they pass, even when there are none here. */
struct past_hour {
    int64_t t_ms;       /* when it begins */
    double mean, sigma; /* of its samples, as shown */
};
void alerts_learn(struct alerts *a, uint32_t series_id, const struct past_hour *hours,
                  size_t count);

/* The scores of the newest step. */
const struct bank *alerts_bank(const struct alerts *a);

struct alerts_stats {
    uint64_t firing[ALERT_SEVERITIES], pending, acknowledged, silenced, inhibited; /* now */
    uint64_t changes, notices, held_back, dropped;                                 /* ever */
    uint64_t waiting; /* changes that the limits let wait now, of all channels: lost when it ends */
    uint64_t refused; /* machines beyond ALERTS_MAX */
    uint64_t rules, series_watched;
    uint64_t anomalous; /* series whose score is above 0.99 now */
};
void alerts_stats(const struct alerts *a, struct alerts_stats *ret);
/* Changes that were not told on this channel since newer ones overtook them; ever. */
uint64_t alerts_held_back(const struct alerts *a, size_t channel);
