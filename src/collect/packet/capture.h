/*
 * capture.h: the capture thread: reads its sources, feeds the meter, and shows the tables about
 * once a second. Opened before privileges are dropped, started afterwards: the thread has none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/packet/heard.h"
#include "collect/packet/meter.h"
#include "collect/packet/tap.h"

#define CAPTURE_SOURCES_MAX 16

struct capture;

/* Borrows nothing; takes the sources once they are added. */
struct capture *capture_new(const struct meter_settings *settings);
void capture_add(struct capture *c, struct tap *s); /* before it starts */
void capture_free(struct capture *c);               /* not running; NULL allowed */

int capture_start(struct capture *c); /* 0 or -errno */
void capture_stop(struct capture *c); /* waits for the thread */

/* ---- any thread ------------------------------------------------------------------------------ */

const struct meter *capture_meter(const struct capture *c); /* for meter_counter and the like */
uint64_t capture_drops(const struct capture *c, bool interface);

struct capture_state {
    size_t sources, lost; /* lost: that failed while they were read, files included */
    size_t done;          /* files that were read to their end */
    char why[256];        /* of the last one that was lost, "" */
};

void capture_get_state(struct capture *c, struct capture_state *ret);

/* The newest table, a reference of the caller's own; NULL: none yet. */
struct table *capture_flows(struct capture *c);
struct table *capture_lookups(struct capture *c);

/* One thread: names of addresses that have not been taken yet, a reference of the caller's own, or
 * NULL. They go once their number is below what capture_names_taken was told. */
struct heard_names *capture_names(struct capture *c);
void capture_names_taken(struct capture *c, uint64_t before);
