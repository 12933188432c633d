/*
 * rule.c: a rule from its first key to its last reference. A draft is a rule that is not shared
 * yet; what a single text must look like is the table's business (rule_keys.c), what the keys mean
 * together is settled in rule_draft_finish. The rule is immutable from then on.
 */
#include "alert/rule.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/rule_internal.h"
#include "base/mem.h"
#include "base/text.h"

/* ---- life ---------------------------------------------------------------------------------- */

static void rule_destroy(struct message *msg)
{
    struct rule *r = CONTAINER_OF(msg, struct rule, msg);
    selector_fini(&r->selector);
    free(r->name);
    free(r->where);
    free(r->per);
    free(r->mutes);
    for (size_t i = 0; i < r->channels_count; i++)
        free(r->channels[i]);
    free(r->summary);
    free(r);
}

struct rule *rule_new(enum rule_source source)
{
    struct rule *r = mem_alloc(sizeof(*r));
    message_init(&r->msg, rule_destroy);
    selector_init(&r->selector);
    r->source = source;
    r->name = mem_string("");
    r->enabled = true;
    r->where = mem_string("");
    r->per = mem_string("");
    r->when = RULE_ABOVE;
    r->warning = r->critical = r->clear = NAN;
    r->severity = ALERT_WARNING;
    r->mutes = mem_string("");
    r->summary = mem_string("");
    return r;
}

struct rule *rule_ref(struct rule *r)
{
    message_ref(&r->msg);
    return r;
}

void rule_unref(struct rule *r)
{
    if (r)
        message_unref(&r->msg);
}

/* ---- drafts -------------------------------------------------------------------------------- */

struct rule_draft {
    struct rule *rule;
};

struct rule_draft *rule_draft_new(enum rule_source source)
{
    struct rule_draft *d = mem_alloc(sizeof(*d));
    d->rule = rule_new(source);
    return d;
}

void rule_draft_free(struct rule_draft *d)
{
    if (!d)
        return;
    rule_unref(d->rule);
    free(d);
}

static int refuse(char *why, size_t why_size, int err, struct buf *sentence)
{
    snprintf(why, why_size, "%s", buf_string(sentence));
    return err;
}

int rule_draft_set(struct rule_draft *d, const char *key, const char *text, char *why,
                   size_t why_size)
{
    CLEANUP(buf_fini) struct buf sentence = BUF_INIT;
    const char *near = NULL;
    size_t best = 3; /* more than two slips are another word */
    const struct rule_row *row;
    for (size_t i = 0; (row = rule_row_at(i)); i++) {
        size_t slips = text_slips(key, row->key.name);
        if (slips == 0) {
            int err = rule_row_set(row, d->rule, text, &sentence);
            return err ? refuse(why, why_size, err, &sentence) : 0;
        }
        if (slips < best) {
            best = slips;
            near = row->key.name;
        }
    }
    buf_text(&sentence, "a rule has no such key");
    if (near)
        buf_printf(&sentence, " (did you mean %s?)", near);
    return refuse(why, why_size, -ENOENT, &sentence);
}

/* ---- what the keys mean together ----------------------------------------------------------- */

/* Whether `a` lies further on the wrong side than `b`. */
static bool beyond(const struct rule *r, double a, double b)
{
    return r->when == RULE_ABOVE ? a > b : a < b;
}

static const char *check_thresholds(const struct rule *r, const char **key)
{
    bool warning = !isnan(r->warning), critical = !isnan(r->critical);
    *key = "critical";
    if (warning && critical && !beyond(r, r->critical, r->warning))
        return r->when == RULE_ABOVE ? "critical must be more than warning"
                                     : "with `when: below` critical must be less than warning";
    *key = "clear";
    if (isnan(r->clear))
        return NULL;
    if (!warning && !critical)
        return "there is no threshold that it could clear";
    if (beyond(r, r->clear, warning ? r->warning : r->critical))
        return r->when == RULE_ABOVE
                   ? "clear must not be more than the threshold"
                   : "with `when: below` clear must not be less than the threshold";
    return NULL;
}

static const char *check_whole(const struct rule *r, const char **key)
{
    bool thresholds = !isnan(r->warning) || !isnan(r->critical);
    *key = "name";
    if (!*r->name)
        return "a rule needs a name";
    /* To turn off a default rule its name is enough. */
    *key = "metric";
    if (!r->selector.globs_count)
        return r->enabled ? "a rule needs a metric" : NULL;
    *key = "warning";
    if (!thresholds && !r->anomaly && !r->absent_ms && r->enabled)
        return "a rule needs a condition: warning, critical, anomaly or absent";
    *key = "per_least";
    if (r->per_least != 0 && !*r->per)
        return "it is about `per`, which is not there";
    if (r->per_least < 0)
        return "it must not be negative";
    *key = "edge";
    if (r->edge && !thresholds)
        return "it is about thresholds, of which there is none";
    *key = "sigma";
    if (r->sigma != 0 && !r->anomaly)
        return "it is about anomalies: `anomaly: on` is missing";
    return check_thresholds(r, key);
}

int rule_draft_finish(struct rule_draft *d, struct rule **ret, const char **ret_key, char *why,
                      size_t why_size)
{
    const char *key, *sentence = check_whole(d->rule, &key);
    if (sentence) {
        *ret_key = key;
        snprintf(why, why_size, "%s", sentence);
        return -EINVAL;
    }
    *ret = TAKE(d->rule);
    rule_draft_free(d);
    return 0;
}

void rule_each_key(const struct rule *r,
                   void (*tell)(void *user, const char *key, const char *text), void *user)
{
    const struct rule_row *row;
    for (size_t i = 0; (row = rule_row_at(i)); i++) {
        if (rule_row_differs(row, r))
            rule_row_tell(row, r, tell, user);
    }
}
