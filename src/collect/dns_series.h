/*
 * dns_series.h: the series netsonde_dns_*, made of a log's counts by whichever engine has the
 * table. Core thread.
 */
#pragma once

#include "collect/dns_log.h"
#include "collect/sampler.h"

struct dns_series {
    bool asked;
    struct series *rcode[LOOKUP_OUTCOMES], *bucket[LOOKUP_BUCKETS], *sum, *lookups;
};

void dns_series_sample(struct dns_series *s, const struct lookup_counts *counts,
                       struct sampler *sampler, const struct engine_sink *sink);
void dns_series_forget(struct dns_series *s); /* all that it holds */
