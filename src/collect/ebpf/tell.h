/*
 * tell.h: records and increments as the census wants them: times on the wall, addresses as
 * endpoints, network namespaces that are not this one. Survey thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "collect/census.h"
#include "collect/ebpf/dns.h"
#include "collect/ebpf/ring.h"

struct tell {
    struct census *census;     /* of this round */
    bool traffic, connections; /* what is told in it */
    uint64_t own_netns;        /* inode; 0: not known */
    uint64_t ticks_ns;         /* nanoseconds of a clock tick, as /proc counts */
    int64_t wall_ms_at_0;      /* wall time when the monotonic clock was 0 */
    struct dns_questions *questions;
    uint64_t bad_records; /* so far */
};

void tell_init(struct tell *t, const char *proc_root);
void tell_fini(struct tell *t);

void tell_begin(struct tell *t, struct census *census, bool traffic, bool connections);

/* All that is in the ring. 0, or -EBADMSG when that made no sense: counted, and skipped. */
int tell_drain(struct tell *t, struct ring *ring);

/* For processes_sink. */
void tell_traffic(void *user, const struct bpf_process_key *key,
                  const struct bpf_process *increment);
