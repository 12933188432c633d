/*
 * self.h: netsonde's own numbers as series: what it uses, what it serves, what it lost. Sampled on
 * the core thread in every tick.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/metric.h"
#include "model/series.h"
#include "model/tick.h"

struct hub;
struct keeper;
struct recorder;
struct servers;
struct store;
struct surveyor;
struct self;

struct self_sources {
    const char *version;
    struct hub *hub;
    struct servers *servers;
    struct store *store;
    struct recorder *recorder;
    struct surveyor *surveyor;
    struct keeper *const *keeper; /* where it is, or NULL */
};

/* Opens what it reads; before the sandbox. */
struct self *self_new(const struct self_sources *sources);
/* Core thread. counts_only: see core_on_sample. */
void self_sample(void *self, struct registry *registry, struct draft *draft, bool counts_only);
void self_free(struct self *s); /* NULL allowed */

/* Core thread: what the process has used so far; for struct hub_settings. `self` may be NULL. */
void self_process(void *self, uint64_t *ret_cpu_ns, double *ret_rss_bytes);

/* Every metric it makes, for docs/METRICS.md; NULL past the last. */
const struct metric *self_metric_at(size_t index);
