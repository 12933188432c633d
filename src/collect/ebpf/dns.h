/*
 * dns.h: DNS questions that processes of this host sent, and what came back, as events (kind dns),
 * in the log that the table "dns" is made of, and as names of addresses. Bounded: the question that
 * has waited longest makes room. Survey thread.
 */
#pragma once

#include <stdint.h>

#include "bpf/abi.h"
#include "collect/census.h"
#include "collect/dns_log.h"

struct dns_questions;

struct dns_questions *dns_questions_new(void);
void dns_questions_free(struct dns_questions *q); /* NULL allowed */

/* A message that was sent or that came in. What is no DNS message is nobody's business. */
void dns_questions_take(struct dns_questions *q, const struct bpf_record_dns *r, int64_t wall_ms,
                        struct census *census);

/* Borrowed, until the next message. */
const struct dns_log *dns_questions_log(const struct dns_questions *q);

/* Questions without an answer for long enough: told as such. */
void dns_questions_expire(struct dns_questions *q, int64_t mono_ns, struct census *census);
