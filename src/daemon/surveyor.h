/*
 * surveyor.h: the survey thread: asks the engines for what is slow to read and hands the frozen
 * results to the core. A tick never waits for it. It slows itself before it uses more than a
 * twentieth of a core (pace.h).
 */
#pragma once

#include <stdint.h>

struct collector;
struct core;
struct surveyor;

struct surveyor *surveyor_new(struct collector *collector, struct core *core,
                              int64_t interval_ms); /* NULL: no memory or descriptors */
int surveyor_start(struct surveyor *s);
void surveyor_stop(struct surveyor *s); /* any thread */
void surveyor_join(struct surveyor *s);
void surveyor_free(struct surveyor *s); /* NULL allowed */

struct surveyor_stats {
    uint64_t rounds;
    uint64_t cpu_ns;     /* of all of them */
    int64_t interval_ms; /* between two, now */
};

/* Any thread. */
void surveyor_stats(const struct surveyor *s, struct surveyor_stats *ret);
