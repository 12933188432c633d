/*
 * result.h: what crosses from the survey thread to the core thread: one census, frozen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/census.h"
#include "model/event.h"
#include "model/message.h"
#include "model/table.h"

/* Upper bounds of the buckets of durations; the last has none. */
#define DURATION_BUCKETS 15

struct durations {
    uint64_t buckets[DURATION_BUCKETS]; /* each with those that exceed the bound before */
    uint64_t count, sum_ns;
};

extern const char *const durations_bounds[DURATION_BUCKETS]; /* "0.0001" ..., "+Inf" */
void durations_record(struct durations *s, int64_t ns);
void durations_add(struct durations *to, const struct durations *from);

struct group_total {
    const char *process, *unit; /* owned by the result; NULL: nobody has the number */
    uint64_t rx, tx, resent;
};

struct census_result {
    struct message msg;
    uint64_t born;                     /* another one: the counters have begun anew */
    struct table *tables[TABLE_KINDS]; /* those that were made */
    size_t events_count;
    struct event **events;
    size_t groups_count; /* by series number */
    struct group_total *groups;
    char *texts;
    bool has_tcp; /* TCP by state is known */
    uint32_t tcp[SOCKET_STATES];
    bool has_wire;
    uint64_t unattributed_rx, unattributed_tx;
    bool has_quality;
    struct durations rtt, connect;
    uint64_t retransmits, lost, unreadable;
    uint64_t peer_names, peer_names_evicted;
};
