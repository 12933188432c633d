/*
 * fan_bench.h: `netsonde bench fanout`: for each level a server process and a crowd process,
 * started afresh, ended in every case. The caller's thread, which must be the only one of its
 * process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "bench/crowd.h"

#define FAN_LEVELS_MAX 32
#define FAN_CLIENTS_MAX 100000
#define FAN_RATE_MAX 1000 /* a second */

/* What goes over the wire, and what sends it. */
enum fan_mode { FAN_PLAIN, FAN_TLS, FAN_DEFLATE, FAN_TLS_DEFLATE, FAN_MODES };
enum fan_sender { FAN_SEND_AUTO, FAN_SEND_SEND, FAN_SEND_IO_URING, FAN_SENDERS };

extern const char *const fan_modes[FAN_MODES]; /* their names */
extern const char *const fan_senders[FAN_SENDERS];

struct fan_settings {
    unsigned levels[FAN_LEVELS_MAX]; /* clients; 0 ends the list */
    enum fan_mode mode;
    enum fan_sender sender;
    char no_ring[96]; /* why FAN_SEND_AUTO became FAN_SEND_SEND; empty: it did not */
    size_t size_bytes;
    bool rate_auto;   /* 10 a second, fewer where that would be more than 10,000 deliveries */
    unsigned rate_hz; /* otherwise; 0: as fast as it goes */
    double seconds;   /* a level */
    unsigned stalled; /* clients of each level that never read */
    bool progress;    /* on standard error */
};
#define FAN_SETTINGS_DEFAULT                                                                       \
    ((struct fan_settings){.levels = {10, 25, 50, 75, 100, 1000, 10000},                           \
                           .size_bytes = 1024,                                                     \
                           .rate_auto = true,                                                      \
                           .seconds = 5})

enum fan_outcome { FAN_MEASURED, FAN_DOES_NOT_FIT, FAN_FAILED, FAN_INTERRUPTED };

struct fan_level {
    unsigned clients, rate_hz;
    enum fan_outcome outcome;
    char why[256];    /* unless measured */
    uint64_t dropped; /* by the server, for clients that were too slow */
    struct crowd_result result;
};

/* Makes of FAN_SEND_AUTO what this machine allows. 0; or a negative errno, and then in `why` a
 * sentence: io_uring was asked for and cannot be had. To be called before a level. */
int fan_settle_sender(struct fan_settings *settings, char *why, size_t why_size);

/* The rate at which a level of so many clients is measured. */
unsigned fan_rate(const struct fan_settings *settings, unsigned clients);

/* One level. SIGINT, SIGTERM and SIGHUP must be blocked: they end it (FAN_INTERRUPTED). */
void fan_bench_level(const struct fan_settings *settings, unsigned clients, struct fan_level *ret);

/* ---- telling ---- */

void fan_report_head(struct buf *out, const struct fan_settings *settings);
void fan_report_level(struct buf *out, const struct fan_level *level);
void fan_report_json(struct buf *out, const struct fan_settings *settings,
                     const struct fan_level *levels, size_t count);

/* The document of a run: how it was asked; and the figures of one level, which has them. */
struct results;
void fan_results_begin(struct results *r, const struct fan_settings *settings);
void fan_results_level(struct results *r, const struct fan_level *level);

/* The members of a measurement, into an open object. */
void fan_report_result(struct buf *out, const struct crowd_result *result);
