/* report.h: members of the JSON objects that all benches print. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "bench/spread.h"

void report_put_count(struct buf *out, const char *key, uint64_t value);
void report_put_number(struct buf *out, const char *key, double value); /* 6 digits; NAN: null */
/* p50_ms, p99_ms and max_ms of the object that is open. */
void report_put_spread(struct buf *out, const struct spread_summary *s);
