/*
 * sink.h: where sealed ticks go. The core thread calls every sink for every tick; a sink takes its
 * own reference, must not block, and counts the ticks that it had to drop (queue full).
 */
#pragma once

#include <stdint.h>

struct tick;

struct sink {
    const char *name;
    void (*push)(struct sink *sink, struct tick *tick);
};
