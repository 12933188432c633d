/*
 * usage.h: what another process uses, by /proc: the same question for our own server and for those
 * it is held against; and what this one has used so far. Any thread.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* So many descriptors for this process, if the hard limit permits. Returns how many there are. */
uint64_t usage_want_descriptors(uint64_t wanted);

/* Time on a CPU of all threads that are alive, by the scheduler's clock (where the kernel keeps
 * none, by its ticks). Nanoseconds; -1: there is no such process. */
int64_t usage_cpu_ns(pid_t pid);

/* Resident memory that is the process's own (heap, stacks), not mapped files. Bytes; -1: none. */
int64_t usage_memory_bytes(pid_t pid);

/* What this process has used since its beginning, with those of its children that have ended and
 * were waited for. */
struct usage_total {
    double cpu_seconds;
    double peak_bytes; /* resident memory, of the largest of them; NAN: not known */
};
void usage_of_run(struct usage_total *ret);
