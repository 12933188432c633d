/*
 * people.h: the processes that the census knows: those that own sockets or have moved bytes. Survey
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/census.h"
#include "collect/census/ledger.h"
#include "collect/census/units.h"

#define NOBODY UINT32_MAX

struct person {
    uint64_t id; /* of its row; 0: a free place */
    uint64_t start_ticks, cgroup_id;
    struct amounts all;      /* since it was first seen */
    uint64_t rx_now, tx_now; /* of this round */
    uint64_t rtt_sum_us;     /* of this round: connections that left this host and moved bytes */
    int64_t ended_ms;        /* 0: lives */
    int64_t told_ms;         /* wall: when an engine told of it last */
    uint32_t pid, uid;
    uint32_t directory_uid; /* owner of /proc/PID when the user was read last */
    uint32_t group;         /* in the ledger: command and unit */
    uint32_t sockets;       /* that say it is their owner */
    uint32_t rtt_count;     /* of rtt_sum_us */
    uint32_t rtt_us;        /* their mean in the last round that had any; 0: none yet */
    uint32_t before,
        after;          /* people.c: among those that ended; of a free place, the next free one */
    const char *method; /* who counted its bytes last; NULL: nobody */
    bool fell_silent;   /* how it ended: if it is told of again, it lives again */
    bool doubted;       /* look soon whether it still lives */
    uint8_t looks;      /* at it so far, see people.c */
};

/* Whether /proc here shows it under its number. */
static inline bool person_is_here(const struct person *one)
{
    return one->pid && !pid_is_elsewhere(one->pid);
}

struct people;

/* Settings and ledger are borrowed. */
struct people *people_new(const struct census_settings *settings, struct ledger *ledger,
                          uint64_t seed);
void people_free(struct people *p); /* NULL allowed */

/* The process, known or new; NOBODY when there is no room, not even by folding who has ended. */
uint32_t people_get(struct people *p, const struct process_seen *seen, int64_t now_ms,
                    uint64_t *next_id);

/* By number; NULL: a free place. Good until the next people_get. */
struct person *people_at(struct people *p, uint32_t number);
uint32_t people_top(const struct people *p); /* all numbers are below */
/* Is this number still the one with this id? It may have been folded, whoever thinks of it as his
 * owner, and another one may have its place. */
bool people_is(const struct people *p, uint32_t number, uint64_t id);

/* What came in this round, also for the series. `method`: who counted the bytes; NULL: none are
 * among it. */
void people_count(struct people *p, uint32_t number, const struct amounts *increment,
                  const char *method);
void people_end(struct people *p, uint32_t number, int64_t t_ms);
/* The end of a process that may be known is told. */
void people_ended(struct people *p, const struct process_seen *seen, int64_t t_ms);

/* Looks after who lives, a part of all in each round, and folds those that ended long enough ago.
 */
void people_round(struct people *p, int64_t now_ms, uint64_t *next_id);

/* The directory of proc; -1: cannot be opened. */
int people_proc(const struct people *p);
