/* gzip.h: bodies to gzip and back, as a whole or piece by piece. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends `data` as one gzip member to `out`. 0 or -ENOMEM. */
int gzip_pack(const void *data, size_t len, struct buf *out);

/* One member, piece by piece: what goes in need not come out before the last. NULL: no memory. */
struct gzip_stream;
struct gzip_stream *gzip_stream_new(void);
void gzip_stream_free(struct gzip_stream *s); /* NULL allowed */
/* Appends to `out`; with `last` all that is left. 0 or -ENOMEM. */
int gzip_stream_put(struct gzip_stream *s, const void *data, size_t len, bool last,
                    struct buf *out);

/* Appends what a gzip member of ours holds; its size must be `plain_len`. 0, -ENOMEM, -EBADMSG. */
int gzip_unpack(const void *data, size_t len, size_t plain_len, struct buf *out);
