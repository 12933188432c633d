/* sampler.c: see sampler.h. */
#include "collect/sampler.h"

#define RETRY_TICKS 64

struct series *sampler_series(struct sampler *s, const struct engine_sink *sink,
                              const struct metric *metric, const struct label *labels,
                              size_t labels_count)
{
    struct series *series = registry_get(sink->registry, metric, labels, labels_count, s->method);
    if (!series) {
        s->refused = true;
        return NULL;
    }
    return series_ref(series);
}

bool sampler_retry(struct sampler *s)
{
    if (++s->ticks % RETRY_TICKS != 0 || !s->refused)
        return false;
    s->refused = false;
    return true;
}
