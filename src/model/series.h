/*
 * series.h: the registry of series.
 *
 * A series is a metric with its labels and a number (id) that stays the same across restarts and
 * is never given to another. While it is live it owns a slot: its index in every tick. The
 * registry belongs to the core thread; everybody else sees it through the series_set of a tick:
 * an immutable array slot -> series that is replaced, never changed, when series come or go.
 *
 *   registry (core) --- owns ---> struct series (immutable but for the `live` part)
 *        \-- publishes --> series_set (counted) --- refers to ---> struct series (counted)
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "model/message.h"
#include "model/metric.h"

struct label {
    const char *name, *value; /* UTF-8 */
};

#define SERIES_LABELS_MAX 8
#define SERIES_TEXT_MAX 256 /* bytes of one label value; longer ones are cut at a character */

/* What a tick touches of every series lies in its first cache line, on the core thread. */
#define CACHE_LINE 64

struct series {
    /* Owned by the core thread; other threads must not look. */
    _Alignas(CACHE_LINE) struct {
        uint32_t slot; /* SERIES_NO_SLOT while not live */
        bool sampled;  /* absolute and source are known, from this run or, in the same boot, from
                          an earlier one */
        uint64_t absolute;
        uint64_t increment; /* the last one, to tell a wrap from a reset */
        uint64_t source;    /* identity of the counting object, see draft_counter */
        uint64_t last_seq;  /* the last tick that sampled it; 0 = none in this run */
        int64_t last_ms;    /* its wall time, for ageing */
    } live;
    uint32_t id;
    enum metric_kind kind;
    double scale;

    atomic_uint refs;
    /* Which engine measures it: "procfs", "netlink". The one part that may change: when another
     * engine takes over, the series stays the same. Points to text that lives for ever. */
    _Atomic(const char *) method;
    /* Name, unit, help and labels point into one allocation with the series. */
    const char *name, *unit, *help;
    size_t labels_count;
    struct label labels[SERIES_LABELS_MAX]; /* sorted by name */
    const char *key; /* name{a="x",b="y"} with escapes as in Prometheus text: unique, canonical */
    struct list silent; /* core thread: in the registry's list while not live */
};

#define SERIES_NO_SLOT UINT32_MAX

struct series *series_ref(struct series *s);
struct series *series_unref(struct series *s);                      /* NULL allowed; returns NULL */
const char *series_label(const struct series *s, const char *name); /* NULL: has no such label */

struct series_set {
    struct message msg;
    uint64_t generation;    /* grows with every change */
    uint32_t count;         /* slots, free ones included */
    struct series *slots[]; /* NULL = free slot */
};

struct series_set *series_set_ref(struct series_set *set);
void series_set_unref(struct series_set *set);

struct registry; /* core thread only, but for construction before the threads start */

/* limit: most live series (collect.series_limit). next_id: the first id never used. */
struct registry *registry_new(size_t limit, uint32_t next_id);
void registry_free(struct registry *r);

/* A series of an earlier run: it keeps its id when it is seen again. With same_boot the first
 * sample counts its increment from `absolute` (drawn as a gap, CONTRACT section 4), unless the
 * source differs. Does not count against the limit until it is sampled. 0, -EINVAL for labels that
 * registry_get would refuse, -EEXIST when the series is there already, live or with a larger id: of
 * two ids of one name the larger is the newer one. */
int registry_restore(struct registry *r, uint32_t id, const struct metric *m,
                     const struct label *labels, size_t labels_count, const char *method,
                     bool same_boot, uint64_t absolute, uint64_t source);

/* How many series that are not live are remembered. Of more, those that have been silent longest
 * are forgotten: when they come back they are new ones, with another id. One that somebody else
 * refers to is never forgotten. */
size_t registry_memory(const struct registry *r);
size_t registry_silent(const struct registry *r); /* remembered now */

/* Finds or makes the series and keeps it live. Labels in any order; values are cut to
 * SERIES_TEXT_MAX and made valid UTF-8. Borrowed: good for as long as it is sampled; whoever keeps
 * it takes a reference. NULL when `limit` live series exist: counted in
 * registry_refused, as are labels that are too many or repeated and a name that is live with
 * another kind or scale. A restored series of another kind or scale is left to history: the
 * series gets a new id. `method` must live for ever. */
struct series *registry_get(struct registry *r, const struct metric *m, const struct label *labels,
                            size_t labels_count, const char *method);

uint64_t registry_refused(const struct registry *r);
uint64_t registry_evicted(const struct registry *r); /* series that had to make room */
size_t registry_live(const struct registry *r);

/* The current set; borrowed until the next call that changes the registry. */
struct series_set *registry_set(struct registry *r);

/* Takes series without a sample since `before_ms` (wall) out of the live registry. Returns how
 * many. A later registry_get or draft_* call revives them with the same id. Between ticks only:
 * a draft counts by slots. */
size_t registry_sweep(struct registry *r, int64_t before_ms);

/* When the limit is near, takes the series that have been silent longest out of the live registry,
 * so that a sixteenth of it is free for new ones; only series without a sample since tick
 * `before_seq` go. Returns how many. Between ticks only, after each. */
size_t registry_make_room(struct registry *r, uint64_t before_seq);

/* The next id that would be given out: to be stored so that ids are never reused. */
uint32_t registry_next_id(const struct registry *r);
