/*
 * journal.h: what a channel of documents says: `baseline`, `benchmark`. The last messages are kept
 * for those who come back, and the newest of them is what everybody begins with. Encoded once, when
 * they happen. Pure; core thread only.
 *
 * Numbers. Nothing on disk numbers these messages (their documents have names), so `seq` is the
 * clock's millisecond when a message is made, or one more than the message before where the clock
 * is not beyond that. It grows across restarts as long as the clock does. What an earlier run said
 * is not known here: who comes back with a `since` of before this run is told of a gap, and finds
 * the documents over HTTP.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "hub/channel.h"
#include "hub/parcel.h"

#define JOURNAL_MESSAGES 100
#define JOURNAL_BYTES (1U << 20)          /* about the most that these take */
#define JOURNAL_MESSAGE_BYTES (512 << 10) /* of one; larger ones are lost, and told of as a gap */

struct journal;

/* now_ms: the wall clock at the beginning of this run. */
struct journal *journal_new(enum channel channel, int64_t now_ms);
void journal_free(struct journal *j); /* NULL allowed */

/* Appends the message for everybody who listens now. `members`: JSON members without braces that
 * follow type, seq and t, e.g. "\"benchmark\":{...}"; borrowed. */
void journal_add(struct journal *j, int64_t t_ms, const struct bytes *members, struct parcels *out);

/* What a viewer begins with: the newest message; nothing before the first one. */
void journal_begin(struct journal *j, struct parcels *out);

/* Whether there is anything to repeat after message `since`, or to tell that it cannot be. */
bool journal_repeats(const struct journal *j, uint64_t since);

/* A gap when what is kept does not reach back that far, the messages after `since`. */
void journal_replay(struct journal *j, uint64_t since, struct parcels *out);
