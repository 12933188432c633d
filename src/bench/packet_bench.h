/*
 * packet_bench.h: `netsonde bench packets`: how many packets a second the packet engine takes from
 * a file, on one thread, with nDPI and without. The engine's own reader and meter, no thread of
 * theirs and no tables shown. The caller's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PACKET_ROUNDS_MAX 1000

struct packet_settings {
    const char *file;
    double seconds; /* of each measurement; a round that began is finished, and there is one */
    bool progress;  /* on standard error */
};

/* One with nDPI or without: rounds from the file's beginning and with empty tables. */
struct packet_rate {
    bool measured;
    char why[256];    /* unless measured */
    uint64_t packets; /* of the file */
    uint64_t bytes;   /* of whole frames as on the wire */
    uint64_t flows;   /* that began */
    size_t rounds;
    double best_per_s, median_per_s; /* packets; 0: the file has none */
};

enum packet_variant { PACKET_NDPI_OFF, PACKET_NDPI_ON, PACKET_VARIANTS };

/* 0; or a negative errno, and `ret` says why: the file cannot be read, it has no packets, nDPI is
 * not there. */
int packet_bench(const struct packet_settings *settings, enum packet_variant variant,
                 struct packet_rate *ret);

/* ---- telling ---- */

void packet_report_head(struct buf *out, const struct packet_settings *settings);
void packet_report_rate(struct buf *out, enum packet_variant variant, const struct packet_rate *r);
void packet_report_json(struct buf *out, const struct packet_settings *settings,
                        const struct packet_rate rates[PACKET_VARIANTS]);

/* The document of a run: how it was asked; and the figures of one variant, if it was measured. */
struct results;
void packet_results_begin(struct results *r, const struct packet_settings *settings);
void packet_results_rate(struct results *r, enum packet_variant variant,
                         const struct packet_rate *rate);
