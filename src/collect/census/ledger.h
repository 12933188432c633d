/*
 * ledger.h: bytes by (process, unit): what the series show, what is left of processes that ended,
 * and the bytes of the wire that belong to nobody. Survey thread.
 *
 * Two sums hold after every call, and the tests hold the ledger to them: the counters of all series
 * together are all bytes ever counted; and so are the bytes of all processes together, whether the
 * caller still has them (living and lately ended) or has folded them in here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_OTHER 0 /* the group for what does not fit: process "other" */

struct amounts {
    uint64_t rx, tx;
    uint64_t local;  /* the part of both that stayed on loopback */
    uint64_t resent; /* segments that its TCP connections sent again */
};

struct group {
    char *process, *unit; /* owned; NULL: a free place */
    uint32_t members;     /* processes of this name */
    uint32_t hash;
    int32_t series; /* its number, from 0 on without holes; -1: none, "other" has its bytes */
    uint64_t rx, tx, resent; /* of the series: never less than before */
    uint64_t fold_id;        /* row of the ended; 0: none yet */
    struct amounts fold;
    const char *method; /* of the last one folded: literal */
};

struct ledger;

/* series_max: groups with a series of their own; folds_max: with a row for the ended. */
struct ledger *ledger_new(size_t series_max, size_t folds_max, uint64_t seed);
void ledger_free(struct ledger *l); /* NULL allowed */

/* One more process of this name; the group's number, good until ledger_leave. */
uint32_t ledger_join(struct ledger *l, const char *process, const char *unit);
void ledger_leave(struct ledger *l, uint32_t group);

/* Bytes and segments of a member, for the series. */
void ledger_count(struct ledger *l, uint32_t group, const struct amounts *increment);

/* What a member that ended had counted in all. next_id: for a new row, advanced when used. */
void ledger_fold(struct ledger *l, uint32_t group, const struct amounts *all, const char *method,
                 uint64_t *next_id);

/* Groups by number, up to ledger_groups; NULL: a free place. Borrowed. */
size_t ledger_groups(const struct ledger *l);
const struct group *ledger_group(const struct ledger *l, size_t index);
size_t ledger_series(const struct ledger *l); /* series numbers given out */

/* ---- the wire ------------------------------------------------------------------------------ */

struct unattributed {
    bool known;      /* the wire was read twice */
    uint64_t rx, tx; /* never less than before */
};

/* Absolute counters of the wire. One that is less than before has started over. */
void ledger_wire(struct ledger *l, uint64_t rx, uint64_t tx);

/* Once a round: the wire's increment less what was counted since, added up. */
void ledger_settle(struct ledger *l);
const struct unattributed *ledger_unattributed(const struct ledger *l);
