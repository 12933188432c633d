/*
 * rule.h: one rule of CONTRACT section 2 (`alerts:`): which series, which condition, what is told
 * to whom. Made from texts, key by key, so that the file, the API, the command line and the
 * database all read the same keys with the same words; then immutable and counted. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/alert.h"
#include "model/message.h"
#include "model/query.h"

#define RULE_CHANNELS_MAX 16
#define RULES_MAX 1000 /* of all sources */

enum rule_source { RULE_DEFAULT, RULE_FROM_FILE, RULE_FROM_API };
enum rule_when { RULE_ABOVE, RULE_BELOW };

struct rule {
    struct message msg;
    enum rule_source source;
    char *name;               /* text_is_name */
    bool enabled;             /* key `enabled`, on */
    struct selector selector; /* keys `metric` (one glob) and `match` */
    char *where; /* metric with equal labels that must not be 0 while it is watched; "": always */
    char *per;   /* metric that it is divided by: the sum of those with equal labels; "": none */
    double per_least; /* as long as the divisor is less there is nothing to tell; 0 */
    enum rule_when when;
    /* NAN: none. Of counters per second: base units. */
    double warning, critical, clear;
    int64_t for_ms, keep_ms; /* condition must hold / be over for so long */
    int64_t repeat_ms;       /* a firing one that nobody acknowledged is told again; 0: never */
    int64_t absent_ms;       /* no sample for so long is a reason of its own; 0: never */
    bool edge; /* only a condition that was seen to begin: what was so from the start waits
                  until it was over once (a socket that never had a cable) */
    bool anomaly;
    double sigma;      /* 0: detect.sigma */
    int64_t window_ms; /* anomaly: of what is usual, 0: detect.window. Thresholds: the mean over it
                          is compared (a ratio: of the sums), 0: each sample */
    enum alert_severity severity; /* of anomalies and absences */
    char *mutes; /* label: as long as the condition holds, alerts of other rules about series with
                    the same value of it are not told; "": none */
    size_t channels_count; /* 0: alerting.channels */
    char *channels[RULE_CHANNELS_MAX];
    char *summary; /* template: {rule} {series} {metric} {value} {threshold} {z} {severity} {label};
                      "": a sentence is made */
};

struct rule_draft;

struct rule_draft *rule_draft_new(enum rule_source source);
void rule_draft_free(struct rule_draft *d); /* NULL allowed */

/* Sets a key from text; lists (channels) and maps (match: "label=glob") take one item a call. 0, or
 * -EINVAL: `why` says what was expected; a key that does not exist: -ENOENT with the nearest one.
 */
int rule_draft_set(struct rule_draft *d, const char *key, const char *text, char *why,
                   size_t why_size);

/* Whether it makes sense as a whole (a name, a metric, a condition, clear on the right side of the
 * thresholds …). 0 and one reference; or -EINVAL: the key at fault in *ret_key (borrowed literal)
 * and a sentence. The draft is used up in the first case. */
int rule_draft_finish(struct rule_draft *d, struct rule **ret, const char **ret_key, char *why,
                      size_t why_size);

struct rule *rule_ref(struct rule *r);
void rule_unref(struct rule *r); /* NULL allowed */

/* Every key that differs from its default, in the table's order, as rule_draft_set takes it. */
void rule_each_key(const struct rule *r,
                   void (*tell)(void *user, const char *key, const char *text), void *user);

/* The keys, for documentation and for telling what exists. NULL: no more. */
struct rule_key {
    const char *name, *expected, *doc;
    bool list; /* may be given several times */
};
const struct rule_key *rule_key_at(size_t index);

/* The rules that everybody has who does not replace or disable them by name: at most ten. New
 * references; the caller frees the array. */
size_t rules_default(struct rule ***ret);
