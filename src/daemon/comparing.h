/*
 * comparing.h: the daemon compares by itself: when it has run for a while, after links, addresses,
 * the kernel or netsonde itself have changed, and every hour with the same hour of the weeks
 * before.
 *
 *   core ──tick──► comparing ──► pool: history, statistics, list of comparisons (comparison_log)
 *                      └──when done──► hub (channel `baseline`) · log and event when worse
 *
 * Core thread, but for new and free (before and after the threads).
 */
#pragma once

#include <stdint.h>
#include <uv.h>

#include "model/sink.h"

struct comparing;
struct core;
struct hub;

struct comparing_settings {
    const char *data_dir, *version; /* borrowed for its life */
    const char *kernel;             /* NULL: the running one's release */
    int64_t block_ms;               /* of which means are compared */
    uint32_t blocks_least;          /* a side, for a verdict */
    uint32_t blocks_most;           /* a side around a change, while nothing else changes */
    int64_t hour_ms;                /* between two comparisons with the weeks before */
};

#define COMPARING_SETTINGS_DEFAULT                                                                 \
    ((struct comparing_settings){                                                                  \
        .block_ms = 60000, .blocks_least = 30, .blocks_most = 60, .hour_ms = 3600000})

struct comparing *comparing_new(uv_loop_t *uv, const struct comparing_settings *settings);

/* Before the threads start: who is told. */
void comparing_connect(struct comparing *c, struct core *core, struct hub *hub);
struct sink *comparing_sink(struct comparing *c);

void comparing_close(struct comparing *c); /* the loop ends; what is being read is given up */
void comparing_free(struct comparing *c);  /* after the loop has ended; NULL allowed */
