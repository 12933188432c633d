/* dns_series.c: see dns_series.h. An outcome becomes a series when it is first seen. */
#include "collect/dns_series.h"

#include "collect/catalogue.h"
#include "model/tick.h"

void dns_series_forget(struct dns_series *s)
{
    for (size_t i = 0; i < LOOKUP_OUTCOMES; i++)
        series_unref(s->rcode[i]);
    for (size_t i = 0; i < LOOKUP_BUCKETS; i++)
        series_unref(s->bucket[i]);
    series_unref(s->sum);
    series_unref(s->lookups);
    *s = (struct dns_series){0};
}

static void dns_series_ask(struct dns_series *s, struct sampler *sampler,
                           const struct engine_sink *sink)
{
    for (size_t i = 0; i < LOOKUP_BUCKETS; i++) {
        struct label le = {"le", lookup_bucket_le(i)};
        s->bucket[i] = sampler_series(sampler, sink, &catalogue_dns_bucket, &le, 1);
    }
    s->sum = sampler_series(sampler, sink, &catalogue_dns_sum, NULL, 0);
    s->lookups = sampler_series(sampler, sink, &catalogue_dns_count, NULL, 0);
    s->asked = true;
}

void dns_series_sample(struct dns_series *s, const struct lookup_counts *counts,
                       struct sampler *sampler, const struct engine_sink *sink)
{
    if (!s->asked)
        dns_series_ask(s, sampler, sink);
    for (size_t i = 0; i < LOOKUP_OUTCOMES; i++) {
        if (!counts->outcome[i])
            continue;
        if (!s->rcode[i]) {
            struct label rcode = {"rcode", lookup_outcome_name(i)};
            s->rcode[i] = sampler_series(sampler, sink, &catalogue_dns_queries, &rcode, 1);
        }
        draft_counter(sink->draft, s->rcode[i], counts->outcome[i], 0);
    }
    uint64_t within = 0;
    for (size_t i = 0; i < LOOKUP_BUCKETS; i++) {
        within += counts->bucket[i];
        draft_counter(sink->draft, s->bucket[i], within, 0);
    }
    draft_counter(sink->draft, s->sum, counts->sum_ns, 0);
    draft_counter(sink->draft, s->lookups, within, 0);
}
