/*
 * shelf.h: what of alerting is to be on disk, in memory: every active alert, rule and silence, and
 * what is over but not written yet. Each lies here once, in its newest state, so that it is bounded
 * however long the disk refuses to take it. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "store/alerts.h"

#define SHELF_ALERTS_MAX 20000 /* twice as many as may be active */
#define SHELF_RULES_MAX (2 * STORE_RULES_MAX)
#define SHELF_SILENCES_MAX (2 * SILENCES_MAX)

enum shelf_kind { SHELF_ALERT, SHELF_RULE, SHELF_SILENCE, SHELF_KINDS };

/* Exactly one of alert, rule and silence is set, as `kind` says. */
struct shelf_item {
    struct list waiting; /* in one of the shelf's two lists, or alone */
    char *key;           /* in the map */
    enum shelf_kind kind;
    bool on_disk;            /* some state of it */
    struct alert *alert;     /* a reference */
    struct stored_rule rule; /* name NULL: none; no keys: it is gone, and so is to be its rows */
    struct silence *silence;
};

struct shelf {
    struct map items;
    size_t counts[SHELF_KINDS];
    struct list fresh; /* to be written, in order of their change */
    struct list over;  /* resolved alerts to be written; the first to be let go */
    size_t waiting;    /* in both */
    bool anew;         /* the tables of rules and silences are to be emptied before */
};

void shelf_init(struct shelf *s);
void shelf_fini(struct shelf *s);

/* On disk already: loaded from it. The rule's texts are copied. */
void shelf_load_alert(struct shelf *s, struct alert *a);
void shelf_load_rule(struct shelf *s, const struct stored_rule *rule);
void shelf_load_silence(struct shelf *s, const struct silence *silence);

/* A change, to be written. Returns how many changes are lost by it, for want of room: 0 or 1. */
unsigned shelf_put_alert(struct shelf *s, struct alert *a);
unsigned shelf_put_rule(struct shelf *s, const char *name, const struct stored_key *keys,
                        size_t count);
unsigned shelf_put_silence(struct shelf *s, const struct silence *silence);

/* The first that waits; NULL: nothing does. And the one behind it. */
struct shelf_item *shelf_first(const struct shelf *s);
struct shelf_item *shelf_after(const struct shelf *s, const struct shelf_item *item);

/* The first `count` are on disk now. What is over leaves. */
void shelf_written(struct shelf *s, size_t count);

/* Another database: all of it is to be written into that. */
void shelf_begin_anew(struct shelf *s);

/* Silences that ended before leave. */
void shelf_expire_silences(struct shelf *s, int64_t before_ms);
