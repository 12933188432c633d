/* meter_internal.h: what meter.c and its parts share: DNS over TCP, tables. */
#pragma once

#include <stdatomic.h>

#include "collect/packet/flows.h"
#include "collect/packet/fragments.h"
#include "collect/packet/heard.h"
#include "collect/packet/meter.h"

struct meter {
    struct meter_settings settings;
    struct flows *flows;
    struct fragments *fragments;
    struct lookups *lookups;
    struct heard *heard;
    size_t detections;      /* that are open */
    size_t dns_connections; /* that are followed */
    int64_t newest_ns;      /* of a packet */
    int64_t tidied_ns, quiet_ns;
    uint64_t count[METER_COUNTS];
    uint64_t application[DETECT_APPLICATIONS_MAX];

    /* Written by the owner alone, in meter_publish; read by any thread. */
    _Atomic uint64_t told[METER_COUNTS];
    _Atomic uint64_t told_application[DETECT_APPLICATIONS_MAX];
    _Atomic uint64_t told_lookups[sizeof(struct lookup_counts) / sizeof(uint64_t)];
};

/* A segment with payload of a connection to port 53 (meter_dns.c). */
void meter_dns_segment(struct meter *m, struct flow *f, uint8_t sender, const struct packet *p,
                       int64_t t_ns);
void meter_dns_datagram(struct meter *m, const struct flow *f, uint8_t sender,
                        const struct packet *p, int64_t t_ns);
void meter_dns_end(struct meter *m, struct flow *f);
