/*
 * engines.h: keeper, finder and collector as the configuration wants them, for `run` and for
 * `doctor`: what doctor says is what run would do. Main thread, before any other.
 */
#pragma once

struct collector;
struct config;
struct finder;
struct keeper;

/* The keeper, or NULL: nothing is worth keeping here (or it cannot be started, which is logged). */
struct keeper *engines_start_keeper(void);

/* The finder, or NULL: it cannot be started, which is logged. */
struct finder *engines_start_finder(void);

/* Makes the collector; it is not open yet. 0 or -errno, logged. Keeper and finder are borrowed,
 * NULL allowed. */
int engines_new(const struct config *config, struct keeper *keeper, struct finder *finder,
                struct collector **ret);

/* Logs why collector_open said -ENODEV. */
void engines_complain(struct collector *c);
