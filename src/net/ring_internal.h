/* ring_internal.h: what ring.c and its test know of a ring. */
#pragma once

#include <liburing.h>

struct ring {
    struct io_uring uring;
};
