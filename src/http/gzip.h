/* gzip.h: whole bodies to gzip and back. Any thread. */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/* Appends `data` as one gzip member to `out`. 0 or -ENOMEM. */
int gzip_pack(const void *data, size_t len, struct buf *out);

/* Appends what a gzip member of ours holds; its size must be `plain_len`. 0, -ENOMEM, -EBADMSG. */
int gzip_unpack(const void *data, size_t len, size_t plain_len, struct buf *out);
