/*
 * benchmark.h: the document that a run of `netsonde bench` is: who made it on what machine, how it
 * was asked, and figures, each with what it is and which direction is better. It is printed, kept
 * as a file, sent to a daemon and told to browsers; here is what it must look like.
 *
 *   {"id":"fanout-20261129T180000Z","subject":"fanout","t":1764000000000,"version":"0.1.0",
 *    "state":"done","progress":1,"machine":{"cpu":"...",...},"settings":{"size_bytes":1024,...},
 *    "results":[{"name":"last_p99_ms","labels":{"clients":"100"},"value":1.9,"unit":"ms",
 *                "kind":"duration","better":"lower"},...]}
 *
 * Optional: "why" (of a failure), "baseline" (the name it is kept by), and of a result "judged":
 * false, which is told and never compared (a largest value is mostly chance). Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "wire/json.h"

#define BENCHMARK_BYTES_MAX (256U << 10)
#define BENCHMARK_RESULTS_MAX 2000
#define BENCHMARK_ID_MAX 64
#define BENCHMARK_LABELS_MAX 4
#define BENCHMARK_TEXT_MAX 256 /* bytes of any text */

enum benchmark_kind {
    BENCHMARK_DURATION,
    BENCHMARK_MEMORY,
    BENCHMARK_CPU,
    BENCHMARK_THROUGHPUT,
    BENCHMARK_SIZE,
    BENCHMARK_COUNT,
    BENCHMARK_KINDS
};

const char *benchmark_kind_name(enum benchmark_kind kind);
int benchmark_kind_parse(const char *name, enum benchmark_kind *ret); /* 0 or -ENOENT */

bool benchmark_is_subject(const char *name); /* fanout, collect, packets, store, query */

/* 0; or -EINVAL, and `why` holds one sentence, *ret_member the member at fault (lives for ever).
 * The id may be missing. Members that are not known are at fault, too. */
int benchmark_check(const json_t *document, const char **ret_member, char *why, size_t why_size);
