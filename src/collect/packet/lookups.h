/*
 * lookups.h: DNS questions and their answers, put together by the two ends and the message's
 * number. Bounded: questions that wait for an answer, and lookups that are shown (dns_log.h). One
 * owner, one thread; times are nanoseconds of the capture since 1970.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/dns_log.h"
#include "collect/packet/flows.h"
#include "wire/dns.h"

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
