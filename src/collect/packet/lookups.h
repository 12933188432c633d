/*
 * lookups.h: DNS questions and their answers, put together by the two ends and the message's
 * number. Bounded: questions that wait for an answer, and lookups that are shown. One owner, one
 * thread; times are nanoseconds of the capture since 1970.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/packet/flows.h"
#include "model/table.h"
#include "wire/dns.h"

#define LOOKUP_RCODES 24 /* with a place of their own; more share one */
#define LOOKUP_NO_ANSWER LOOKUP_RCODES
#define LOOKUP_OTHER (LOOKUP_RCODES + 1)
#define LOOKUP_OUTCOMES (LOOKUP_RCODES + 2)

#define LOOKUP_BUCKETS 12

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

struct lookups;

struct lookups *lookups_new(size_t waiting_max, size_t shown_max);
void lookups_free(struct lookups *t); /* NULL allowed */

/* sender: the side of the key that sent the message. The name that was asked for, until the next
 * call, when it answers a question that was seen; else NULL. */
const char *lookups_message(struct lookups *t, const struct flow_key *key, uint8_t sender,
                            const struct dns_message *m, int64_t t_ns);

/* Questions asked before then are counted as not answered. */
void lookups_expire(struct lookups *t, int64_t before_ns);

const struct lookup_counts *lookups_counts(const struct lookups *t);
struct table *lookups_table(const struct lookups *t); /* TABLE_DNS, newest first; one reference */
