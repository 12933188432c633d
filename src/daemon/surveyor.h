/*
 * surveyor.h: the survey thread: asks the engines for what is slow to read and hands the frozen
 * results to the core. A tick never waits for it.
 */
#pragma once

#include <stdint.h>

struct collector;
struct core;
struct surveyor;

struct surveyor *surveyor_new(struct collector *collector, struct core *core,
                              int64_t interval_ms); /* NULL: no memory or descriptors */
int surveyor_start(struct surveyor *s);
void surveyor_stop(struct surveyor *s); /* any thread */
void surveyor_join(struct surveyor *s);
void surveyor_free(struct surveyor *s); /* NULL allowed */
