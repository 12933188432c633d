/*
 * interfaces.h: the interfaces as both engines see them: series node_network_*{device} and the
 * table "interfaces". An engine hands in what it read about each interface, once a tick; identity,
 * renames, gaps, rates and rows are settled here. Core thread.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/catalogue.h"
#include "collect/engine.h"
#include "collect/link_info.h"
#include "collect/sampler.h"

/* One interface in one tick. A bit of `counted` / `measured` says that the number is known. */
struct link_sample {
    uint32_t index;
    const char *name;
    uint32_t counted; /* bits by enum link_counter */
    uint64_t counters[LINK_COUNTERS];
    uint32_t measured; /* bits by enum link_gauge */
    double gauges[LINK_GAUGES];
    const char *kind;      /* "physical", "veth", …; NULL: not known */
    const char *state;     /* "up", …; NULL: not known */
    const char *addresses; /* one a line, with prefix length; NULL: not known */
    const char *container; /* that its other end is in; NULL: none, or not known */
    struct link_texts texts;
};

static inline void link_count(struct link_sample *s, enum link_counter c, uint64_t value)
{
    s->counted |= 1U << c;
    s->counters[c] = value;
}

static inline void link_measure(struct link_sample *s, enum link_gauge g, double value)
{
    s->measured |= 1U << g;
    s->gauges[g] = value;
}

struct interfaces;

/* Both borrowed and longer lived. */
struct interfaces *interfaces_new(struct sampler *sampler, const struct engine_settings *settings);
void interfaces_free(struct interfaces *list); /* NULL allowed */

/* A tick: begin, one sample per interface (a second one of the same index is ignored), end. `end`
 * forgets the interfaces that were not seen and puts the table into the draft; with `complete`
 * false some may have been missed: nothing is forgotten, and the tick has no table. */
void interfaces_begin(struct interfaces *list, const struct engine_sink *sink);
void interfaces_sample(struct interfaces *list, const struct engine_sink *sink,
                       const struct link_sample *told);
void interfaces_end(struct interfaces *list, const struct engine_sink *sink, bool complete);

/* Whoever is found under this index next is another object, even if all else looks the same. */
void interfaces_gone(struct interfaces *list, uint32_t index);

/* Drops all series held, to be looked up again; identities and rates stay. */
void interfaces_forget_series(struct interfaces *list);

/* Does collect.exclude_devices name it? */
bool device_excluded(const struct engine_settings *settings, const char *name);
