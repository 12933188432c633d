/*
 * alert.h: what an alert is to those who tell, keep and show it: its state at one moment, frozen.
 * Each change of an alert is a new struct alert with the same id and a larger seq. Any thread.
 *
 *   (inactive) -> pending -> firing <-> acknowledged | silenced -> resolved
 *
 * docs/ALERTING.md has the picture and says what leads from one to another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/message.h"

enum alert_state {
    ALERT_PENDING, /* the condition holds, but not yet as long as the rule's `for` */
    ALERT_FIRING,
    ALERT_ACKNOWLEDGED, /* firing, and somebody knows: not told again */
    ALERT_SILENCED,     /* firing, and a silence says that nobody wants to hear */
    ALERT_RESOLVED,
    ALERT_STATES
};

enum alert_severity { ALERT_WARNING, ALERT_CRITICAL, ALERT_SEVERITIES };

enum alert_reason {
    ALERT_BY_THRESHOLD,
    ALERT_BY_ANOMALY, /* z says how far from usual */
    ALERT_BY_ABSENCE, /* no sample for as long as the rule's `absent` */
    ALERT_REASONS
};

const char *alert_state_name(enum alert_state state);           /* "firing" … */
int alert_state_parse(const char *name, enum alert_state *ret); /* 0 or -EINVAL */
const char *alert_severity_name(enum alert_severity severity);  /* "warning" | "critical" */
int alert_severity_parse(const char *name, enum alert_severity *ret);
const char *alert_reason_name(enum alert_reason reason); /* "threshold" | "anomaly" | "absence" */
int alert_reason_parse(const char *name, enum alert_reason *ret);

/* Texts are owned, valid UTF-8, never NULL. Times are wall times in ms, 0: not (yet). */
struct alert {
    struct message msg;
    uint64_t
        seq;     /* of this change; grows across restarts; 0: of a pending one, which is not kept */
    uint64_t id; /* of the alert from the time it is pending to the time it is resolved; never
                    given to another */
    enum alert_state state;
    enum alert_severity severity; /* when resolved: the worst it had been */
    enum alert_reason reason;
    uint32_t series_id;         /* 0: the rule's metric as a whole, of which no series is there */
    char *rule;                 /* name of the rule */
    char *series;               /* canonical text: name{device="eth0"} */
    char *unit;                 /* of value and threshold; a counter's is per second: "bytes/s" */
    char *summary;              /* one line for people */
    char *by;                   /* who acknowledged; "" otherwise */
    double value, threshold, z; /* NAN: none */
    int64_t changed_ms;         /* when this change happened */
    int64_t pending_ms;         /* the condition holds since */
    int64_t started_ms;         /* firing since */
    int64_t resolved_ms;
    uint64_t silence_id;   /* ALERT_SILENCED: by which silence */
    uint64_t inhibited_by; /* id of the alert that mutes this one (a link that is down); 0: none */
};

/* One reference; all texts "", all numbers NAN, the rest 0. Whoever makes it sets the members
 * before it is shared; texts with alert_text. */
struct alert *alert_new(void);
struct alert *alert_copy(const struct alert *a); /* one reference, not shared yet */
struct alert *alert_ref(struct alert *a);
void alert_unref(struct alert *a); /* NULL allowed */
/* Replaces a member's text: copied, cut at ALERT_TEXT_MAX bytes, made valid UTF-8, control
 * characters become spaces, so that it can be one line of a log or a mail's header. */
void alert_text(char **member, const char *text);
#define ALERT_TEXT_MAX 1024

/* Whether it is pending, firing, acknowledged or silenced. */
bool alert_is_active(const struct alert *a);

/* All that are active at one moment: the worst first, then the newest. Frozen. */
struct alert_set {
    struct message msg;
    uint64_t seq; /* of the newest change that is in it */
    int64_t t_ms;
    size_t count;
    struct alert *alerts[]; /* a reference each */
};

struct alert_set *alert_set_new(size_t capacity); /* count is 0; one reference */
struct alert_set *alert_set_ref(struct alert_set *set);
void alert_set_unref(struct alert_set *set); /* NULL allowed */
