/*
 * alerts.h: what of alerting is on disk: the newest state of every alert, active or of the past,
 * the rules of the API, the silences.
 *
 * Keeping something costs no disk access: it goes to the shelf (shelf.h), and store_work writes
 * what is there, many in one transaction. What the disk refuses stays on the shelf until it does
 * not; and when a damaged database is set aside, rules, silences and active alerts go into the new
 * one. Rules are keys and values here: what they mean is the business of src/alert.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/alert.h"
#include "model/silence.h"
#include "store/store.h"

#define STORE_RULES_MAX 1000
#define STORE_RULE_KEYS_MAX 128
#define STORE_RULE_VALUE_MAX 4096

/* The first numbers that were never given out. */
struct store_alert_numbers {
    uint64_t seq, id, silence_id;
};

struct stored_key {
    char *key, *value;
};

struct stored_rule {
    char *name;
    size_t count;
    struct stored_key *keys; /* in the order in which they were kept */
};

void stored_rule_fini(struct stored_rule *rule);

/* What earlier runs left. */
struct stored_alerts {
    size_t alerts_count, rules_count, silences_count;
    struct alert **alerts; /* active ones, a reference each, by id */
    struct stored_rule *rules;
    struct silence *silences; /* by id; ended ones, too, as long as events are kept */
};

/* Numbers for this run; hold until store_close. Before the threads start. */
struct store_alert_numbers store_next_alert(const struct store *store);

/* Before the threads start. Rows that cannot be read are left out, counted, and said in the log. 0
 * with an empty answer when there is no database. */
int store_restore_alerts(struct store *store, struct stored_alerts *ret);
void stored_alerts_fini(struct stored_alerts *s);

/* ---- the writer: store thread -------------------------------------------------------------- */

/* A change of an alert; takes a reference. Its seq is not 0. */
void store_keep_alert(struct store *store, struct alert *a);
/* The rule of that name is these keys now; none: it is gone. All copied. */
void store_keep_rule(struct store *store, const char *name, const struct stored_key *keys,
                     size_t count);
void store_keep_silence(struct store *store, const struct silence *s); /* copied */

/* How much is not on disk yet. */
size_t store_kept_waiting(const struct store *store);

/* Writes all that waits, as store_work does in pieces. 0 or -errno: what the disk refused waits on,
 * and is tried again after a tick could be written. */
int store_write_kept(struct store *store);

/* The exact first unused numbers, for store_close. Without it the next run begins beyond those
 * reserved. */
void store_set_alert_numbers(struct store *store, const struct store_alert_numbers *next);

/* ---- readers ------------------------------------------------------------------------------- */

#define ALERT_PAGE_MAX 10000

struct alert_query {
    unsigned states;           /* bits 1 << enum alert_state; 0: all */
    unsigned severities;       /* bits 1 << enum alert_severity; 0: all */
    const char *rule, *series; /* globs on the rule's name and the canonical series; NULL: all */
    int64_t from_ms, to_ms;    /* that were firing at some time between these, both inclusive */
    size_t limit, offset;      /* limit at most ALERT_PAGE_MAX */
};

struct alert_page {
    size_t total; /* that match, limit and offset apart */
    size_t count;
    struct alert *alerts[]; /* the one that changed last comes first; a reference each */
};

/* As the disk has it: what happened in the last moments may be missing. A database of a version
 * that knew no alerts has none. */
int store_alerts(struct store_reader *reader, const struct alert_query *query,
                 struct alert_page **ret, struct store_error *err);
void alert_page_free(struct alert_page *page); /* NULL allowed */
