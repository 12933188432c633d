/*
 * bulletin.h: what the channel `alerts` says: the newest state, and the last messages for those who
 * come back. Encoded once, when they happen. Pure; core thread only.
 *
 * Numbers. Changes of alerts are numbered across restarts (model/alert.h), and a message bears the
 * number of the newest change in it. Where that would not be larger than the message before it, say
 * because the limits held a notice back, the next one is taken: of two messages `alert` the later
 * one always has the larger number. An alert_state bears the number of the last message or of the
 * newest change that is in it, whichever is larger, and takes none; who begins with it goes on from
 * there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hub/parcel.h"
#include "model/alert.h"
#include "model/notice.h"

#define BULLETIN_MESSAGES 200
#define BULLETIN_BYTES (1U << 20) /* about the most that these take */

struct bulletin;

/* next_seq: the first number that no earlier run has used; 0: not known. */
struct bulletin *bulletin_new(uint64_t next_seq);
void bulletin_free(struct bulletin *b); /* NULL allowed */

/* Appends the message for everybody who listens now. */
void bulletin_add(struct bulletin *b, const struct notice *n, struct parcels *out);
void bulletin_state(struct bulletin *b, struct alert_set *set, struct parcels *out);

/* What a viewer begins with: the state; nothing before the first one. */
void bulletin_begin(struct bulletin *b, struct parcels *out);

/* Whether there is anything to repeat after message `since`, or to tell that it cannot be. */
bool bulletin_repeats(const struct bulletin *b, uint64_t since);

/* A gap when what is kept does not reach back that far, the messages after `since`, the state. */
void bulletin_replay(struct bulletin *b, uint64_t since, struct parcels *out);

/* What the next run is to be given. */
uint64_t bulletin_next_seq(const struct bulletin *b);
