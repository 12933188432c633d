/*
 * packing.h: a notice as bytes between main and the courier, and back. Both ends are one program,
 * yet what is unpacked is checked as if a stranger had sent it. Pure; any thread.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "model/notice.h"

#define PACKING_MAX                                                                                \
    (512 * 1024) /* bytes; NOTICE_ALERTS_MAX alerts with the longest texts are less */

void packing_put(const struct notice *n, struct buf *out);

/* 0 and one reference, or -EPROTO. */
int packing_take(const void *data, size_t len, struct notice **ret);
