/*
 * bench_options.h: what the subjects of `netsonde bench` read from the command line alike. Each
 * function that returns an exit code has said what is wrong when it is not 0. Main thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bench/fan_bench.h"
#include "daemon/options.h"

int bench_usage(const char *message, const char *value); /* EXIT_USAGE; value: may be NULL */

/* Options and words of other subjects. levels: they have a meaning here. */
int bench_refuse_fanout_options(const struct options *options, bool levels);
int bench_refuse_history_options(const struct options *options); /* --series, --ticks */
int bench_refuse_file(const struct options *options);

/* --seconds; unchanged when it is not given. */
int bench_read_seconds(const struct options *options, double *seconds);

/* How many, the others are 0; -1: it is no such list (nothing has been said). */
int bench_read_levels(const char *text, uint64_t least, uint64_t most,
                      unsigned levels[FAN_LEVELS_MAX]);
