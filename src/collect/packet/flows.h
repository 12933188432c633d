/*
 * flows.h: who talks to whom: a bounded table of conversations, both directions together.
 *
 * A flow is what has the same two ends (address and port), protocol, VLANs and tunnel. Its ends
 * are sorted, so that both directions have one key: side 0 is the smaller end. Memory is taken once
 * (flows_new); when all flows are in use the one that was silent longest makes room, which is
 * counted. One owner, one thread. All times are nanoseconds of the capture since 1970.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "collect/packet/tcp.h"
#include "wire/packet.h"

#define FLOW_NONE UINT32_MAX

/* A flow moves up in the list by age when it was not moved for so long, instead of with every
 * packet. */
#define FLOW_LAG_NS (100 * NS_PER_MS)

/* Words without holes: compared and hashed as such. */
struct flow_key {
    uint8_t address[2][16]; /* IPv4 in the first four bytes */
    uint16_t port[2];
    uint16_t vlan[2];
    uint8_t family, protocol;
    uint8_t tunnel;  /* enum packet_tunnel */
    uint8_t carrier; /* 1: an outer layer, that carries a tunnel */
    uint32_t tunnel_id;
};

/* What every packet touches lies in the first two cache lines; what TCP adds is behind. */
struct flow {
    struct flow_key key;
    uint64_t hash;
    uint32_t newer, older; /* in the list by age; FLOW_NONE at the ends */

    int64_t seen_ns;
    int64_t listed_ns; /* when it came to its place in the list: FLOW_LAG_NS before, at most */
    uint64_t packets[2], bytes[2]; /* by the side that sent; whole frames as on the wire */
    uint64_t uncredited_bytes;     /* not yet counted for an application */
    uint16_t application;          /* 0: not known */
    bool decided;                  /* the application will not change any more */
    bool hashed;    /* found by its key; false once another one between the same ends began */
    uint8_t client; /* side that began, as far as can be told */

    struct tcp_track tcp;
    uint64_t id; /* grows; never given again */
    int64_t opened_ns;
    uint32_t again[2], disorder[2];
    /* Of those who look into it (meter.c), freed by `ended`. */
    struct detection *detection; /* NULL: nobody looks */
    struct dns_connection *dns;  /* NULL: not DNS over TCP */
    char *host;                  /* NULL: not known */
    char *alpn;                  /* likewise */
};

struct flows;

/* `ended` is called for each flow that leaves, with everything it has. */
struct flows *flows_new(size_t max, void (*ended)(void *user, struct flow *f), void *user);
void flows_free(struct flows *t); /* calls `ended` for all; NULL allowed */

/* The key of a layer; *ret_sender is the side that sent. */
void flow_key_make(const struct packet *p, size_t layer, const uint16_t ports[2],
                   struct flow_key *ret, uint8_t *ret_sender);

/* The flow, which is now the newest; made when there is none. */
struct flow *flows_get(struct flows *t, const struct flow_key *key, int64_t t_ns, bool *ret_made);

/* The same in steps, for several packets at a time: memory that one waits for comes while others
 * are looked at. */
uint64_t flows_hash(const struct flows *t, const struct flow_key *key);
void flows_fetch_index(const struct flows *t, uint64_t hash);
void flows_fetch_flow(const struct flows *t, uint64_t hash);
struct flow *flows_get_hashed(struct flows *t, const struct flow_key *key, uint64_t hash,
                              int64_t t_ns, bool *ret_made);

/* Ports below 1024 are servers' where the other one is above; else who speaks first is the client.
 */
uint8_t flow_guess_client(const struct flow_key *key, uint8_t sender);

/* Another connection between the same ends: the old flow stays as it is, and a new one is made. */
struct flow *flows_renew(struct flows *t, struct flow *old, int64_t t_ns);

void flows_expire(struct flows *t, int64_t before_ns, int64_t closed_before_ns);

size_t flows_count(const struct flows *t);
uint64_t flows_evicted(const struct flows *t);

/* "192.0.2.1:53", "[2001:db8::1]:53"; without the port when it is 0. */
#define FLOW_ENDPOINT_TEXT 56
void flow_endpoint_text(uint8_t family, const uint8_t address[16], uint16_t port,
                        char out[FLOW_ENDPOINT_TEXT]);

struct flow *flows_newest(struct flows *t);                      /* NULL: none */
struct flow *flows_older(struct flows *t, const struct flow *f); /* NULL: was the last */
