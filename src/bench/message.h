/*
 * message.h: what the fan-out bench sends and what its crowd understands: server frames to
 * messages, and the number and time in a message. Without state and I/O; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MESSAGE_SIZE_MIN 64
#define MESSAGE_SIZE_MAX 65536

/* The payload "fanout SEQ T_NS ....", `size` bytes of text in all, as every server that is
 * compared sends it; T_NS is the monotonic clock. */
void message_write(char *out, size_t size, uint64_t seq, int64_t t_ns);

/* The same as a finished frame; NULL: no memory. */
struct bytes *message_frame(size_t size, uint64_t seq, int64_t t_ns);

/* What follows the time is instead what the daemon's `metrics` messages are made of, cut at `size`:
 * numbers that are nothing or grow with `seq`. Of 6 KB deflate leaves 0.34, of theirs
 * 0.30 (docs/adr/030). */
struct bytes *message_metrics_frame(size_t size, uint64_t seq, int64_t t_ns);

struct message_frame {
    uint8_t opcode;
    bool compressed; /* RSV1: RFC 7692 */
    const uint8_t *payload;
    size_t len;
};

/* The frame at the start of `data`. Returns its bytes with the head, 0 = it is not complete yet, or
 * -EPROTO: not what a server of ours sends (fragments, masks, other reserved bits, a length above
 * MESSAGE_FRAME_MAX). */
#define MESSAGE_FRAME_MAX (64U << 20)
int64_t message_next(const uint8_t *data, size_t len, struct message_frame *ret);

enum message_kind {
    MESSAGE_FANOUT,  /* the bench's own */
    MESSAGE_METRICS, /* the daemon's channel of that name: {"type":"metrics","seq":N,"t":MS,... */
};

/* Reads number and time; false: another message. Times are nanoseconds: of the monotonic clock in
 * FANOUT, of the wall clock in METRICS. */
bool message_read(enum message_kind kind, const uint8_t *payload, size_t len, uint64_t *ret_seq,
                  int64_t *ret_t_ns);
