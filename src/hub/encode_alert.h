/*
 * encode_alert.h: alerts as JSON, the same for the stream and for HTTP, and the messages of the
 * channel `alerts`. Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "model/alert.h"
#include "model/notice.h"

#define ENCODE_ALERTS_MAX 500 /* that an alert_state lists … */
/* … and about the bytes that a list takes at most: a rule's summary and a series' labels may be
 * long, and no message may be as large as a viewer's queue. */
#define ENCODE_ALERTS_BYTES (256U << 10)

/* One object; times and numbers that an alert does not have are null. */
void encode_alert_json(struct buf *out, const struct alert *a);

/* The messages `alert` and `alert_state` as text frames. `seq` is the message's number in the
 * channel. One reference; NULL when memory is refused. */
struct bytes *encode_notice(const struct notice *n, uint64_t seq);
struct bytes *encode_alert_state(const struct alert_set *set, uint64_t seq);
