/*
 * deflate.h: the bytes of permessage-deflate (RFC 7692) without context takeover: every message
 * stands for itself, so one deflater serves all receivers and one inflater all senders of a loop.
 * Each belongs to one thread at a time. zlib's memory (about 270 and 45 KB) is taken with the first
 * message.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/bytes.h"

struct deflater;

struct deflater *deflater_new(void);
void deflater_free(struct deflater *d); /* NULL allowed */

/* The same message as `frame`, a whole text or binary frame of ws_frame, compressed. One reference.
 * NULL: it would not be smaller by an eighth, is too small to care, or memory is refused; the
 * message goes as it is. */
struct bytes *deflater_pack(struct deflater *d, const struct bytes *frame);

struct inflater;

struct inflater *inflater_new(void);
void inflater_free(struct inflater *i); /* NULL allowed */

/* How many times its own size a message may become; small ones may become INFLATE_FREE_BYTES. */
#define INFLATE_RATIO_MAX 64
#define INFLATE_FREE_BYTES 4096

/* Appends what the payload of a compressed message stands for to `out`, at most `most` bytes. 0,
 * -EBADMSG: no deflated data, -EMSGSIZE: more than `most`, -ERANGE: a bomb, -ENOMEM. */
int inflater_unpack(struct inflater *i, const void *payload, size_t len, size_t most,
                    struct buf *out);
