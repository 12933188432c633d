/*
 * sampler.h: how the engines come by their series.
 *
 * A series is looked up once, when its object (a field, a CPU, an interface) is first seen, and
 * held by reference from then on; sampling is one call into the draft. When the registry refuses
 * one because it is full, the sampler remembers, and the engine forgets all it holds now and then
 * so that what went away in between makes room. Core thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/engine.h"

struct sampler {
    const char *method; /* engine's name, for series->method */
    bool refused;       /* a series was turned away since the last sampler_retry */
    uint32_t ticks;
    uint64_t errors; /* unreadable sources and lines, for netsonde_collect_errors_total */
};

/* A reference for the caller, or NULL when the registry is full. */
struct series *sampler_series(struct sampler *s, const struct engine_sink *sink,
                              const struct metric *metric, const struct label *labels,
                              size_t labels_count);

/* Once a tick: true when it is time to forget all series because some were refused. */
bool sampler_retry(struct sampler *s);
