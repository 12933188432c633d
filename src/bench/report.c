/* report.c: see report.h. */
#include "bench/report.h"

#include "wire/json.h"

void report_put_count(struct buf *out, const char *key, uint64_t value)
{
    json_put_key(out, key);
    json_put_u64(out, value);
}

void report_put_number(struct buf *out, const char *key, double value)
{
    json_put_key(out, key);
    json_put_rounded(out, value, 6);
}

void report_put_spread(struct buf *out, const struct spread_summary *s)
{
    report_put_number(out, "p50_ms", s->p50_ms);
    report_put_number(out, "p99_ms", s->p99_ms);
    report_put_number(out, "max_ms", s->max_ms);
}
