/*
 * processes.h: what the map "processes" says, as increments. It holds sums since each process first
 * sent or received; here lies what was told of each before. Survey thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct processes;

struct processes_sink {
    /* What has come since the last round; increment.ended as in the map. */
    void (*traffic)(void *user, const struct bpf_process_key *key,
                    const struct bpf_process *increment);
    void *user;
};

struct processes *processes_new(void);
void processes_free(struct processes *p); /* NULL allowed */

/*
 * One walk over the map of this descriptor. Processes that have ended are told once more, with
 * their last bytes, and deleted from the map. 0, or -errno when the map cannot be read: what was
 * missed comes with the next walk that succeeds.
 */
int processes_read(struct processes *p, int map, const struct processes_sink *sink);

/* For tests: the same for entries that somebody has read. Says whether each has ended. */
void processes_begin(struct processes *p);
void processes_take(struct processes *p, const struct bpf_process_key *key,
                    const struct bpf_process *now, const struct processes_sink *sink);
void processes_end(struct processes *p);
size_t processes_count(const struct processes *p);
