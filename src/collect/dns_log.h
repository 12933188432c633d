/*
 * dns_log.h: DNS lookups that are over, whichever engine saw them: what the table "dns" shows of
 * the latest ones, and counts of all. Bounded. One owner, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/table.h"

#define LOOKUP_RCODES 24 /* with a place of their own; more share one */
#define LOOKUP_NO_ANSWER LOOKUP_RCODES
#define LOOKUP_OTHER (LOOKUP_RCODES + 1)
#define LOOKUP_OUTCOMES (LOOKUP_RCODES + 2)

#define LOOKUP_BUCKETS 12

#define LOOKUP_NAME_BYTES 256
#define LOOKUP_PROCESS_BYTES 16

/* Upper bound of a bucket, in nanoseconds and as a label; the last has none. */
int64_t lookup_bucket_ns(size_t bucket);
const char *lookup_bucket_le(size_t bucket);
const char *lookup_outcome_name(size_t outcome); /* "NOERROR" ..., "none", "other"; NULL: no such */

struct lookup_counts {
    uint64_t outcome[LOOKUP_OUTCOMES];
    uint64_t bucket[LOOKUP_BUCKETS]; /* answered within its bound, and not the one before */
    uint64_t answered, sum_ns;       /* with their question seen, so with a latency */
    uint64_t evicted;                /* questions that had to make room */
};

struct dns_lookup {
    int64_t t_ms;       /* wall: of the question, where it was seen */
    int64_t latency_ns; /* -1: not known */
    bool answered;
    uint16_t rcode; /* when it was answered */
    uint16_t type;  /* 0: not known */
    uint16_t port;
    uint8_t family; /* 4, 6 */
    uint8_t server[16];
    const char *name;    /* copied, and cut off at LOOKUP_NAME_BYTES */
    const char *process; /* who asked, likewise; NULL: not known */
};

struct dns_log;

struct dns_log *dns_log_new(size_t shown_max);
void dns_log_free(struct dns_log *log); /* NULL allowed */

void dns_log_add(struct dns_log *log, const struct dns_lookup *lookup);
void dns_log_evicted(struct dns_log *log); /* a question that had to make room */

const struct lookup_counts *dns_log_counts(const struct dns_log *log);
uint64_t dns_log_total(const struct dns_log *log);      /* how many were added, ever */
struct table *dns_log_table(const struct dns_log *log); /* newest first; one reference */
