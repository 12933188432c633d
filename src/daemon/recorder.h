/*
 * recorder.h: the store thread: takes ticks, and what alerting keeps, off the core thread's hands
 * and writes them.
 */
#pragma once

#include <stdint.h>

#include "model/sink.h"

struct alert;
struct rule;
struct silence;
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

/* Any thread, in order with the ticks: a change of an alert (takes its own reference), a rule of
 * the API as it is now (NULL: it is gone), a silence. Written soon after, with many others; what
 * finds the queue full is counted and said. */
void recorder_alert(struct recorder *r, struct alert *a);
void recorder_rule(struct recorder *r, const char *name, const struct rule *rule);
void recorder_silence(struct recorder *r, const struct silence *s);
uint64_t recorder_changes_dropped(struct recorder *r); /* of those; any thread */

/* Any thread: adds how long ticks took to be written, of those since the last call. */
void recorder_take_timing(struct recorder *r, struct timing *into);
int recorder_start(struct recorder *r);
void recorder_stop(struct recorder *r); /* any thread: writes what is queued, then ends */
void recorder_join(struct recorder *r);
void recorder_free(struct recorder *r); /* after join, or never started; NULL allowed */
