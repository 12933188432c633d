/*
 * recorder.h: the store thread: takes ticks off the core thread's hands and writes them.
 */
#pragma once

#include <stdint.h>

#include "model/sink.h"

struct store;
struct core;
struct timing;
struct recorder;

/* The store is borrowed and used on the recorder's thread alone from recorder_start to
 * recorder_join. Trouble and recovery are told as events through `core`. bounds: those of
 * recorder_take_timing. NULL: no memory. */
struct timing_bounds;
struct recorder *recorder_new(struct store *store, struct core *core,
                              const struct timing_bounds *bounds);
struct sink *recorder_sink(struct recorder *r);
uint64_t recorder_dropped(struct recorder *r); /* ticks that found the queue full; any thread */
/* Any thread: adds how long ticks took to be written, of those since the last call. */
void recorder_take_timing(struct recorder *r, struct timing *into);
int recorder_start(struct recorder *r);
void recorder_stop(struct recorder *r); /* any thread: writes what is queued, then ends */
void recorder_join(struct recorder *r);
void recorder_free(struct recorder *r); /* after join, or never started; NULL allowed */
