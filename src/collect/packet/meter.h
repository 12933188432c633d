/*
 * meter.h: what becomes of a captured packet: it is decoded, counted for its flow (and for the flow
 * of each tunnel around it), followed as TCP, read as DNS, shown to nDPI. No I/O. One owner, one
 * thread: the capture thread; but meter_counter may be called by any.
 *
 * Bytes are those of whole frames as on the wire, whatever part of them was captured.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/packet/detect.h"
#include "collect/packet/lookups.h"
#include "model/table.h"
#include "wire/packet.h"

enum meter_count {
    METER_PACKETS,
    METER_BYTES,
    METER_CUT, /* from here in the order of enum packet_flaw */
    METER_BROKEN,
    METER_DEEP,
    METER_FOREIGN,
    METER_FLOWS_BEGUN,
    METER_FLOWS_EVICTED,
    METER_FLOWS, /* now: a gauge */
    METER_AGAIN,
    METER_DISORDER,
    METER_FRAGMENTS_LOST, /* later fragments whose first was not seen */
    METER_DNS_BAD,        /* messages at a DNS port that are none */
    METER_DNS_GAPS,       /* places where a DNS connection could not be followed */
    METER_DNS_EVICTED,
    METER_UNWATCHED, /* flows that nDPI could not look at for lack of room */
    METER_COUNTS
};

struct meter_settings {
    size_t flows_max;
    size_t detections_max;       /* flows that nDPI looks at, at one time */
    size_t lookups_max;          /* questions that wait for an answer */
    size_t lookups_shown;        /* rows of the table dns */
    size_t rows_max;             /* rows of the table flows */
    bool keep;                   /* flows stay until they have to make room: for files */
    struct recognizer *detector; /* borrowed; NULL: no applications */
};

#define METER_SETTINGS_DEFAULT                                                                     \
    ((struct meter_settings){.flows_max = 65536,                                                   \
                             .detections_max = 16384,                                              \
                             .lookups_max = 4096,                                                  \
                             .lookups_shown = 4096,                                                \
                             .rows_max = 10000})

struct heard;
struct meter;

struct meter *meter_new(const struct meter_settings *settings);
void meter_free(struct meter *m); /* NULL allowed */

#define METER_BATCH 16

/* Up to METER_BATCH frames in their order; several at a time cost less each. */
void meter_packets(struct meter *m, uint32_t link, const struct packet_frame *frames, size_t count);

void meter_packet(struct meter *m, uint32_t link, const uint8_t *frame, uint32_t captured,
                  uint32_t wire, int64_t t_ns);

/* Now and then: what is long silent goes, and what is quiet is decided. now_ns as in the packets.
 */
void meter_tidy(struct meter *m, int64_t now_ns);
/* The same when the last time is a second ago, by whoever it was: it walks over all flows that are
 * silent. Whether it did. */
bool meter_tidy_due(struct meter *m, int64_t now_ns);

/* The last packet was seen: nothing is waited for any more. */
void meter_finish(struct meter *m);

/* Hands numbers over to those who ask from other threads. */
void meter_publish(struct meter *m);

/* Frozen, one reference each. Flows: the rows_max newest, of all that there are (METER_FLOWS). */
struct table *meter_flows_table(struct meter *m);
struct table *meter_lookups_table(struct meter *m);

/* Names of addresses that DNS answers told (heard.h). */
struct heard *meter_heard(struct meter *m);

/* ---- any thread: as of the last meter_publish ------------------------------------------------ */

uint64_t meter_counter(const struct meter *m, enum meter_count which);
uint64_t meter_application_bytes(const struct meter *m, uint16_t application);
void meter_lookup_counts(const struct meter *m, struct lookup_counts *ret);
